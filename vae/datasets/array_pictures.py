"""Arrays as pictures: what their shapes, values and labels mean.

Shapes: N pictures, H, W pixels, C channels, S pixels of a side, P values of a picture.
"""

import math
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vae import VaeError
from vae.datasets.images import MAX_ASPECT, THIN, ImageArray, with_channels
from vae.datasets.sources import Source, check_count

Layout = Literal["NHW", "NHWC", "NCHW"]
LAYOUTS: dict[Layout, str] = {
    "NHW": "grey",
    "NHWC": "colours pixel by pixel",
    "NCHW": "colours channel by channel",
}
Array = npt.NDArray[Any]
NOT_FINITE = "values that are no numbers"
MAX_ITEM = 1000  # bytes of a label
EXACT = 2**53  # up to here floats hold all whole numbers
LAST_CHARACTER = 0x10FFFF  # of Unicode
MAX_PIXELS = 4_000_000  # of a picture in an array
OVERSHOOT = 0.1  # by which floats of the scale 0 to 1 may go beyond it
LEAST_WHITE = 16  # the largest of floats from 0 to 255 is above this; up to it their scale may be another
_CHUNK = 4_000_000  # values looked at at once
_ADVICE = "Save the pictures as an array of the shape (N, H, W), (N, H, W, C) or (N, C, H, W)"


class UnclearShapeError(VaeError):
    """The shape of an array can mean more than one thing: a layout has to say which."""


class Scale(NamedTuple):
    """The values that are black and white; those beyond them are taken as black or white, too."""

    black: int
    white: int

    def levels(self, values: Array) -> ImageArray:
        """Values of any shape as levels 0 to 255."""
        factor = 255 / (self.white - self.black)
        return np.rint((values.astype(np.float64) - self.black) * factor).clip(0, 255).astype(np.uint8)


BYTES = Scale(0, 255)


class ArrayPictures(Source):
    """Pictures in one or two arrays, training pictures first."""

    def __init__(self, path: Path, layout: Layout | None = None) -> None:
        super().__init__(path)
        self._layout = layout  # None: it follows from the shape
        self._parts: list[Array] = []  # each (N, H, W) or (N, H, W, C), a view of a file
        self._scale = BYTES

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def name(self, number: int) -> str:
        return f"number {number:,}"

    def read(self, number: int, channels: int, enough: int) -> ImageArray:  # noqa: ARG002 (they are small)
        beyond = number - len(self._parts[0])
        values = self._parts[0][number] if beyond < 0 else self._parts[1][beyond]
        if values.dtype != np.uint8 or self._scale != BYTES:
            if not np.isfinite(values).all():
                raise ValueError(NOT_FINITE)
            values = self._scale.levels(values)
        return np.asarray(with_channels(Image.fromarray(np.ascontiguousarray(values)), channels))

    def set_pictures(self, arrays: list[Array]) -> None:
        """Takes the arrays of training and perhaps of test pictures. Raises VaeError if they are none."""
        for array in arrays:
            check_count(self.path, len(array) if array.ndim else 0)
        self._parts = [_as_pictures(array, self._layout, self.path.name) for array in arrays]
        if len({part.shape[1:] for part in self._parts}) > 1:
            shapes = " and ".join(str(array.shape) for array in arrays)
            raise VaeError(f"The training and test pictures of {self.path.name} differ in form: {shapes}.")
        check_count(self.path, len(self))
        if len(self._parts) > 1:
            self.set_tests(np.repeat([False, True], [len(part) for part in self._parts]))
        self._scale, note = _scale(self._parts, self.path.name)
        if note:
            self.notes.append(note)

    def set_labels_of_parts(self, arrays: list[Array]) -> None:
        """Takes an array of labels for each of the pictures. Raises VaeError if they do not fit."""
        labels = []
        for array, part in zip(arrays, self._parts, strict=True):
            if array.dtype.itemsize > MAX_ITEM:
                raise VaeError(f"The labels of {self.path.name} are longer than {MAX_ITEM} bytes each.")
            values = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
            if values.ndim != 1:
                raise VaeError(
                    f"The labels of {self.path.name} have the shape {array.shape}. Save one label for each "
                    "picture, in an array of one dimension."
                )
            if len(values) != len(part):
                raise VaeError(
                    f"{self.path.name} has {len(part):,} pictures and {len(values):,} labels. Save one "
                    "label for each picture, or no labels."
                )
            labels.append(_plain_labels(values, self.path.name))
        self.set_labels(np.concatenate(labels).tolist())


def _plain_labels(values: Array, name: str) -> Array:
    """Labels as whole numbers or text. Raises VaeError for others."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.floor(values)).all():
        if np.abs(values).max() > EXACT:
            raise VaeError(
                f"The labels of {name} are floats as large as {np.abs(values).max():g}, which are not exact. "
                "Save them as whole numbers."
            )
        return values.astype(np.int64)
    if values.dtype.kind == "U" and values.dtype.itemsize:
        codes = np.ascontiguousarray(values).view(np.dtype(np.uint32).newbyteorder(values.dtype.byteorder))
        if codes.max() > LAST_CHARACTER:
            raise VaeError(f"The labels of {name} hold characters that do not exist. Save them again.")
    if values.dtype.kind not in "biuU":
        raise VaeError(f"The labels of {name} are neither whole numbers nor text. Save one of these.")
    return values


def _as_pictures(array: Array, layout: Layout | None, name: str) -> Array:
    """A view of an array as (N, H, W) or (N, H, W, C). Raises VaeError if it is unclear or no pictures."""
    if array.dtype.kind not in "buif":
        raise VaeError(f"{name} holds values of the type {array.dtype}, which are no pixels. Save numbers.")
    shape = array.shape
    if layout is None and _is_unclear(shape):
        raise UnclearShapeError(
            f"{name} has an array of the shape {shape}, which can mean more than one thing. Say which by the "
            f"layout: {_meanings(array, name)}."
        )
    found = _pictures_of_rows(array, layout) if array.ndim == 2 else None
    if array.ndim == 3:
        found = array if layout in (None, "NHW") else None
    if array.ndim == 4:
        last, first = shape[3] in (1, 3, 4), shape[1] in (1, 3)
        if last and layout in (None, "NHWC"):
            found = array
        elif first and layout in (None, "NCHW"):
            found = array.transpose(0, 2, 3, 1)
    if found is None or not all(found.shape):
        raise VaeError(f"{name} has an array of the shape {shape}, which are no pictures. {_ADVICE}.")
    if found.shape[1] * found.shape[2] > MAX_PIXELS:
        raise VaeError(
            f"The pictures of {name} have more than {MAX_PIXELS // 10**6} megapixels. Make them smaller."
        )
    if max(found.shape[1:3]) > MAX_ASPECT * min(found.shape[1:3]):
        raise VaeError(f"The pictures of {name} are {THIN}. Cut out the parts that matter. {_ADVICE}.")
    return found[..., 0] if found.ndim == 4 and found.shape[3] == 1 else found


def _is_unclear(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape may hold one picture alone, or colours in more than one order."""
    match shape:
        case (count, values):
            side = math.isqrt(values)
            return count == values > 1 if side**2 == values else 3 * math.isqrt(values // 3) ** 2 == values
        case (count, _, last):
            return last in (3, 4) or count in (1, 3, 4)
        case (count, first, _, last):
            return last in (1, 3, 4) and (first in (1, 3) or count in (1, 3, 4))
    return False


def _meanings(array: Array, name: str) -> str:
    """What an array holds by each layout that fits."""
    meanings = []
    for layout, colours in LAYOUTS.items():
        with suppress(VaeError):
            found = _as_pictures(array, layout, name)
            count, rows, columns = found.shape[:3]
            pictures = f"{count:,} picture{'s' if count > 1 else ''} of {rows} rows × {columns} columns"
            meanings.append(f"{layout} for {pictures}, {colours if found.ndim > 3 else LAYOUTS['NHW']}")
    return "; ".join(meanings) or "none fits"


def _pictures_of_rows(array: Array, layout: Layout | None) -> Array | None:
    """An array (N, P) as (N, S, S) or (N, S, S, 3); None if P fits no square."""
    count, values = array.shape
    side, colour_side = math.isqrt(values), math.isqrt(values // 3)
    if side**2 == values:
        return array.reshape(count, side, side) if layout in (None, "NHW") else None
    if 3 * colour_side**2 != values:
        return None
    if layout == "NCHW":
        return array.reshape(count, 3, colour_side, colour_side).transpose(0, 2, 3, 1)
    return array.reshape(count, colour_side, colour_side, 3) if layout == "NHWC" else None


def _scale(parts: list[Array], name: str) -> tuple[Scale, str]:
    """Which values are black and white, by the range of each part, and a sentence on what was assumed.

    Raises VaeError for a range that says nothing, or parts of different scales.
    """
    ranges = [_range(part, name) for part in parts]
    scales = [_scale_of(part.dtype, values, name) for part, values in zip(parts, ranges, strict=True)]
    if len(set(scales)) > 1:
        each = " and ".join(
            f"its {which} pictures from {values.low:g} to {values.high:g}"
            for which, values in zip(("training", "test"), ranges, strict=True)
        )
        raise VaeError(
            f"{name} has values of two scales, {each}. Save both parts as 0 to 255, or both as floats from "
            "0 to 1."
        )
    scale = scales[0]
    if scale == BYTES and all(part.dtype == np.uint8 for part in parts):
        return scale, ""
    low, high = min(values.low for values in ranges), max(values.high for values in ranges)
    assumed = f"{scale.black} was taken as black, {scale.white} as white."
    note = f"Its values are from {low:g} to {high:g}: {assumed}"
    if low < scale.black or high > scale.white:
        note += " Values beyond are cut off there."
    if not all(values.finite for values in ranges):
        note += " Pictures with NaN or infinite values are left out."
    return scale, note


class _Range(NamedTuple):
    """The least and the largest of an array's finite values, and whether all are finite."""

    low: float
    high: float
    finite: bool


def _range(part: Array, name: str) -> _Range:
    """The range of an array's values, to three decimals. Raises VaeError if none is finite."""
    low, high, finite = math.inf, -math.inf, True
    step = max(1, _CHUNK // max(1, math.prod(part.shape[1:])))
    for start in range(0, len(part), step):
        values = part[start : start + step]
        if values.dtype.kind == "f":
            kept = values[np.isfinite(values)]
            finite &= kept.size == values.size
            values = kept
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low > high:
        raise VaeError(f"{name} holds no numbers: all of its values are NaN or infinite.")
    return _Range(round(low, 3), round(high, 3), finite)


def _scale_of(kind: np.dtype[Any], values: _Range, name: str) -> Scale:
    """The scale of values of this type and range. Raises VaeError if that is unclear."""
    low, high, _ = values
    if kind.kind == "f":
        # Floats go beyond a little where a picture was resized by a filter that overshoots.
        if high <= 1 + OVERSHOOT:
            if low >= -OVERSHOOT:
                return Scale(0, 1)
            if low >= -1 - OVERSHOOT:
                return Scale(-1, 1)
        if low >= 0 and LEAST_WHITE < high <= 255.001:
            return BYTES
    elif low >= 0 and high <= 65535:
        return Scale(0, 1) if high <= 1 else BYTES if high <= 255 else Scale(0, 65535)
    raise VaeError(
        f"The values of {name} are from {low:g} to {high:g}, and nothing says which are black and white. "
        "Save them as 0 to 255, or as floats from 0 to 1."
    )
