"""The colours of classes, the same on all pages and in all files, on light and on dark grounds."""

from itertools import cycle, islice
from typing import Literal

Theme = Literal["light", "dark"]
# Each has a contrast of 3:1 or more on the page of its theme, and people with normal vision, protanopia,
# deuteranopia and tritanopia can tell any two apart: found by maximising the smallest distance
# (tests/pages/charts/test_colours.py). The second ten were found in the same way, as far as can be from the
# first ten and from each other: a search over a grid of all colours, then small random steps.
CLASS_COLOURS: dict[Theme, tuple[str, ...]] = {
    "light": (
        *("#0004ce", "#70207d", "#ab1006", "#c42ff9", "#9f89ca"),
        *("#fd5b01", "#16a771", "#001f42", "#4e0000", "#656873"),
        *("#2a55cd", "#b05939", "#6e8498", "#9866c6", "#564f47"),
        *("#87489e", "#6f150e", "#020a22", "#353545", "#140000"),
    ),
    "dark": (
        *("#544be8", "#885682", "#c6162c", "#ad83f4", "#bcc0ff"),
        *("#efb500", "#89ffde", "#05b59c", "#cc7e01", "#ffff6f"),
        *("#5a73ff", "#e82953", "#b3ee9c", "#a910be", "#3b8764"),
        *("#7d88a3", "#c2a65e", "#a165cb", "#0bdaaa", "#eadd47"),
    ),
}
# Of numbers, from blue to orange: told apart with any colour vision, and visible on the page of each theme.
SCALE_COLOURS: dict[Theme, tuple[str, ...]] = {
    "light": ("#2255ee", "#bb4488", "#dd7700"),
    "dark": ("#4477ff", "#cc5599", "#ffaa22"),
}
# Of fewer than ten classes each takes the colour that differs most from those before it, in either theme.
FOR_FEW = (0, 5, 2, 4, 7, 1, 3, 9, 6)


def colours_of_classes(count: int, theme: Theme) -> tuple[str, ...]:
    """The colours of `count` classes; more classes than colours share them in turn."""
    colours = CLASS_COLOURS[theme]
    if count <= len(FOR_FEW):
        return tuple(colours[number] for number in FOR_FEW[:count])
    return tuple(islice(cycle(colours), count))
