"""What of an address is a wish, and what only an echo.

What is chosen is written into the address in the browser (`links/address.js`), so that it leaves no step in
its history, and the server hears of it late: with the next run of the script, or, once `st.query_params` was
written for something else, not before the next page (Streamlit 1.67). So an old address must not be taken for
a wish. What differs from all that was seen last or asked for lately was asked by a person, a link or the
browser's way back; and so was all that an address says when another page was shown before.
"""

from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

T = TypeVar("T")
LATELY = 3  # addresses asked for that may still be on their way: a fast hand is two clicks ahead


@dataclass(frozen=True)
class Heard(Generic[T]):
    """What an address said last, and what it was asked to say lately, the newest last."""

    seen: T | None = None
    asked: tuple[T, ...] = ()

    def is_wish(self, seen: T, *, stayed: bool) -> bool:
        """Whether what the address says now was asked for; `stayed`, if the run before showed this page."""
        return not (stayed and seen in (self.seen, *self.asked))

    def hearing(self, seen: T) -> Self:
        """The same once the address has said this."""
        return replace(self, seen=seen)

    def asking(self, said: T) -> Self:
        """The same once the browser is asked to have the address say this."""
        return replace(self, asked=(*(each for each in self.asked if each != said), said)[-LATELY:])
