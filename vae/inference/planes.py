"""Planes through the latent space, which the maps show.

The positions of points on the map depend only on the plane's `Directions`; a pinned place affects only the
base of the `Plane`. So the points are not sent to the browser again when another place is pinned.

Shapes: N points, Z latent size.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from vae.inference.formatting import axis_names, coordinate_name, format_number
from vae.inference.scored_set import Floats, Indices, ScoredSet

# The axes of a map stay until another dimension's KL is larger than theirs by this factor, and these nats.
KEEP_FACTOR, KEEP_NATS = 1.25, 0.05
INACTIVE_NATS = 0.01  # mean KL below which a dimension is called inactive
# Further out than any model puts a picture, and near enough that nothing computed from a place overflows.
FURTHEST = 1_000_000


@dataclass(frozen=True)
class Plane:
    """The points z = base + x · first + y · second, with map coordinates x and y.

    In a latent space of one dimension `second` is 0, and the map's y axis shows something else.

    Attributes:
        base: the latent point at (0, 0): (Z,).
        first, second: orthogonal unit vectors, the directions of the map's axes: (Z,).
        names: of the axes.
    """

    base: Floats
    first: Floats
    second: Floats
    names: tuple[str, str]

    @property
    def is_line(self) -> bool:
        """Whether the latent space has one dimension."""
        return not self.second.any()

    def at(self, x: float, y: float) -> Floats:
        """The latent point (Z,) at a position of the map."""
        return (self.base + x * self.first + y * self.second).astype(np.float32)

    def coordinates(self, points: npt.NDArray[np.floating]) -> Floats:
        """The map positions of latent points, by orthogonal projection: (N, Z) -> (N, 2)."""
        directions = np.stack((self.first, self.second), axis=1)
        return ((points - self.base) @ directions).astype(np.float32)

    @property
    def coordinate_labels(self) -> tuple[str, ...]:
        """The label of each displayed coordinate; empty if Z < 3, where z is written out without labels."""
        short = (name.replace("principal component", "PC") for name in self.names)
        return tuple(short) if len(self.base) > 2 else ()

    def displayed_coordinates(self, points: Floats) -> Floats:
        """The coordinates that are written out for latent points: (N, Z) -> (N, 2), or (N, 1) if Z = 1."""
        return self.coordinates(points) if self.coordinate_labels else points

    def format_place(self, place: Floats) -> str:
        """A latent point (Z,) as text: `0.41, −1.20`, or its map coordinates with labels if Z > 2."""
        numbers = [format_number(value) for value in self.displayed_coordinates(place[None])[0]]
        if not self.coordinate_labels:
            return ", ".join(numbers)
        labelled = zip(self.coordinate_labels, numbers, strict=True)
        return ", ".join(f"{name} {number}" for name, number in labelled) + ", …"


@dataclass(frozen=True)
class Directions:
    """A family of parallel planes, on which latent points have the same map positions.

    Attributes:
        first, second, names: as of `Plane`.
        centre: a latent point shown at (0, 0), as is every point that differs only off the plane: (Z,).
        shown: description of the axes, a noun phrase.
        rest: what determines the coordinates off the plane, before the name of a place; empty if Z < 3.
    """

    first: Floats
    second: Floats
    names: tuple[str, str]
    centre: Floats
    shown: str
    rest: str

    @cached_property
    def name(self) -> str:
        """A hash of the arrays, 16 hexadecimal digits: equal exactly where all map positions are equal."""
        arrays = (self.first, self.second, self.centre)
        return hashlib.sha256(b"".join(each.tobytes() for each in arrays)).hexdigest()[:16]

    def through(self, place: npt.NDArray[np.floating]) -> Plane:
        """The plane of the family that contains a latent point (Z,)."""
        directions = np.stack((self.first, self.second)).astype(np.float64)
        away = place - self.centre.astype(np.float64)
        base = place - (directions @ away) @ directions
        return Plane(base.astype(np.float32), self.first, self.second, self.names)

    def coordinates(self, points: npt.NDArray[np.floating]) -> Floats:
        """The map positions of latent points, the same on all of the planes: (N, Z) -> (N, 2)."""
        return self.through(self.centre).coordinates(points)

    def map_coordinates(self, means: Floats, logvars: Floats) -> Floats:
        """The map positions of posteriors: (N, Z), (N, Z) -> (N, 2).

        Those of their means; if Z = 1, mean and log-variance.
        """
        return self.coordinates(means) if means.shape[1] > 1 else np.concatenate((means, logvars), axis=1)

    def covariances(self, logvars: Floats) -> Floats:
        """xx, xy, yy on the map of the posteriors' covariances diag(exp(logvar)): (N, Z) -> (N, 3)."""
        products = self.first**2, self.first * self.second, self.second**2
        return np.exp(logvars) @ np.stack(products, axis=1)


def axis_directions(latent_dim: int, i: int = 0, j: int = 1) -> Directions:
    """The planes along the latent axes `i` and `j`, each 0 to Z - 1; if Z = 1, the latent line itself."""
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


def largest_axes(kl: Floats, before: tuple[int, int] | None = None) -> tuple[int, int]:
    """The two dimensions with the largest mean KL (Z,), in the order of their numbers; (0, 0) if Z = 1.

    `before` are kept while they are about as large: so a map does not turn with every small change.
    """
    order = np.argsort(-kl, kind="stable")[:2]
    if before is not None and kl[list(before)].min() * KEEP_FACTOR + KEEP_NATS >= kl[order].min():
        return before
    first, *second = sorted(order.tolist())
    return first, *(second or [first])


def principal_directions(means: npt.NDArray[np.floating]) -> Directions:
    """The planes along the first two principal components of means (N, Z), Z > 1, centred on their mean.

    The sign of a component is arbitrary; it is chosen so that the largest entry is positive.
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
        "the first two principal components, the directions in which the images lie furthest apart "
        f"({share:.0%} of their variance)"
    )
    names = "principal component 1", "principal component 2"
    return Directions(first, second, names, centre.astype(np.float32), shown, "the plane goes through")


@dataclass(frozen=True)
class DimensionSummary:
    """Statistics of each latent dimension over a set of images.

    Attributes:
        kl: the mean KL of each, in nats: (Z,).
        mean: the mean of the posterior means: (Z,).
        principal: the principal directions of the posterior means; None if Z < 3, where all planes are one.
    """

    kl: Floats
    mean: Floats
    principal: Directions | None

    @cached_property
    def order(self) -> Indices:
        """The dimensions by their KL, the largest first: (Z,)."""
        return np.argsort(-self.kl, kind="stable")

    @cached_property
    def largest(self) -> Directions:
        """The planes along the two axes with the largest KL, which maps show unless others are chosen."""
        return axis_directions(len(self.kl), *largest_axes(self.kl))


def summarize_dimensions(test: ScoredSet) -> DimensionSummary:
    """The statistics of each latent dimension over a scored set."""
    means = test.means
    middle = means.mean(axis=0, dtype=np.float64).astype(np.float32)
    principal = principal_directions(means) if means.shape[1] > 2 else None
    kl = test.kl_by_dimension.mean(axis=0, dtype=np.float64).astype(np.float32)
    return DimensionSummary(kl, middle, principal)


@dataclass(frozen=True)
class PlaneChoice:
    """A person's choice of a plane: its directions, and what it goes through.

    Attributes:
        mean: the mean of the posterior means: (Z,).
        at_pin: whether the plane goes through the pinned place, if there is one, instead of through `mean`.
    """

    directions: Directions
    mean: Floats
    at_pin: bool

    def plane(self, pinned: Floats | None) -> Plane:
        """The plane that the map shows, given the pinned place (Z,) or None."""
        return self.directions.through(self.mean if pinned is None or not self.at_pin else pinned)

    def sentence(self, pinned: bool) -> str:
        """A sentence on what the map shows, for the page.

        Args:
            pinned: whether a place is pinned.
        """
        rest = self.directions.rest
        if not rest:
            return f"The map shows {self.directions.shown}."
        where = "the chosen point" if pinned and self.at_pin else "the mean of all test images"
        yet = ", as nothing is pinned yet" if self.at_pin and not pinned else ""
        return (
            f"The map shows {self.directions.shown}; {rest} {where}{yet}. What is drawn lies on "
            "this plane; the points lie beside it, in front or behind, and so may be drawn otherwise."
        )


def prior_grid(count: int) -> npt.NDArray[np.float64]:
    """A square grid of map positions x, y, by row and column: (count, count, 2).

    In both directions the positions are quantiles of the prior N(0, 1), each at the median of one of `count`
    intervals of equal probability. The top row has the largest y.
    """
    quantiles = [NormalDist().inv_cdf((number + 0.5) / count) for number in range(count)]
    return np.stack(np.meshgrid(quantiles, quantiles[::-1]), axis=-1)
