"""Long curves in few points that draw the same. Nothing here knows Streamlit.

Shapes: N values of a curve.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

POINTS = 300  # of one curve, about: as fine as a panel's pixels


def thinned(x: Array, values: Array) -> Array:
    """Which of `values` at `x` (N,) draw the same curve: least and greatest of each bin, first and last."""
    if len(values) <= POINTS:
        return np.arange(len(values))
    bins, starts = _bins(x)
    kept = [np.array([0, len(values) - 1])]
    for extreme in (np.minimum, np.maximum):
        places = np.flatnonzero(values == extreme.reduceat(values, starts)[bins])
        kept.append(places[np.unique(bins[places], return_index=True)[1]])
    return np.unique(np.concatenate(kept))


def envelope(x: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """The ends of each bin of `x`, and there the least of `low` and the greatest of `high`, all (N,)."""
    if len(x) <= POINTS:
        return np.arange(len(x)), low, high
    bins, starts = _bins(x)
    edges = np.unique(np.concatenate((starts, [*(starts[1:] - 1), len(x) - 1])))
    return (
        edges,
        np.minimum.reduceat(low, starts)[bins[edges]],
        np.maximum.reduceat(high, starts)[bins[edges]],
    )


def _bins(x: Array) -> tuple[Array, Array]:
    """Which of at most about POINTS / 2 bins each of the rising `x` (N,) is in, and where each bin starts.

    Bins are equally wide: a part that was logged more densely takes no points from the others. Widths are
    powers of two, so that most polls only add to the last bin and what is drawn stays the same.
    """
    span = max(float(x[-1] - x[0]), 1e-9)
    numbers = np.floor(x / 2 ** np.ceil(np.log2(2 * span / POINTS)))
    starts = np.concatenate(([0], np.flatnonzero(np.diff(numbers)) + 1))
    bins = np.zeros(len(x), int)
    bins[starts[1:]] = 1
    return np.cumsum(bins), starts
