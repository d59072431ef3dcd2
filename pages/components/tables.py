"""A small table of numbers, as HTML. Nothing here knows Streamlit."""

from collections.abc import Mapping, Sequence
from html import escape

# Narrower than a table of Markdown, which runs out of its column.
_STYLE = """<style>
.numbers { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.numbers th, .numbers td { padding: 0.15rem 0 0.15rem 0.9rem; text-align: right; font-weight: 400; }
.numbers th:first-child { padding-left: 0; text-align: left; }
.numbers thead th { opacity: 0.6; }
</style>"""


def number_table(heading: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """HTML of a table: its first column names the rows."""
    lines = []
    for name, cells in rows.items():
        numbers = "".join(f"<td>{escape(cell.replace('-', '−'))}</td>" for cell in cells)
        lines.append(f"<tr><th>{escape(name)}</th>{numbers}</tr>")
    heads = "".join(f"<th>{escape(name)}</th>" for name in heading)
    return (
        f'{_STYLE}<table class="numbers"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )
