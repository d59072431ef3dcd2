"""A small table of numbers as HTML, and comparisons of two rounded numbers. Independent of Streamlit."""

import re
from collections.abc import Mapping, Sequence
from html import escape

# A Markdown table would be wider than its column.
_STYLE = """<style>
.numbers { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.numbers th, .numbers td { padding: 0.15rem 0 0.15rem 0.9rem; text-align: right; font-weight: 400; }
.numbers th:first-child { padding-left: 0; text-align: left; }
.numbers thead th { opacity: 0.75; }
</style>"""
_MINUS = re.compile(r"(?:^|(?<=\de))-(?=\d)")  # a number's, no hyphen of a name


def number_table(
    heading: Sequence[str], rows: Mapping[str, Sequence[str]], bold: Mapping[str, int] | None = None
) -> str:
    """HTML of a table: its first column names the rows; `bold` maps row names to the column that is bold."""
    lines = []
    for name, cells in rows.items():
        texts = [escape(_MINUS.sub("−", cell)) for cell in cells]
        if bold and name in bold:
            texts[bold[name]] = f"<b>{texts[bold[name]]}</b>"
        numbers = "".join(f"<td>{text}</td>" for text in texts)
        lines.append(f"<tr><th>{escape(name)}</th>{numbers}</tr>")
    heads = "".join(f"<th>{escape(name)}</th>" for name in heading)
    return (
        f'{_STYLE}<table class="numbers"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def comparison(left: float, right: float, digits: int) -> tuple[str, str, str]:
    """Two numbers and their difference as text: that of the rounded numbers, so that all three agree."""
    left, right = round(left, digits), round(right, digits)
    difference = "0" if left == right else f"{right - left:+.{digits}f}"
    return f"{left:.{digits}f}", f"{right:.{digits}f}", difference


def better(left: float, right: float, digits: int, *, lower: bool) -> int | None:
    """The index of the better one of two numbers, 0 or 1; None if they are equal when rounded."""
    left, right = round(left, digits), round(right, digits)
    return None if left == right else int((right < left) == lower)
