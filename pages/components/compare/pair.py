"""Two runs beside each other: what of them can be compared, and what of both is chosen.

Nothing here knows Streamlit. Shapes: N test pictures, Z latent size.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pages.components.map.pin_urls import Texts, index_of, place_of, place_text
from pages.components.map.pins import Pins
from vae import VaeError
from vae.inference.scored_set import Floats
from vae.runs.run import Run


class Pair(NamedTuple):
    """Two runs, in the order in which they stand."""

    left: Run
    right: Run

    @property
    def same_set(self) -> bool:
        """Whether both learned the same pictures: only then can a picture or a loss of one be the other's."""
        return self.left.config.dataset == self.right.config.dataset

    @property
    def latent_dims(self) -> tuple[int, int]:
        """Z of each."""
        return self.left.config.latent_dim, self.right.config.latent_dim

    @property
    def same_space(self) -> bool:
        """Whether a place of one is also one of the other: it has as many numbers."""
        return len(set(self.latent_dims)) == 1

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What cannot be compared, a sentence each."""
        found = []
        if not self.same_set:
            found.append(
                f"They learned different data sets, {self.left.config.dataset} at the left and "
                f"{self.right.config.dataset} at the right. So no picture can be marked on both maps, and "
                "losses and neighbours are those of different pictures: neither run is better."
            )
        if not self.same_space:
            left, right = self.latent_dims
            found.append(
                f"z has {_numbers(left)} at the left and {right} at the right: a place of one means nothing "
                "to the other."
            )
        return tuple(found)


@dataclass(frozen=True)
class Choice:
    """What is marked: the test picture `index` of both, or a place `z`, of each run that has as many latent
    dimensions."""

    index: int | None = None
    z: tuple[float, ...] = ()

    def fits(self, pair: Pair, count: int) -> bool:
        """Whether it is something of these runs, which have so many test pictures."""
        if self.index is not None:
            return pair.same_set and self.index < count
        return len(self.z) in pair.latent_dims

    @property
    def texts(self) -> Texts:
        """What the address says of it."""
        if self.index is not None:
            return Texts(index=str(self.index))
        return Texts(z=place_text(np.array(self.z, np.float32)))


def pins_of(choice: Choice | None, means: Floats) -> Pins:
    """What is chosen, as the pins of a run with test pictures at these places (N, Z); none if it is nothing
    there."""
    if choice is None:
        return Pins()
    if choice.index is not None:
        return Pins().add(means[choice.index], choice.index)
    return Pins().add(choice.z) if len(choice.z) == means.shape[1] else Pins()


def choice_of(texts: Texts, pair: Pair, count: int) -> Choice:
    """What an address says is chosen, of runs with so many test pictures. Raises VaeError if it is none."""
    if texts.index is not None:
        index = index_of(texts.index, count)
        if not pair.same_set:
            raise VaeError(f"Test picture {index} is another at each side, so it cannot be marked on both.")
        return Choice(index)
    text = texts.z or ""
    size = text.count(",") + 1
    place = place_of(text, size if size in pair.latent_dims else pair.latent_dims[0])
    return Choice(z=tuple(place.tolist()))


def _numbers(count: int) -> str:
    return f"{count} number{'s' * (count != 1)}"
