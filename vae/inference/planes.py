"""A plane through the latent space, which maps show. Nothing here knows Streamlit.

A map's points must not travel to the browser anew when another place is pinned. So where they lie on the map
depends on the plane's `Directions` alone, and what goes with the place is in the `Plane`'s base alone.

Shapes: N points, Z latent size.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vae.inference.labels import axis_names, coordinate_name, decimal
from vae.inference.scored_set import Floats, Indices, ScoredSet

Wide = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """The points z = base + x · first + y · second.

    Where the latent space is a line, `second` is 0: the map's other axis says something else there.

    Attributes:
        base: what lies at (0, 0): (Z,).
        first, second: unit vectors at a right angle, the directions of the map's axes: (Z,).
        names: of the axes.
    """

    base: Floats
    first: Floats
    second: Floats
    names: tuple[str, str]

    @property
    def is_line(self) -> bool:
        """Whether the latent space is one."""
        return not self.second.any()

    def at(self, x: float, y: float) -> Floats:
        """The point of the latent space (Z,) at a place of the map."""
        return (self.base + x * self.first + y * self.second).astype(np.float32)

    def coordinates(self, points: npt.NDArray[np.floating]) -> Floats:
        """Where points (N, Z) lie on the map, seen at a right angle: (N, 2)."""
        directions = np.stack((self.first, self.second), axis=1)
        return ((points - self.base) @ directions).astype(np.float32)

    @property
    def said(self) -> tuple[str, ...]:
        """What stands before each coordinate of a place where people read it; nothing where these are all."""
        short = (name.replace("principal component", "PC") for name in self.names)
        return tuple(short) if len(self.base) > 2 else ()

    def numbers(self, points: Floats) -> Floats:
        """The coordinates that people read of points (N, Z): (N, 2), or of a line (N, 1)."""
        return self.coordinates(points) if self.said else points

    def named(self, place: Floats) -> str:
        """A place (Z,) as people read it, to 0.01: `0.41, −1.20`, or of many dimensions those of the map."""
        numbers = [decimal(value) for value in self.numbers(place[None])[0]]
        if not self.said:
            return ", ".join(numbers)
        return ", ".join(f"{name} {number}" for name, number in zip(self.said, numbers, strict=True)) + ", …"


@dataclass(frozen=True)
class Directions:
    """All planes that show the points alike: they lie beside each other.

    Attributes:
        first, second, names: as of `Plane`.
        centre: what is seen at (0, 0), with whatever lies in front of it and behind: (Z,).
        shown: what the map shows, in the middle of a sentence.
        rest: what else a plane has to have, before the name of a place; empty where there is nothing else.
    """

    first: Floats
    second: Floats
    names: tuple[str, str]
    centre: Floats
    shown: str
    rest: str

    @cached_property
    def name(self) -> str:
        """The same for those that show all points alike, and for no others."""
        arrays = (self.first, self.second, self.centre)
        return hashlib.sha256(b"".join(each.tobytes() for each in arrays)).hexdigest()[:16]

    def through(self, place: npt.NDArray[np.floating]) -> Plane:
        """The one plane on which a place (Z,) lies."""
        directions = np.stack((self.first, self.second)).astype(np.float64)
        away = place - self.centre.astype(np.float64)
        base = place - (directions @ away) @ directions
        return Plane(base.astype(np.float32), self.first, self.second, self.names)

    def coordinates(self, points: npt.NDArray[np.floating]) -> Floats:
        """Where points (N, Z) lie on each of the planes' maps: (N, 2)."""
        return self.through(self.centre).coordinates(points)


def axes(latent_dim: int, i: int = 0, j: int = 1) -> Directions:
    """Two of the coordinates, 0 to Z - 1; of a latent space that is a line, its own and none."""
    first, second = np.zeros((2, latent_dim), np.float32)
    centre = np.zeros(latent_dim, np.float32)
    first[i] = 1
    if latent_dim == 1:
        shown = "z₁ and, upwards, the log-variance of its posterior: how unsure the encoder is of it"
        return Directions(first, second, axis_names(1), centre, shown, "")
    second[j] = 1
    names = coordinate_name(i), coordinate_name(j)
    shown = " and ".join(names)
    if latent_dim == 2:
        return Directions(first, second, names, centre, f"{shown}, all of this latent space", "")
    more = latent_dim - 2
    rest = "the other coordinate is that of" if more == 1 else f"the other {more} coordinates are those of"
    return Directions(first, second, names, centre, shown, rest)


def principal(means: npt.NDArray[np.floating]) -> Directions:
    """The first two principal components of means (N, Z), Z > 1; their mean is seen at (0, 0).

    A component's largest entry is positive: which way it points would otherwise be chance.
    """
    wide = means.astype(np.float64)
    centre = wide.mean(axis=0)
    spread = wide - centre
    variances, vectors = np.linalg.eigh(spread.T @ spread)
    two = vectors[:, :-3:-1].T
    two *= np.sign(two[np.arange(2), np.abs(two).argmax(axis=1)])[:, None]
    first, second = two.astype(np.float32)
    share = variances[-2:].sum() / max(variances.sum(), np.finfo(np.float64).tiny)
    shown = (
        "the first two principal components, the directions in which the pictures lie furthest apart "
        f"({share:.0%} of their variance)"
    )
    names = "principal component 1", "principal component 2"
    return Directions(first, second, names, centre.astype(np.float32), shown, "the plane goes through")


@dataclass(frozen=True)
class Dimensions:
    """What each dimension of the latent space holds of a set of pictures.

    Attributes:
        kl: the mean KL of each, in nats: (Z,).
        mean: of all places: (Z,).
        principal: the plane along which they lie furthest apart; None where there is no choice, Z < 3.
    """

    kl: Floats
    mean: Floats
    principal: Directions | None

    @cached_property
    def order(self) -> Indices:
        """The dimensions, those with the largest KL first."""
        return np.argsort(-self.kl, kind="stable")


def dimensions_of(test: ScoredSet) -> Dimensions:
    """The dimensions as a set of pictures uses them."""
    means = test.means
    middle = means.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Dimensions(test.mean_kl_by_dimension, middle, principal(means) if means.shape[1] > 2 else None)


@dataclass(frozen=True)
class Picked:
    """Which plane was chosen, but for the place it goes through.

    Attributes:
        at_pin: whether it goes through the pinned place, or else through the mean.
    """

    directions: Directions
    mean: Floats
    at_pin: bool

    def plane(self, pinned: Floats | None) -> Plane:
        """The plane that the map shows while a place (Z,) is pinned, or none."""
        return self.directions.through(self.mean if pinned is None or not self.at_pin else pinned)

    def sentence(self, pinned: bool) -> str:
        """What the map shows, while a place is pinned or none."""
        rest = self.directions.rest
        if not rest:
            return f"The map shows {self.directions.shown}."
        where = "the pinned place" if pinned and self.at_pin else "the mean of all test pictures"
        yet = ", as nothing is pinned yet" if self.at_pin and not pinned else ""
        return (
            f"The map shows {self.directions.shown}; {rest} {where}{yet}. What is drawn lies on "
            "this plane; the points lie beside it, in front or behind, and so may be drawn otherwise."
        )
