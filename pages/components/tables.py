"""Numbers as people read them, and a small table of them, as HTML. Nothing here knows Streamlit."""

from collections.abc import Mapping, Sequence
from html import escape

# Narrower than a table of Markdown, which runs out of its column.
_STYLE = """<style>
.numbers { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.numbers th, .numbers td { padding: 0.15rem 0 0.15rem 0.9rem; text-align: right; font-weight: 400; }
.numbers th:first-child { padding-left: 0; text-align: left; }
.numbers thead th { opacity: 0.6; }
</style>"""


def decimal(value: float, *, thousands: str = "") -> str:
    """A number to 0.01 as people read it: with a minus sign, not a hyphen, and no −0."""
    return f"{value:z{thousands}.2f}".replace("-", "−")


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
