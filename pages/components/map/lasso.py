"""The points inside a lasso or a box, and what their pictures have in common. Independent of Streamlit.

Shapes: N points, K vertices, M points inside, C classes, S pixels a side, Z latent size.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vae.datasets.images import ImageArray
from vae.inference.scored_set import Floats, Indices, Mask, ScoredSet

CORNERS = 3, 2000
FAR = 1e9  # beyond it differences of float32 numbers are mostly rounding

Corners = Sequence[tuple[float, float]]


def is_polygon(corners: Corners) -> bool:
    """Whether there are 3 to 2,000 corners, none too far out."""
    low, high = CORNERS
    return low <= len(corners) <= high and bool((np.abs(corners) < FAR).all())


def members(xy: Floats, labels: npt.NDArray[np.uint8], corners: Corners, classes: Collection[int]) -> Indices:
    """The indices of the points (N, 2) of these classes inside a polygon: (M,). Labels are (N,)."""
    within = inside(xy, np.array(corners, np.float64)) & np.isin(labels, list(classes))
    return np.flatnonzero(within)


def inside(points: npt.NDArray[np.floating], corners: npt.NDArray[np.float64]) -> Mask:
    """Which points (N, 2) are inside a polygon (K, 2) by the even-odd rule: (N,).

    A ray to the right of such a point crosses an odd number of edges. The last corner is joined to the first.
    With the points sorted by height, each edge is compared with those beside it only: a lasso of 500 vertices
    takes milliseconds, not 500 × N comparisons.
    """
    order = np.argsort(points[:, 1], kind="stable")
    x, y = points[order].astype(np.float64).T
    crossings = np.zeros(len(points), np.bool_)
    starts, ends = corners, np.roll(corners, -1, axis=0)
    upwards = (starts[:, 1] <= ends[:, 1])[:, None]
    lows, highs = np.where(upwards, starts, ends), np.where(upwards, ends, starts)
    # Half open, so that a vertex between two edges is crossed once.
    first, last = (np.searchsorted(y, edge[:, 1], side="left") for edge in (lows, highs))
    for (x0, y0), (x1, y1), begin, end in zip(lows, highs, first, last, strict=True):
        if begin < end:
            beside = slice(begin, end)
            crossings[beside] ^= x[beside] < x0 + (x1 - x0) * ((y[beside] - y0) / (y1 - y0))
    mask = np.empty_like(crossings)
    mask[order] = crossings
    return mask


@dataclass(frozen=True)
class RegionSummary:
    """What the pictures in a region have in common.

    Attributes:
        nearest: their indices, sorted by the distance of their means z to `place`: (M,).
        distances: these distances: (M,).
        counts: the number of each class, up to the last that has any: (≤ C,).
        place: the mean of their means z; 0 if there are none: (Z,).
        picture: their mean, pixel by pixel; black if there are none: (S, S).
    """

    nearest: Indices
    distances: Floats
    counts: Indices
    place: Floats
    picture: ImageArray


def summarize_region(shown: ScoredSet, members: Indices) -> RegionSummary:
    """Summarizes the pictures of these indices (M,)."""
    if not len(members):
        place, picture = np.zeros_like(shown.means[0]), np.zeros_like(shown.images[0])
        return RegionSummary(members, np.empty(0, np.float32), np.empty(0, np.int64), place, picture)
    means = shown.means[members]
    place = means.mean(axis=0, dtype=np.float64).astype(np.float32)
    distances = np.linalg.norm(means - place, axis=1)
    order = np.argsort(distances, kind="stable")
    return RegionSummary(
        nearest=members[order],
        distances=distances[order],
        counts=np.bincount(shown.labels[members]),
        place=place,
        picture=np.rint(shown.images[members].mean(axis=0)).astype(np.uint8),
    )
