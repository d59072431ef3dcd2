"""Normalisation of any picture of a digit to the format of MNIST's images.

MNIST was made by size normalisation and centring (LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based
learning applied to document recognition", section III-A): each digit was scaled, its aspect ratio kept,
to fit a box of 20 × 20, where anti-aliasing turned black and white into grey levels, and then placed so that
its centre of mass is the centre of 28 × 28.

Shapes: H, W pixels of the input; S pixels of a side of the output; N border pixels; K terms of a surface.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from vae import VaeError
from vae.datasets.images import ImageArray

Levels = npt.NDArray[np.float32]  # (H, W), differences from the background, in grey levels

BOX = 20 / 28
STRONG = 253  # the level of MNIST's strong ink: the 98th percentile over its images (measured)
FAINT = 12  # grey levels; a smaller difference from the background is not ink


def as_mnist(picture: ImageArray, side: int = 28) -> ImageArray:
    """Normalises a picture of one object on an even background: (H, W) -> (S, S), white on black.

    The background may be lighter or darker than the ink, noisy, and lit from one side.

    Args:
        picture: grey levels, 0 to 255.
        side: S, at least 1; the box that the ink fills has 20/28 of it.

    Raises VaeError if nothing stands out from the background.
    """
    ink = _ink(picture)
    box = _box(ink)
    if box is None:
        raise VaeError(
            "Nothing stands out in this picture: it is all of one colour, too faint, or has no even ground. "
            "Choose one with a dark digit on a light ground, or a light one on a dark ground."
        )
    left, top, right, bottom = box
    scale = max(1, round(side * BOX)) / max(bottom - top, right - left)
    width, height = (max(1, round(float(length * scale))) for length in (right - left, bottom - top))
    fitted = Image.fromarray(ink).resize(
        (width, height), Image.Resampling.BOX, (float(left), float(top), float(right), float(bottom))
    )
    small = np.asarray(fitted).clip(0)
    levels = (small * (STRONG / _ink_level(small))).clip(0, 255)
    y, x = (_offset(levels.sum(axis), side) for axis in (1, 0))
    out = np.zeros((side, side), np.uint8)
    out[y : y + height, x : x + width] = np.rint(levels)
    return out


def stroke_box(picture: ImageArray) -> tuple[int, int, int, int] | None:
    """Where `as_mnist` finds ink: left, top, right and bottom, the latter two outside; None if nowhere."""
    return _box(_ink(picture))


def has_dark_ink(picture: ImageArray) -> bool:
    """Whether `as_mnist` takes what is darker than the border for ink, and not what is lighter."""
    light, dark = map(_energy, _light_and_dark(picture))
    return dark > light


def _box(ink: Levels) -> tuple[int, int, int, int] | None:
    mask = _stroke_mask(ink)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _offset(mass: Levels, side: int) -> int:
    """The row or column of the frame at which an image begins, so that its centre of mass is in the middle.

    As in MNIST, where all centres of mass lie between 13.5 and 14.5, counted from the middle of pixel 0. The
    whole image stays in the frame.

    Args:
        mass: the image's sums over rows or columns, (length,).
    """
    centre = float(mass @ np.arange(len(mass)) / mass.sum())
    return min(max(round(side / 2 - centre), 0), side - len(mass))


def _ink(picture: ImageArray) -> Levels:
    """Each pixel's difference from the background, in the direction of the ink; 0 elsewhere: (H, W)."""
    return max(_light_and_dark(picture), key=_energy)


def _energy(ink: Levels) -> float:
    return float((ink.astype(np.float64) ** 2).sum())


def _light_and_dark(picture: ImageArray) -> tuple[Levels, Levels]:
    """How much lighter than the background each pixel is, and how much darker; 0 elsewhere: (H, W) each.

    The background is the median of the border, if the border is even. Otherwise it is a quadratic surface
    fitted to the border, for light from one side or fading towards the corners. Not always a surface, because
    a digit that touches a narrow border in many places bends a fitted surface, but not a median.
    """
    levels = picture.astype(np.float32)
    ring = np.ones(levels.shape, bool)
    width = max(1, min(levels.shape) // 20)
    ring[width:-width, width:-width] = False
    rows, columns = (index[:: 1 + len(index) // 4000] for index in np.nonzero(ring))
    border, contrast = levels[rows, columns], float(np.ptp(levels))
    median = float(np.median(border))
    background: Levels | float = median
    residual = border - median
    if _deviation(residual) > 0.02 * contrast:
        y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in levels.shape)
        at_x, at_y = x[columns], y[rows]
        terms = (np.ones_like(at_x), at_x, at_y, at_x * at_x, at_x * at_y, at_y * at_y)
        level, by_x, by_y, by_xx, by_xy, by_yy = _fit(np.stack(terms, axis=-1), border)
        y = y[:, None]
        surface = level + by_x * x + by_y * y + by_xx * x * x + by_xy * x * y + by_yy * y * y
        background, residual = surface, border - surface[rows, columns]
    difference = levels - background
    # Ink on more than half of the border looks like noise; a threshold of half the contrast keeps it.
    threshold = max(min(4 * _deviation(residual), contrast / 2), 1.0)
    light, dark = (np.where(part > threshold, part, 0) for part in (difference, -difference))
    # Dark ink absorbs a share of the light, so its contrast is lower where the paper is darker.
    dark *= median / np.maximum(background, median / 3 + 1)
    return light, dark


def _deviation(residual: Levels) -> float:
    """A robust standard deviation of values around 0: 1.4826 times the median absolute deviation."""
    return 1.4826 * float(np.median(np.abs(residual)))


def _fit(terms: Levels, values: Levels) -> Levels:
    """The coefficients (K,) of `terms` (N, K) with the least sum of absolute errors, robust to outliers."""
    factors = np.linalg.lstsq(terms, values, rcond=1e-6)[0]
    for _ in range(20):  # iteratively reweighted least squares
        weighted = terms / np.maximum(np.abs(values - terms @ factors), 0.5)[:, None]
        factors = np.linalg.lstsq(weighted.T @ terms, weighted.T @ values, rcond=1e-6)[0]
    return factors


def _ink_level(ink: Levels) -> float:
    """The level of strong ink: a percentile, because noise would decide the maximum."""
    return float(np.percentile(ink[ink >= ink.max() / 2], 90))


def _stroke_mask(ink: Levels) -> npt.NDArray[np.bool_]:
    """The mask of the ink, (H, W), without specks: pixels of a stroke have neighbours, those of noise few."""
    mask = ink > max(FAINT, 0.2 * _ink_level(ink))
    if max(ink.shape) < 100:  # in images as small as MNIST's, each pixel counts
        return mask
    neighbours = Image.fromarray(mask.astype(np.uint8) * 250).filter(ImageFilter.BoxBlur(2))
    return mask & (np.asarray(neighbours) > 45)  # 10 for each of the 25: a thin line has five
