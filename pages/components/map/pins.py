"""What is pinned: a row of places of the latent space, one of them chosen. Nothing here knows Streamlit.

Shapes: N test pictures, Z latent size.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from vae.inference.scored_set import Floats

MOST = 24  # pins of a row
MOST_KEPT = MOST - 1  # of them: there is always room for the next place


@dataclass(frozen=True)
class Pin:
    """A place of the latent space.

    Attributes:
        place: (Z,), each number exactly a float32.
        index: of the test picture whose mean the place is; None if it is none's.
        dataset: whose test picture that is; empty if it is none's.
        kept: whether it stays when the row is cleared, or grows too long.
        number: tells it from all others of the row, the younger the larger; two may have the same place.
    """

    place: tuple[float, ...]
    index: int | None = None
    kept: bool = False
    dataset: str = ""
    number: int = field(default=0, compare=False)

    @property
    def z(self) -> Floats:
        """The place: (Z,)."""
        return np.array(self.place, np.float32)


@dataclass(frozen=True)
class Pins:
    """A row of at most `MOST` pins; one of them is chosen, unless there is none.

    Each operation returns another row. What names no pin changes nothing: numbers come from browsers.

    Attributes:
        row: the oldest first, so that the numbers rise.
        choice: the number of the chosen pin.
        count: how many there ever were: the next one's number.
        dataset: whose test pictures are pinned.
    """

    row: tuple[Pin, ...] = ()
    choice: int = -1
    count: int = 0
    dataset: str = ""

    @property
    def chosen(self) -> Pin | None:
        """The chosen pin; None if the row is empty."""
        return next((pin for pin in self.row if pin.number == self.choice), None)

    @property
    def kept(self) -> int:
        """How many are kept."""
        return sum(pin.kept for pin in self.row)

    def place(self, latent_dim: int) -> Floats:
        """The chosen place, 0 before anything was chosen: (Z,)."""
        return np.zeros(latent_dim, np.float32) if self.chosen is None else self.chosen.z

    def add(self, place: npt.ArrayLike, index: int | None = None) -> "Pins":
        """A new pin at (Z,), which is chosen; of too many, the oldest goes that is not kept."""
        numbers = tuple(np.asarray(place, np.float32).tolist())
        pin = Pin(numbers, index, dataset="" if index is None else self.dataset, number=self.count)
        return replace(self, row=(*self.row, pin), choice=pin.number, count=self.count + 1).bounded()

    def bounded(self) -> "Pins":
        """At most `MOST` of these: the oldest go first that are neither kept nor chosen."""
        idle = [pin.number for pin in self.row if not pin.kept and pin.number != self.choice]
        leaving = idle[: max(0, len(self.row) - MOST)]
        return replace(self, row=tuple(pin for pin in self.row if pin.number not in leaving))

    def choose(self, number: int) -> "Pins":
        """Another is chosen."""
        return replace(self, choice=number) if any(pin.number == number for pin in self.row) else self

    def keep(self, number: int) -> "Pins":
        """One is kept, or, if it was, no more; at most `MOST_KEPT` are."""
        row = tuple(
            replace(pin, kept=not pin.kept and self.kept < MOST_KEPT) if pin.number == number else pin
            for pin in self.row
        )
        return replace(self, row=row)

    def remove(self, number: int) -> "Pins":
        """Without one; if it was chosen, the next in the row is now, else the one before."""
        row = tuple(pin for pin in self.row if pin.number != number)
        near = [pin.number for pin in row if pin.number > number] or [pin.number for pin in row[-1:]] or [-1]
        return replace(self, row=row, choice=near[0] if self.choice == number else self.choice)

    def clear(self) -> "Pins":
        """Those that are kept; if the chosen one is not, the youngest of them is chosen."""
        row = tuple(pin for pin in self.row if pin.kept)
        left = self.choice in [pin.number for pin in row]
        return replace(self, row=row, choice=self.choice if left else row[-1].number if row else -1)


def fitted(pins: Pins, aside: tuple[Pin, ...], means: Floats, dataset: str) -> tuple[Pins, tuple[Pin, ...]]:
    """The pins that have a place in a model's latent space, and those set aside for another, or for the test
    pictures of another data set.

    A test picture lies where this model puts it. What was set aside before comes back to where it was in
    the row.

    Args:
        pins, aside: what the last call returned, or what came of it.
        means: of the test pictures: (N, Z).
        dataset: whose these are.
    """
    here, other = [], []
    for pin in sorted((*pins.row, *aside), key=lambda pin: pin.number):
        if pin.index is not None and pin.dataset == dataset and pin.index < len(means):
            here.append(replace(pin, place=tuple(means[pin.index].tolist())))
        elif pin.index is None and len(pin.place) == means.shape[1]:
            here.append(pin)
        else:
            other.append(pin)
    found = any(pin.number == pins.choice for pin in here)
    choice = pins.choice if found else here[-1].number if here else -1
    return Pins(tuple(here), choice, pins.count, dataset).bounded(), tuple(other[-MOST:])
