"""Files of arrays of pictures: npz, npy, idx and tables of pixels (CSV), mapped from the disk.

What is compressed is unpacked to a temporary file first, so that memory does not grow with the number of
pictures. Pickled objects are refused by their headers, without loading them.
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
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.datasets.array_pictures import Array, ArrayPictures
from vae.datasets.idx import UINT8
from vae.datasets.pixel_table import PixelTable
from vae.datasets.sources import MAX_UNPACKED, Source, check_count, printable
from vae.storage.untrusted import reason, shortened
from vae.storage.zips import UNREADABLE, count_entries, is_encrypted, is_packed_usually

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
MAX_CSV = 2_000_000_000  # bytes
GZIP = b"\x1f\x8b"
_MOST = 2**63  # values along an axis
# What a damaged header raises, besides what a damaged zip does.
_BAD_HEADER = (SyntaxError, TypeError, LookupError, AttributeError, MemoryError, SystemError)
_CHUNK = 4_000_000  # bytes copied at once
_IDX = re.compile(r"(?i)(?P<start>.*)images?(?P<middle>[-._]idx)[34](?P<end>[-._]?ubyte)?(?P<gz>\.gz)?")
_TEST_NAME = re.compile(r"(?i)t10k|test")


class NpyPictures(ArrayPictures):
    """The pictures in an npy file, without labels."""

    kind = "an npy file"

    def open(self) -> None:
        file = self.files.enter_context(self.path.open("rb"))
        self.set_pictures([_map_npy(file, self.path.name)])


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
        self.set_pictures([self._array(each) for each in pictures])
        if labels:
            self.set_labels_of_parts([self._array(each) for each in labels])
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
        self.set_pictures([self._array(path) for path in images])
        if any(labels):
            found = [path for path in labels if path is not None]
            if len(found) < len(labels):
                raise VaeError(
                    f"{found[0].name} has labels of one part alone. Put those of the other beside it."
                )
            self.set_labels_of_parts([self._array(path) for path in found])

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
        self.set_pictures([array])
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
