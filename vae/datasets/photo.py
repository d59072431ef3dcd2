"""Finds the digit in a photo: without ruled lines, frames, shadows, and whatever touches the border.

Background and strokes are told apart locally: a grey closing, which fills whatever is narrower than its
window, gives the paper under the strokes and follows the edge of a shadow (Serra 1982, "Image analysis and
mathematical morphology"). Long straight lines are found as in a Radon transform, by the sums along lines of
small slopes.

Shapes: H, W pixels of the input; h, w pixels of a reduced copy; N runs of a mask; C components.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from vae.datasets.images import ImageArray, to_levels
from vae.datasets.mnist_style import has_dark_ink, stroke_box

Mask = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.float32]  # (h, w), grey levels 0 to 255
Share = npt.NDArray[np.float32]  # (h, w), share of the background's light that is missing or added, 0 to 1
Labels = npt.NDArray[np.intp]

SIDE = 300  # pixels of the longer side of what is searched
WINDOW = 0.2  # of the longer side: wider than any stroke
STROKE = 0.35  # of the strongest strokes' contrast; ruled lines of grey on white paper have less
FAINT = 0.12  # the same, for lines
DARKNESS = 16  # grey levels that are added to all, so that noise of the darkest has no large contrast
LEAST_SIDE = 100  # pixels of a photo; in smaller pictures, such as MNIST's, each pixel counts
DARKEST = 32  # grey level; contrast is not referred to darker ones
UNDECIDED = 0.25  # share of light pixels around strokes: from here to 1 less this, paper may be light or dark
LEAST = 0.05  # share of the light; less contrast is noise
LINE_WIDTH = 0.03  # of the longer side at most
LINE_LENGTH = 0.55  # of the picture's width or height at least
SLOPES = np.linspace(
    -0.12, 0.12, 25
)  # of lines to the picture's sides: a photo is held straight within 7 degrees
NEAR = 0.15  # of the digit's size: parts that are no farther from it belong to it
TINY = 0.02  # of the digit's mass: less is dirt
AGREES = 0.04  # of the box's longer side
MARGIN = 0.3  # of the digit's size, around it, where it is looked at more closely


class Box(NamedTuple):
    """A part of a picture, in pixels; `right` and `bottom` are outside."""

    left: int
    top: int
    right: int
    bottom: int


class Found(NamedTuple):
    """The digit that was found in a picture.

    Attributes:
        picture: the digit alone, white on black; the picture itself if nothing beside it disturbs.
        box: where the digit is in the picture.
        sure: whether nothing else in the picture could have been meant as well.
    """

    picture: ImageArray
    box: Box
    sure: bool


def find_digit(picture: ImageArray, least: int = LEAST_SIDE) -> Found:
    """The digit in a picture of grey levels (H, W), each side at least 1.

    The largest compact group of strokes that does not touch the border; if all do, the largest of them.

    Args:
        least: pixels of the shorter side, below which the picture is returned as it is.
    """
    whole = Box(0, 0, picture.shape[1], picture.shape[0])
    usual = stroke_box(picture)
    usual_box = whole if usual is None else Box(*usual)
    if min(picture.shape) < least:
        return Found(picture, usual_box, sure=True)
    dark = _has_dark_strokes(picture)
    coarse = _search(picture, dark)
    if coarse is None:
        return Found(picture, usual_box, sure=False)
    if _agree(coarse.box, usual_box) or coarse.picture is picture:
        return Found(picture, usual_box, coarse.sure)
    around = _widened(coarse.box, whole)
    fine = _search(picture[around.top : around.bottom, around.left : around.right], dark)
    if fine is None:
        return coarse
    box = Box(*(edge + start for edge, start in zip(fine.box, (around.left, around.top) * 2, strict=True)))
    # The closer look has to find the same; else it may have taken a part for the whole.
    return Found(fine.picture, box, coarse.sure and _agree(box, coarse.box, 3 * AGREES))


def _agree(one: Box, other: Box, tolerance: float = AGREES) -> bool:
    size = max(one.right - one.left, one.bottom - one.top)
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= max(2, tolerance * size)


def _widened(box: Box, whole: Box) -> Box:
    more = round(MARGIN * max(box.right - box.left, box.bottom - box.top)) + 2
    return Box(
        max(box.left - more, whole.left),
        max(box.top - more, whole.top),
        min(box.right + more, whole.right),
        min(box.bottom + more, whole.bottom),
    )


def _reduced(picture: ImageArray) -> tuple[Levels, int]:
    """A smooth, small copy of a picture, and how many times smaller it is."""
    factor = max(1, -(-max(picture.shape) // SIDE))
    smooth = Image.fromarray(picture).reduce(factor).filter(ImageFilter.GaussianBlur(0.8))
    return np.asarray(smooth, np.float32), factor


def _search(picture: ImageArray, dark: bool) -> Found | None:
    """The digit in a picture, in dark or light strokes, at a reduced size; None if nothing stands out."""
    smooth, factor = _reduced(picture)
    share = _strokes(smooth, dark)
    strong = share[share >= share.max() / 2]
    level = float(np.percentile(strong, 90)) if share.max() > LEAST else 0.0
    if level <= LEAST:
        return None
    lines = _long_lines(share > max(FAINT * level, LEAST))
    mask = (share > max(STROKE * level, LEAST)) & ~lines
    chosen = _choose(mask, share)
    if chosen is None:
        return None
    selected, sure, cut_out = chosen
    if cut_out and not lines.any():
        return Found(picture, Box(0, 0, picture.shape[1], picture.shape[0]), sure=True)
    # Edges of strokes are fainter than their middle.
    kept = _dilated(selected, 1 + max(share.shape) // 150) & ~(lines & ~selected)
    digit = np.where(kept, np.clip(share / level, 0, 1), 0)
    rows, columns = np.flatnonzero(selected.any(1)), np.flatnonzero(selected.any(0))
    edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    left, top, right, bottom = (int(edge) * factor for edge in edges)
    box = Box(left, top, min(right, picture.shape[1]), min(bottom, picture.shape[0]))
    return Found(to_levels(digit), box, sure)


def _has_dark_strokes(picture: ImageArray) -> bool:
    """Whether the strokes are darker than the paper.

    Around strokes most pixels are paper, and so nearer the lowest or the highest level there. This is counted
    in logarithms, in which strokes have the same contrast in a shadow, and a larger one than its edge. Where
    there is little paper, the border decides, as in `as_mnist`.
    """
    smooth, _ = _reduced(picture)
    size = _window(smooth)
    parts = (_erosion(smooth, size), smooth, _dilation(smooth, size))
    lowest, level, highest = (np.log(part + DARKNESS) for part in parts)
    contrast = highest - lowest
    around = contrast >= contrast.max() / 2
    paper_is_light = float((2 * level[around] > (highest + lowest)[around]).mean())
    if UNDECIDED < paper_is_light < 1 - UNDECIDED:
        return has_dark_ink(picture)
    return paper_is_light > 0.5


def _window(levels: Levels) -> int:
    return 2 * round(WINDOW * max(levels.shape) / 2) + 1


def _strokes(smooth: Levels, dark: bool) -> Share:
    """Dark or light strokes by their contrast to the background around them; grey levels (h, w)."""
    size = _window(smooth)
    if dark:
        paper = _erosion(_dilation(smooth, size), size)  # a closing
        contrast, light = paper - smooth, paper
    else:
        contrast, light = smooth - _dilation(_erosion(smooth, size), size), smooth
    share: Share = contrast / light.clip(DARKEST)
    return share


def _dilation(levels: Levels, size: int) -> Levels:
    """The maximum of a square window of `size` pixels around each pixel: (h, w)."""
    return -_erosion(-levels, size)


def _erosion(levels: Levels, size: int) -> Levels:
    """The minimum of the same."""
    return _minimum(_minimum(levels, size, 0), size, 1)


def _minimum(levels: Levels, size: int, axis: int) -> Levels:
    """The minimum of the odd `size` values around each, along an axis; beyond the edge its value goes on."""
    padding = [(0, 0), (0, 0)]
    padding[axis] = (size // 2, size // 2)
    values = np.moveaxis(np.pad(levels, padding, mode="edge"), axis, 0)
    width = 1
    while 2 * width <= size:  # minima of windows that double
        values = np.minimum(values[:-width], values[width:])
        width *= 2
    rest = size - width
    values = np.minimum(values[: len(values) - rest], values[rest:])
    return np.moveaxis(values, 0, axis)


def _long_lines(mask: Mask) -> Mask:
    """The thin pixels of `mask` that lie on long straight lines along the picture's sides: (h, w)."""
    return _lines_across(mask) | _lines_across(mask.T).T


def _lines_across(mask: Mask) -> Mask:
    """The same for lines from left to right."""
    height, width = mask.shape
    thin = mask & (max(2, round(LINE_WIDTH * max(mask.shape))) >= _run_lengths(mask.T).T)
    y, x = np.nonzero(thin)
    found = np.zeros(mask.shape, bool)
    shift = width // 2
    for slope in SLOPES:
        start = np.rint(y - slope * (x - shift)).astype(int) + height  # where the line crosses the middle
        # Each column counts once, so that a blot is no line.
        columns = np.unique(start * width + x) // width
        counts = np.convolve(np.bincount(columns, minlength=3 * height), np.ones(3), "same")
        peaks = np.flatnonzero(counts >= LINE_LENGTH * width)
        if len(peaks):
            hit = np.isin(start, np.unique(peaks[:, None] + np.arange(-1, 2)))
            found[y[hit], x[hit]] = True
    return found


def _run_lengths(mask: Mask) -> npt.NDArray[np.intp]:
    """For each pixel of a mask, how many pixels its row's run has there; 0 outside: (h, w)."""
    rows, starts, ends = _runs(mask)
    changes = np.zeros((mask.shape[0], mask.shape[1] + 1), np.intp)
    changes[rows, starts] += ends - starts
    changes[rows, ends] -= ends - starts
    return changes.cumsum(axis=1)[:, :-1]


def _runs(mask: Mask) -> tuple[Labels, Labels, Labels]:
    """The runs of a mask's rows, in reading order: row, start, and end, which is outside; (N,) each."""
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return rows, starts, ends


def _components(mask: Mask) -> Labels:
    """Each pixel's component, from 1 on, 0 outside; pixels are connected at edges and corners: (h, w)."""
    rows, starts, ends = _runs(mask)
    stride = mask.shape[1] + 2
    # The runs of the next row that touch a run: from the first that ends after it starts.
    below = (rows + 1) * stride
    first = np.searchsorted(rows * stride + ends, below + starts, "left")
    last = np.searchsorted(rows * stride + starts, below + ends, "right")
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    for run, (begin, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        for other in range(begin, end):
            parent[root(other)] = root(run)
    _, numbers = np.unique([root(run) for run in range(len(rows))], return_inverse=True)
    changes = np.zeros((mask.shape[0], stride - 1), np.intp)
    changes[rows, starts] += numbers + 1
    changes[rows, ends] -= numbers + 1
    return changes.cumsum(axis=1)[:, :-1]


def _dilated(mask: Mask, radius: int) -> Mask:
    grown = Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * radius + 1))
    return np.asarray(grown) > 0


def _choose(mask: Mask, share: Share) -> tuple[Mask, bool, bool] | None:
    """The digit's strokes among those of `mask`; None if it is empty.

    Also whether nothing else could be meant, and whether all strokes reach the border, as in a digit that was
    cut out narrowly.
    """
    height, width = mask.shape
    # Joined across the gaps that removed lines have left.
    labels = np.where(mask, _components(_dilated(mask, 1 + max(mask.shape) // 100)), 0)
    count = int(labels.max())
    if not count:
        return None
    mass = np.bincount(labels.ravel(), share.ravel(), count + 1)[1:]
    y, x = np.nonzero(labels)
    at = labels[y, x] - 1
    boxes = np.empty((count, 4), int)  # left, top, right, bottom of each
    for column, (values, ends) in enumerate(
        ((x, np.minimum), (y, np.minimum), (x, np.maximum), (y, np.maximum))
    ):
        boxes[:, column] = width + height if ends is np.minimum else -1
        ends.at(boxes[:, column], at, values)
    sizes = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) + 1
    at_border = (boxes[:, :2].min(1) <= 1) | (boxes[:, 2] >= width - 2) | (boxes[:, 3] >= height - 2)
    eligible = (mass > TINY * mass.max()) & ~at_border
    cut_out = not (sizes[eligible] >= 0.08 * max(mask.shape)).any()
    if cut_out:
        eligible = mass > TINY * mass.max()
    inside = (boxes[:, None, :2] < boxes[None, :, :2]).all(2) & (boxes[:, None, 2:] > boxes[None, :, 2:]).all(
        2
    )
    large = eligible[None] & (sizes[None] > 0.25 * sizes[:, None])
    eligible &= ~(inside & large).any(1)  # a frame around something
    order = np.argsort(np.where(eligible, -mass, np.inf))
    digit = int(order[0])
    gaps = np.maximum(boxes[:, :2] - boxes[digit, 2:], boxes[digit, :2] - boxes[:, 2:]).max(1)
    parts = eligible & (gaps <= NEAR * sizes[digit]) & (mass > TINY * mass[digit])
    others = mass[eligible & ~parts]
    sure = not (len(others) and others.max() > 0.3 * mass[digit])
    return np.isin(labels, np.flatnonzero(parts) + 1), sure, cut_out
