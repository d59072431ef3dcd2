"""Pictures from anywhere, brought to the form of MNIST's.

MNIST was made by size normalisation and centring (LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based
learning applied to document recognition", section III-A): each digit was scaled, its aspect ratio kept,
to fit a box of 20 × 20, which made grey levels of black and white, and then placed so that its centre of
mass is the centre of 28 × 28.

Shapes: H, W pixels of what comes in; S pixels of a side of what goes out.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from vae import VaeError
from vae.datasets.images import ImageArray

Levels = npt.NDArray[np.float32]  # (H, W): ink above the background, in grey levels

BOX = 20 / 28
STRONG = 253  # the level of MNIST's strong ink: the 98th percentile of its pictures' (measured)
FAINT = 12  # grey levels: less than this between ink and paper is no ink


def as_mnist(picture: ImageArray, side: int = 28) -> ImageArray:
    """A picture of one thing on an even background, (H, W), as MNIST would show it: (S, S), white on black.

    The background may be lighter or darker than the ink, noisy, and lit from one side.

    Args:
        picture: grey levels, 0 to 255.
        side: S, at least 1; the box that the ink fills is 20/28 of it.

    Raises VaeError if nothing stands out from the background.
    """
    ink = _ink(picture)
    there = _solid(ink)
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if not rows.size:
        raise VaeError(
            "Nothing stands out in this picture: it is all of one colour, too faint, or has no even ground. "
            "Choose one with a dark digit on a light ground, or a light one on a dark ground."
        )
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    scale = max(1, round(side * BOX)) / max(bottom - top, right - left)
    width, height = (max(1, round(float(length * scale))) for length in (right - left, bottom - top))
    fitted = Image.fromarray(ink).resize(
        (width, height), Image.Resampling.BOX, (float(left), float(top), float(right), float(bottom))
    )
    small = np.asarray(fitted).clip(0)
    levels = (small * (STRONG / _strong(small))).clip(0, 255)
    y, x = (_start(levels.sum(axis), side) for axis in (1, 0))
    out = np.zeros((side, side), np.uint8)
    out[y : y + height, x : x + width] = np.rint(levels)
    return out


def _start(mass: Levels, side: int) -> int:
    """Where a profile begins whose centre of mass lies in the middle; never outside the frame.

    As in MNIST, where all centres of mass lie between 13.5 and 14.5, counted from the middle of pixel 0.
    """
    centre = float(mass @ np.arange(len(mass)) / mass.sum())
    return min(max(round(side / 2 - centre), 0), side - len(mass))


def _ink(picture: ImageArray) -> Levels:
    """How far each pixel stands out from the background, in the direction that the ink does.

    The background is the border's median, if the border is even. Else it is a quadratic surface: light
    that falls from one side, or fades towards the corners. Not always, as the digit of a picture that was
    cut out narrowly touches the border in many places, and bends a surface but no median.
    """
    levels = picture.astype(np.float32)
    ring = np.ones(levels.shape, bool)
    width = max(1, min(levels.shape) // 20)
    ring[width:-width, width:-width] = False
    rows, columns = (index[:: 1 + len(index) // 4000] for index in np.nonzero(ring))
    border, contrast = levels[rows, columns], float(np.ptp(levels))
    usual = float(np.median(border))
    background: Levels | float = usual
    rest = border - usual
    if _deviation(rest) > 0.02 * contrast:
        y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in levels.shape)
        at_x, at_y = x[columns], y[rows]
        terms = (np.ones_like(at_x), at_x, at_y, at_x * at_x, at_x * at_y, at_y * at_y)
        level, by_x, by_y, by_xx, by_xy, by_yy = _fit(np.stack(terms, axis=-1), border)
        y = y[:, None]
        surface = level + by_x * x + by_y * y + by_xx * x * x + by_xy * x * y + by_yy * y * y
        background, rest = surface, border - surface[rows, columns]
    away = levels - background
    # Ink at more than half of the border looks like noise; but noise spans more than twice its 4 deviations.
    cut = max(min(4 * _deviation(rest), contrast / 2), 1.0)
    light, dark = (np.where(part > cut, part, 0) for part in (away, -away))
    # Dark ink takes its share of the light that falls there, so it is fainter where the paper is.
    dark *= usual / np.maximum(background, usual / 3 + 1)
    return max(light, dark, key=lambda part: float((part.astype(np.float64) ** 2).sum()))


def _deviation(rest: Levels) -> float:
    """The standard deviation of what is normal in this, whatever else is; its middle is at zero."""
    return 1.4826 * float(np.median(np.abs(rest)))


def _fit(terms: Levels, values: Levels) -> Levels:
    """The factors of `terms` (N, K) with the least sum of absolute errors, (K,): outliers do not bend it."""
    factors = np.linalg.lstsq(terms, values, rcond=1e-6)[0]
    for _ in range(20):  # reweighted least squares
        weighted = terms / np.maximum(np.abs(values - terms @ factors), 0.5)[:, None]
        factors = np.linalg.lstsq(weighted.T @ terms, weighted.T @ values, rcond=1e-6)[0]
    return factors


def _strong(ink: Levels) -> float:
    """The level of strong ink: few pixels above, so that noise does not decide it."""
    return float(np.percentile(ink[ink >= ink.max() / 2], 90))


def _solid(ink: Levels) -> npt.NDArray[np.bool_]:
    """Where ink is, (H, W), without specks: a grain of noise has no neighbours, a stroke has."""
    there = ink > max(FAINT, 0.2 * _strong(ink))
    if max(ink.shape) < 100:  # as small as MNIST's, each pixel counts
        return there
    neighbours = Image.fromarray(there.astype(np.uint8) * 250).filter(ImageFilter.BoxBlur(2))
    return there & (np.asarray(neighbours) > 45)  # 10 for each of the 25: a thin line has five
