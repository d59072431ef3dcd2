"""Arrays of pictures in npz, npy and idx files and in tables of pixels (CSV), mapped from the disk.

What is compressed is unpacked to a temporary file first, so that memory does not grow with the number of
pictures. Pickled objects are refused by their headers, without loading them.

Shapes: N pictures, H, W pixels, C channels, S pixels of a side, P values of a picture.
"""

import ast
import gzip
import io
import math
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vae import VaeError
from vae.datasets.idx import UINT8
from vae.datasets.images import MAX_ASPECT, THIN, ImageArray, with_channels
from vae.datasets.pixel_table import PixelTable
from vae.datasets.sources import MAX_UNPACKED, Source, check_count, printable
from vae.storage.untrusted import reason, shortened
from vae.storage.zips import UNREADABLE, count_entries, is_encrypted, is_packed_usually

Layout = Literal["NHW", "NHWC", "NCHW"]
LAYOUTS: dict[Layout, str] = {
    "NHW": "grey",
    "NHWC": "colours pixel by pixel",
    "NCHW": "colours channel by channel",
}
Array = npt.NDArray[Any]
NOT_FINITE = "values that are no numbers"
# The arrays of an npz: training images and labels, test images and labels.
NPZ_NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("images", "labels", "test_images", "test_labels"),
    ("x", "y", "x_test", "y_test"),
)
MAX_HEADER = 10_000  # bytes of an npy file
MAX_MEMBERS = 1000  # of an npz
NAMED = 5  # arrays that are named in a sentence
MAX_DIMENSIONS = 8  # of an array; more are no pictures, and NumPy has a limit, too
MAX_ITEM = 1000  # bytes of a label
EXACT = 2**53  # up to here floats hold all whole numbers
LAST_CHARACTER = 0x10FFFF  # of Unicode
MAX_PIXELS = 4_000_000  # of a picture in an array
MAX_CSV = 2_000_000_000  # bytes
OVERSHOOT = 0.1  # by which floats of the scale 0 to 1 may go beyond it
LEAST_WHITE = 16  # the largest of floats from 0 to 255 is above this; up to it their scale may be another
GZIP = b"\x1f\x8b"
_MOST = 2**63  # values along an axis
# What a damaged header raises, besides what a damaged zip does.
_BAD_HEADER = (SyntaxError, TypeError, LookupError, AttributeError, MemoryError, SystemError)
_CHUNK = 4_000_000  # bytes copied, or values looked at, at once
_IDX = re.compile(r"(?i)(?P<start>.*)images?(?P<middle>[-._]idx)[34](?P<end>[-._]?ubyte)?(?P<gz>\.gz)?")
_TEST_NAME = re.compile(r"(?i)t10k|test")
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

    def _set_pictures(self, arrays: list[Array]) -> None:
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

    def _take_labels(self, arrays: list[Array]) -> None:
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


class NpyPictures(ArrayPictures):
    """The pictures in an npy file, without labels."""

    kind = "an npy file"

    def open(self) -> None:
        file = self.files.enter_context(self.path.open("rb"))
        self._set_pictures([_map_npy(file, self.path.name)])


class NpzPictures(ArrayPictures):
    """The pictures and labels in an npz file, by the names of its arrays."""

    kind = "an npz file"

    def open(self) -> None:
        try:
            self._take_arrays()
        except UNREADABLE as error:
            raise VaeError(
                f"{self.path.name} cannot be read as an npz file ({shortened(reason(error))}). Save or "
                "copy it again."
            ) from error

    def _take_arrays(self) -> None:
        name = self.path.name
        file = self.files.enter_context(self.path.open("rb"))
        if count_entries(file) > MAX_MEMBERS:
            raise VaeError(f"{name} holds more than {MAX_MEMBERS:,} arrays. Save the pictures alone.")
        self._zip = self.files.enter_context(zipfile.ZipFile(file))
        self._entries = {entry.filename.removesuffix(".npy").lower(): entry for entry in self._zip.infolist()}
        pictures, labels = _choose(list(self._entries), name)
        self._set_pictures([self._array(each) for each in pictures])
        if labels:
            self._take_labels([self._array(each) for each in labels])
        if unused := [each for each in self._entries if each not in {*pictures, *labels}]:
            self.notes.append(f"Not used: {_listed(unused)}.")

    def _array(self, name: str) -> Array:
        entry, what = self._entries[name], f"{name} in {self.path.name}"
        if is_encrypted(entry) or not is_packed_usually(entry):
            raise VaeError(f"{what} is encrypted or packed in an unusual way. Save it with np.savez.")
        with self._zip.open(entry) as member:
            _read_header(member, what)  # before anything is unpacked
        with self._zip.open(entry) as member:
            return _map_npy(_unpacked(self, member), what)


class IdxPictures(ArrayPictures):
    """idx files: one of pictures, with its labels beside it, or all in a folder; gzipped or not."""

    kind = "idx files"

    def open(self) -> None:
        images = self._image_files()
        labels = [_labels_beside(path) for path in images]
        self._set_pictures([self._array(path) for path in images])
        if any(labels):
            found = [path for path in labels if path is not None]
            if len(found) < len(labels):
                raise VaeError(
                    f"{found[0].name} has labels of one part alone. Put those of the other beside it."
                )
            self._take_labels([self._array(path) for path in found])

    def _image_files(self) -> list[Path]:
        """The file of the training pictures, and perhaps that of the test pictures."""
        if not self.path.is_dir():
            return [self.path]
        files = sorted(idx_files(self.path))
        test = [path for path in files if _TEST_NAME.search(path.name)]
        train = [path for path in files if path not in test]
        if len(train) > 1 or len(test) > 1 or not train:
            raise VaeError(
                f"{self.path.name} holds {len(files)} idx files of pictures, and it is not clear which "
                "are for training and testing. Add one of the files, or leave two: one with test in its name."
            )
        return [*train, *test]

    def _array(self, path: Path) -> Array:
        file: BinaryIO = self.files.enter_context(path.open("rb"))
        if file.read(2) == GZIP:
            file.seek(0)
            try:
                with gzip.open(file) as packed:
                    _read_idx_header(packed, path.name)
                file.seek(0)
                with gzip.open(file) as packed:
                    file = _unpacked(self, packed)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise VaeError(f"{path.name} is cut off or damaged. Download or copy it again.") from error
        file.seek(0)
        return _map(file, np.uint8, _read_idx_header(file, path.name), path.name)


def idx_files(folder: Path) -> Iterator[Path]:
    """The idx files of pictures in a folder, by their names. Raises OSError."""
    return (path for path in folder.iterdir() if _IDX.fullmatch(path.name) and path.is_file())


def _labels_beside(path: Path) -> Path | None:
    """The file of the labels of a file of pictures, if there is one."""
    if (found := _IDX.fullmatch(path.name)) is None:
        return None
    name = f"{found['start']}labels{found['middle']}1{found['end'] or ''}"
    beside = (path.with_name(name + end) for end in (found["gz"] or "", ".gz", ""))
    return next((each for each in beside if each.is_file()), None)


def _read_idx_header(file: Any, name: str) -> tuple[int, ...]:
    """The shape in the header of an idx file of levels or labels. Raises VaeError."""
    start = file.read(4)
    dimensions = start[3] if len(start) == 4 else 0
    sizes = file.read(4 * dimensions)
    if start[:3] != bytes((0, 0, UINT8)) or dimensions not in (1, 3, 4) or len(sizes) < 4 * dimensions:
        raise VaeError(f"{name} is no idx file of bytes with pictures or labels. Choose another file.")
    shape = struct.unpack(f">{dimensions}I", sizes)
    _check_size(shape, 1, name)
    return shape


class CsvPictures(ArrayPictures):
    """A table with a picture in each row: its pixels, and perhaps its label."""

    kind = "a table of pixels"

    def open(self) -> None:
        size = self.path.stat().st_size
        if size > MAX_CSV:
            raise VaeError(f"{self.path.name} has more than {MAX_CSV / 1e9:g} GB. Save it as an npy file.")
        with (
            self.path.open("rb") as content,
            io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace") as file,
        ):
            table = PixelTable(file, self.path.name)
            self.notes.append(table.note)
            pixels = self.files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (closed with the source)
            labels: list[str] = []
            count = 0
            for values, some in table.batches():
                pixels.write(values.tobytes())
                count += len(values)
                labels += some
                check_count(self.path, count)
                if self.report is not None:
                    self.report(content.tell() / size)
        pixels.flush()
        pixels.seek(0)
        array = _map(pixels, np.float32, (count, len(table.pixels)), self.path.name)
        self._set_pictures([array])
        if labels:
            self.set_labels(labels)


def _choose(names: list[str], file: str) -> tuple[list[str], list[str]]:
    """The names of the arrays of pictures and of labels. Raises VaeError if there are none."""
    for train, train_labels, test, test_labels in NPZ_NAMES:
        if train in names:
            pictures = [train, *([test] if test in names else [])]
            labels = [name for name in (train_labels, test_labels)[: len(pictures)] if name in names]
            if labels and len(labels) < len(pictures):
                raise VaeError(
                    f"{file} has labels of one part alone: {labels[0]}. Save labels of both parts, or none."
                )
            return pictures, labels
    if len(names) == 1:
        return names, []
    raise VaeError(
        f"{file} holds {_listed(names) or 'nothing'}. Call its arrays x_train, y_train, x_test and y_test, "
        "or images and labels."
    )


def _listed(names: list[str]) -> str:
    """The first names of arrays, for people."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(shortened(printable(name)) for name in names[:NAMED]) + more


def _read_header(file: Any, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Reads the header of an npy file: shape, Fortran order, type. Raises VaeError for objects and damage."""
    try:
        shape, fortran, kind = _parse_header(file)
    except (*UNREADABLE, *_BAD_HEADER) as error:
        raise VaeError(f"{name} is no array that can be read. Save it again.") from error
    if kind.hasobject:
        raise VaeError(
            f"{name} holds pickled Python objects, which could run any program and are not loaded. Save an "
            "array of numbers."
        )
    _check_size(shape, kind.itemsize, name)
    return shape, fortran, kind


def _check_size(shape: tuple[int, ...], itemsize: int, name: str) -> None:
    """Raises VaeError for an array that is too large, also for one that is empty along another axis."""
    if math.prod(max(1, size) for size in shape) * max(1, itemsize) > MAX_UNPACKED:
        raise VaeError(
            f"{name} has the shape {shape} with {itemsize} bytes a value, more than "
            f"{MAX_UNPACKED / 1e9:g} GB. Save fewer or smaller pictures, or levels from 0 to 255 as uint8."
        )


def _parse_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """As `_read_header`, with any error. NumPy's own reader would also try Python 2's syntax, and warn."""
    version = np.lib.format.read_magic(file)
    length = "<H" if version == (1, 0) else "<I"
    (size,) = struct.unpack(length, file.read(struct.calcsize(length)))
    if size > MAX_HEADER:
        raise ValueError("its header is too long")
    header = ast.literal_eval(file.read(size).decode("latin-1"))
    shape, fortran, descr = header["shape"], header["fortran_order"], header["descr"]
    if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS:
        raise ValueError("its shape is none")
    if not all(type(each) is int and 0 <= each < _MOST for each in shape):
        raise ValueError("its shape is none")
    kind = np.lib.format.descr_to_dtype(descr)
    if kind.subdtype is not None:  # which would add dimensions
        raise ValueError("its values are arrays")
    return shape, bool(fortran), kind


def _map_npy(file: BinaryIO, name: str) -> Array:
    """A view of an npy file. Raises VaeError as `_read_header`, and if the file is not whole."""
    shape, fortran, kind = _read_header(file, name)
    return _map(file, kind, shape, name, "F" if fortran else "C")


def _map(
    file: BinaryIO, kind: npt.DTypeLike, shape: tuple[int, ...], name: str, order: Literal["C", "F"] = "C"
) -> Array:
    """A view of what follows in a file. Raises VaeError if that is not as long as the shape says."""
    start = file.tell()
    size = math.prod(shape) * np.dtype(kind).itemsize
    if file.seek(0, 2) < start + size:
        raise VaeError(f"{name} is cut off: its end is missing. Download or copy it again.")
    if size == 0:  # what cannot be mapped
        return np.empty(shape, kind)
    return np.asarray(np.memmap(file, kind, "r", start, shape, order))


def _unpacked(source: Source, stream: Any) -> BinaryIO:
    """A temporary file with what a stream gives, at its start. Raises VaeError if that is too much."""
    file = source.files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (closed with the source)
    while content := stream.read(_CHUNK):
        if file.tell() + len(content) > MAX_UNPACKED:
            raise VaeError(
                f"{source.path.name} unpacks to more than {MAX_UNPACKED / 1e9:g} GB. Save fewer or smaller "
                "pictures."
            )
        file.write(content)
    file.flush()
    file.seek(0)
    return file
