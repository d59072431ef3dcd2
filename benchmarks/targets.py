"""A figure beside its target."""

from collections.abc import Iterable
from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, and what it should be: at most `target`, or at least, where `at_least` says so."""

    what: str
    value: float
    unit: str
    target: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the target is reached, by the figure itself, not as it is rounded."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        bound = f"{'at least' if self.at_least else 'at most'} {self.target:g}"
        verdict = "holds" if self.holds else "missed"
        return f"  {self.what:60} {self.value:7.2f} {self.unit:4}  {bound:13}  {verdict}"


def tell(figures: Iterable[Figure]) -> None:
    """Prints a line for each figure."""
    for figure in figures:
        print(figure, flush=True)
