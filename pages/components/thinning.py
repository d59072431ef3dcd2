"""Long curves in few points that draw the same. Nothing here knows Streamlit.

Shapes: N values of a curve.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

POINTS = 300  # of one curve, about: as fine as a panel's pixels


def thinned(values: Array) -> Array:
    """Which of `values` (N,) draw the same curve: the least and greatest of each bin, the first, the last."""
    bins, size = _bins(values)
    starts = np.arange(len(bins)) * size
    ends = np.array([0, len(values) - 1][: len(values)], int)
    return np.unique(np.concatenate((starts + bins.argmin(axis=1), starts + bins.argmax(axis=1), ends)))


def envelope(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """The first and last index of each bin, and there the least of `low` and the greatest of `high` (N,)."""
    bins, size = _bins(low)
    starts = np.arange(len(bins)) * size
    edges = np.unique(np.concatenate((starts, np.minimum(starts + size, len(low)) - 1)))
    return edges, bins.min(axis=1)[edges // size], _bins(high)[0].max(axis=1)[edges // size]


def _bins(values: Array) -> tuple[Array, int]:
    """`values` (N,) in at most POINTS / 2 bins (bins, size), the last one filled up with the last value.

    Sizes are powers of two, so that most polls only add to the last bin and what is drawn stays the same.
    """
    size = 1
    while len(values) > POINTS and size * POINTS < 2 * len(values):
        size *= 2
    filled = np.pad(values, (0, -len(values) % size), mode="edge") if len(values) else values
    return filled.reshape(-1, size), size
