"""Bar chart of the number of pictures in each class, as HTML. Independent of Streamlit."""

from collections.abc import Sequence
from html import escape

FEW = 10  # classes that have a bar each
MOST = 6  # bars of more classes: the largest have one each, and the others one together
_OTHERS = "var(--st-border-color)"  # their colour

_STYLE = """<style>
.class-bars { width: 100%; max-width: 30rem; margin-top: 0.6rem; border-collapse: collapse; font-size: 0.8rem;
  font-variant-numeric: tabular-nums; }
.class-bars caption { text-align: left; padding-bottom: 0.2rem; }
.class-bars th, .class-bars td { padding: 1px 0; border: 0; font-weight: 400; line-height: 1.3; }
.class-bars th { text-align: left; white-space: nowrap; }
.class-bars td:nth-child(2) { width: 100%; padding: 0 0.5rem; }
.class-bars td:last-child { text-align: right; }
.class-bars .class-bars-none { opacity: 0.75; }
.class-bars td span { display: block; height: 0.7rem; border-radius: 2px; }
/* The classes side by side, each with its bar below its name and count. */
.class-bars-compact, .class-bars-compact caption, .class-bars-compact th, .class-bars-compact td {
  display: block; }
.class-bars-compact { max-width: none; margin: 0; font-size: 0.75rem; }
.class-bars-compact tbody { display: grid; grid-auto-flow: column; gap: 8px;
  grid-auto-columns: minmax(0, 1fr); }
.class-bars-compact tr { display: grid; grid-template-columns: auto 1fr; column-gap: 6px; min-width: 0; }
.class-bars-compact th { overflow: hidden; text-overflow: ellipsis; font-weight: 700; }
.class-bars-compact td:last-child { text-align: left; }
.class-bars-compact td:nth-child(2) { grid-row: 2; grid-column: 1 / -1; padding: 0;
  background: var(--st-secondary-background-color); }
.class-bars-compact td span { height: 6px; }
</style>"""


def class_bars(
    counts: Sequence[int],
    names: Sequence[str],
    colours: Sequence[str],
    caption: str,
    *,
    compact: bool = False,
) -> str:
    """HTML of a table with a bar for each class; the largest has full width, empty classes are faint.

    Of more than FEW classes, the largest come first, and the others are one bar.

    It is as high as there are classes, or, if `compact`, three lines high, with the classes side by side.
    """
    if len(names) > FEW:
        counts, names, colours = _largest(counts, names, colours)
    largest = max([1, *counts])
    rows = []
    for name, count, colour in zip(names, counts, colours, strict=True):
        bar = f"width: {100 * count / largest:.0f}%; background: {colour}"
        none = "" if count else ' class="class-bars-none"'
        rows.append(
            f'<tr{none}><th scope="row">{escape(name)}</th><td><span style="{bar}"></span></td>'
            f"<td>{count:,}</td></tr>"
        )
    kind = "class-bars class-bars-compact" if compact else "class-bars"
    return f'{_STYLE}<table class="{kind}"><caption>{escape(caption)}</caption>{"".join(rows)}</table>'


def _largest(
    counts: Sequence[int], names: Sequence[str], colours: Sequence[str]
) -> tuple[list[int], list[str], list[str]]:
    """Counts, names and colours of the largest classes, and of all others together, if these have any."""
    order = sorted(range(len(names)), key=lambda label: -counts[label])
    found = [label for label in order if counts[label]]
    kept = found if len(found) <= MOST else found[: MOST - 1]
    parts = [(counts[label], names[label], colours[label]) for label in kept]
    if rest := found[len(kept) :]:
        parts.append((sum(counts[label] for label in rest), f"{len(rest)} others", _OTHERS))
    return [part[0] for part in parts], [part[1] for part in parts], [part[2] for part in parts]
