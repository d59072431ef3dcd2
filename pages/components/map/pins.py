"""The pins: a row of latent points, one of them chosen. Independent of Streamlit.

Shapes: N test pictures, Z latent size.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from vae.inference.scored_set import Floats

MOST = 24  # pins in the row
MOST_KEPT = MOST - 1  # of them: there is always room for the next pin


@dataclass(frozen=True)
class Pin:
    """A pinned latent point.

    Attributes:
        place: (Z,), each number exactly a float32.
        index: of the test picture whose mean the place is; None for any other place.
        dataset: the data set of that picture; empty for any other place.
        kept: whether it stays when the row is cleared or grows too long.
        number: identifies the pin in its row; later pins have larger ones. Two pins may have the same place.
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
    """A row of at most `MOST` pins; one of them is chosen, unless the row is empty.

    Each operation returns a new row. A number that no pin has changes nothing, as numbers come from browsers.

    Attributes:
        row: the oldest first, so that the numbers rise.
        choice: the number of the chosen pin.
        count: the number of pins ever added, which is the next one's number.
        dataset: the data set of the pinned test pictures.
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
        """The number of pins that are kept."""
        return sum(pin.kept for pin in self.row)

    def place(self, latent_dim: int) -> Floats:
        """The chosen place, 0 if there is none: (Z,)."""
        return np.zeros(latent_dim, np.float32) if self.chosen is None else self.chosen.z

    def add(self, place: npt.ArrayLike, index: int | None = None) -> "Pins":
        """Adds a pin at (Z,) and chooses it; of too many pins, the oldest that is not kept is removed."""
        numbers = tuple(np.asarray(place, np.float32).tolist())
        pin = Pin(numbers, index, dataset="" if index is None else self.dataset, number=self.count)
        return replace(self, row=(*self.row, pin), choice=pin.number, count=self.count + 1).bounded()

    def bounded(self) -> "Pins":
        """Removes the oldest pins that are neither kept nor chosen, until there are at most `MOST`."""
        idle = [pin.number for pin in self.row if not pin.kept and pin.number != self.choice]
        leaving = idle[: max(0, len(self.row) - MOST)]
        return replace(self, row=tuple(pin for pin in self.row if pin.number not in leaving))

    def choose(self, number: int) -> "Pins":
        """Chooses the pin of this number."""
        return replace(self, choice=number) if any(pin.number == number for pin in self.row) else self

    def keep(self, number: int) -> "Pins":
        """Keeps a pin, or keeps it no more; at most `MOST_KEPT` are kept."""
        row = tuple(
            replace(pin, kept=not pin.kept and self.kept < MOST_KEPT) if pin.number == number else pin
            for pin in self.row
        )
        return replace(self, row=row)

    def remove(self, number: int) -> "Pins":
        """Removes a pin; if it was chosen, the next in the row is chosen, or else the one before."""
        row = tuple(pin for pin in self.row if pin.number != number)
        near = [pin.number for pin in row if pin.number > number] or [pin.number for pin in row[-1:]] or [-1]
        return replace(self, row=row, choice=near[0] if self.choice == number else self.choice)

    def clear(self) -> "Pins":
        """Removes the pins that are not kept; if the chosen one is not, chooses the youngest left."""
        row = tuple(pin for pin in self.row if pin.kept)
        left = self.choice in [pin.number for pin in row]
        return replace(self, row=row, choice=self.choice if left else row[-1].number if row else -1)


def fit_pins(pins: Pins, aside: tuple[Pin, ...], means: Floats, dataset: str) -> tuple[Pins, tuple[Pin, ...]]:
    """Divides pins into those that fit a model and those set aside: of another latent size or data set.

    A pinned test picture moves to its mean under this model. Pins set aside before return to their positions
    in the row when they fit.

    Args:
        pins, aside: what the last call returned, changed by operations since.
        means: of the model's test pictures: (N, Z).
        dataset: the data set of these pictures.
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
