"""A data set as a directory: its record, `dataset.json`, and arrays in npy files, mapped and never pickled.

| file | array |
| --- | --- |
| `train-images.npy`, `test-images.npy` | uint8, (N, C, S, S), 0 is black |
| `train-labels.npy`, `test-labels.npy` | uint8, (N,); missing where nothing is known of classes |
| `train-factors.npy`, `test-factors.npy` | float32, (N, F): what generated pictures were made from |

Shapes: N images, C channels (1 or 3), S pixels of a side, F factors.
"""

import hashlib
import json
import math
import os
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from tokenize import TokenError
from types import TracebackType
from typing import Annotated, Any, BinaryIO, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae import VaeError
from vae.config import DATASET_NAME, MAX_CLASSES, MAX_SIDE, MIN_SIDE, explain
from vae.datasets.checked import entry_of, note_checked, read_checked
from vae.storage.atomic import move_atomic, temporary_path, write_atomic
from vae.storage.systems import retry_in_use
from vae.storage.untrusted import parse_json, read_limited

FORMAT = 1
RECORD = "dataset.json"
MAX_RECORD = 200_000  # bytes; 200 classes with names of 80 characters have about 70,000
MAX_IMAGES = 1_000_000  # of a split; what `vae.datasets` imports is bounded further
Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
Part = Literal["images", "labels", "factors"]
_TYPES: dict[Part, str] = {"images": "|u1", "labels": "|u1", "factors": "<f4"}
Text = Annotated[str, Field(max_length=500)]
ClassName = Annotated[str, Field(max_length=80)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class DatasetRecord(BaseModel):
    """The record of a data set. Construction raises `pydantic.ValidationError` for a value out of bounds.

    Attributes:
        classes: the names of the classes with labels 0, 1, …; empty without labels.
        counts: images of each split.
        source, licence: where the pictures come from, for people.
        preparation: how the pictures were brought to this form: a sentence for people.
        fit, inverted: how another picture is brought to this form; `vae.datasets.fitting` has the ways.
        factors: the names of the columns of the factors; empty where there are none.
        arrays: the SHA-256 of each array's values, by file name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str = Field(pattern=f"^{DATASET_NAME.pattern}$")
    channels: Literal[1, 3]
    side: int = Field(ge=MIN_SIDE, le=MAX_SIDE)
    classes: Annotated[tuple[ClassName, ...], Field(max_length=MAX_CLASSES)] = ()
    counts: dict[Split, Annotated[int, Field(ge=1, le=MAX_IMAGES)]]
    source: Text = ""
    licence: Text = ""
    preparation: Text = ""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    inverted: bool = False
    factors: tuple[ClassName, ...] = ()
    arrays: dict[str, Sha256]

    @property
    def contents(self) -> str:
        """A hash of all pictures, labels and factors, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(sorted(self.arrays.items())).encode()).hexdigest()[:16]


def read_record(path: Path) -> DatasetRecord:
    """The record of the data set in the folder `path`.

    Raises VaeError if it is damaged or of a newer format, FileNotFoundError if there is none.
    """
    try:
        fields = parse_json(read_limited(path / RECORD, MAX_RECORD))
        version = fields.get("format")
        if type(version) is int and version > FORMAT:
            raise VaeError(f"{path.name}/{RECORD} was written by a newer version; update the project.")
        record = DatasetRecord.model_validate(fields)
        if record.name != path.name:
            raise ValueError(f"it is the record of {record.name}")
        return record
    except ValidationError as error:
        raise _damaged(path, explain(error)) from error
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def read_array(path: Path, record: DatasetRecord, split: Split, part: Part) -> npt.NDArray[Any]:
    """An array of the data set in the folder `path`: a view of the file, read where it is first accessed.

    It can be written to, as torch wants it, which never changes the file. The sum of the file is computed
    only if its size or time of change is not that of the last check.
    Raises VaeError if it is missing, or not what the record says.
    """
    count = record.counts[split]
    shapes: dict[Part, tuple[int, ...]] = {
        "images": (count, record.channels, record.side, record.side),
        "labels": (count,),
        "factors": (count, len(record.factors)),
    }
    name = _file_name(split, part)
    try:
        # Never `np.load`, which opens other kinds of files, too. "c": copy on write.
        array = np.lib.format.open_memmap(path / name, mode="c")
    except (OSError, ValueError, EOFError, OverflowError, SyntaxError, TypeError, TokenError) as error:
        raise _damaged(path, f"{name} cannot be read") from error
    if array.shape != shapes[part] or array.dtype.str != _TYPES[part]:
        raise _damaged(path, f"{name} has the shape {array.shape} and the type {array.dtype}")
    before, expected = read_checked(path), record.arrays.get(name, "")
    try:
        entry = entry_of(path / name, expected)  # before it is read: what changes meanwhile is checked again
        if before.get(name) != entry:
            with (path / name).open("rb") as file:
                file.seek(array.offset)
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    raise _damaged(path, f"the SHA-256 sum of {name} is not the one in {RECORD}")
            note_checked(path, before, {name: entry})
    except OSError as error:
        raise _damaged(path, f"{name} cannot be read") from error
    return array


class DatasetWriter:
    """Writes a data set batch by batch; the folder appears whole at `finish`, or not at all.

    To be used in a `with` statement, at whose end an unfinished folder is removed.

    Args:
        path: the folder, whose last part is the name of the data set.
        channels: C.
        side: S.
    """

    def __init__(self, path: Path, channels: int, side: int) -> None:
        self._path, self._channels, self._side = path, channels, side
        self._folder = temporary_path(path)
        self._files: dict[str, _ArrayFile] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            with suppress(OSError):  # on a full disk
                file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(
        self,
        split: Split,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer[Any]] | None = None,
        factors: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Adds images, (N, C, S, S), with their labels (N,) and factors (N, F), if there are any.

        Raises OSError.
        """
        assert images.shape[1:] == (self._channels, self._side, self._side), images.shape
        parts: dict[Part, npt.NDArray[Any] | None] = {"images": images, "labels": labels, "factors": factors}
        for part, values in parts.items():
            if values is not None:
                assert len(values) == len(images)
                name = _file_name(split, part)
                if name not in self._files:
                    self._files[name] = _ArrayFile(self._folder / name, _TYPES[part], values.shape[1:])
                self._files[name].append(values)

    def finish(self, **fields: Any) -> DatasetRecord:
        """Completes the data set with these fields of its record.

        Raises OSError; FileExistsError if there is such a data set.
        """
        sums = {name: file.finish() for name, file in self._files.items()}
        counts = {split: self._files[_file_name(split, "images")].count for split in SPLITS}
        record = DatasetRecord(
            name=self._path.name,
            channels=self._channels,
            side=self._side,
            counts=counts,
            arrays=sums,
            **fields,
        )
        write_atomic(self._folder / RECORD, record.model_dump_json(indent=2).encode() + b"\n")
        # Nobody has to read all of them again.
        note_checked(self._folder, {}, {name: entry_of(self._folder / name, sums[name]) for name in sums})
        if not move_atomic(self._folder, self._path):
            raise FileExistsError(f"There is a data set {self._path.name} already.")
        return record


class _ArrayFile:
    """An npy file to which rows are appended."""

    def __init__(self, path: Path, kind: str, row: tuple[int, ...]) -> None:
        self._kind, self._row, self.count = kind, row, 0
        self._sum = hashlib.sha256()
        self._file: BinaryIO = path.open("w+b")
        self._write_header()

    def _write_header(self) -> None:
        # NumPy leaves room in the header for a larger count.
        header = {"descr": self._kind, "fortran_order": False, "shape": (self.count, *self._row)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, values: npt.NDArray[Any]) -> None:
        content = np.ascontiguousarray(values, self._kind).tobytes()
        assert len(content) == len(values) * math.prod(self._row) * np.dtype(self._kind).itemsize
        self._file.write(content)
        self._sum.update(content)
        self.count += len(values)

    def finish(self) -> str:
        """Completes the file; returns the SHA-256 of its values."""
        self._file.seek(0)
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._sum.hexdigest()

    def close(self) -> None:
        self._file.close()


def delete_folder(path: Path) -> None:
    """Deletes a data set's folder, which disappears at once. Raises OSError."""
    hidden = temporary_path(path)
    retry_in_use(partial(os.replace, path, hidden))  # renamed first, so that nobody finds half of it
    shutil.rmtree(hidden)


def size_on_disk(path: Path) -> int:
    """Bytes of the files in a data set's folder; 0 if there is none."""
    sizes = 0
    with suppress(OSError):  # it may be deleted meanwhile
        for file in path.iterdir():
            sizes += file.lstat().st_size
    return sizes


def _file_name(split: Split, part: Part) -> str:
    return f"{split}-{part}.npy"


def _damaged(path: Path, why: str) -> VaeError:
    return VaeError(
        f"The data set {path.name} in {path.parent} is damaged ({why.rstrip('.')}). Delete that folder, "
        "and add the data set again."
    )
