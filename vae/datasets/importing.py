"""Import of pictures of one's own: open a source, look at a sample of it in some form, make a data set of it.

    with open_source("holidays.zip") as source:
        sample = Sample(source)
        form = replace(sample.proposed, fit="pad")
        shown = sample.fitted(form)
        for progress in import_pictures(source, form, "holidays"):
            ...

Shapes: N pictures, K pictures of a sample or batch, C channels, S pixels of a side.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from vae import VaeError
from vae.config import BUILT_IN, DATASET_NAME, MAX_DATASET_NAME, MAX_SIDE, MIN_SIDE
from vae.datasets.array_files import (
    GZIP,
    CsvPictures,
    IdxPictures,
    NpyPictures,
    NpzPictures,
    idx_files,
)
from vae.datasets.array_pictures import Layout
from vae.datasets.fitting import Form, fitted
from vae.datasets.folder import SPLITS, DatasetRecord, DatasetWriter, Split
from vae.datasets.images import FORMAT_NAMES, ImageArray
from vae.datasets.picture_files import SUFFIXES, FolderPictures, ZipPictures
from vae.datasets.sources import LeftOut, Source, printable
from vae.storage.atomic import remove_leftovers
from vae.storage.folders import absolute_path, data_dir
from vae.storage.systems import is_reserved

MAX_BYTES = 2_000_000_000  # of all pictures of a data set
SAMPLE = 100  # pictures that are looked at before an import
SHOWN = 24
KEPT = (
    1_000_000  # values of a picture that is shown; larger ones are reduced to the largest side that is seen
)
COLOURED = 0.1  # the share of a sample's pictures from which on a data set is in colour
PROPOSED_SIDE = 32
TEST_SHARE = 0.1
BATCH = 16  # pictures
REPORT_SECONDS = 0.1  # between two reports of progress
DAY = 24 * 3600  # seconds
_ENOUGH = 2  # times the side: a larger picture may be decoded at a fraction of its size
_TABLES = {".csv", ".tsv", ".txt"}
_ADVICE = f"Choose a folder or a zip of {FORMAT_NAMES} pictures, or an npz, npy, idx or CSV file."


def open_source(
    path: str | Path, layout: Layout | None = None, report: Callable[[float], object] | None = None
) -> Source:
    """Opens a file or folder of pictures, and counts them. Close it, or use it in a `with` statement.

    Args:
        layout: what the axes of an array mean; None where that is clear from its shape.
        report: as `Source.report`.

    Raises VaeError if there is none, it is damaged, or it holds no pictures or too many.
    """
    found = absolute_path(path)
    try:
        source = _source_at(found, layout)
        source.report = report
        try:
            source.open()
            source.report = None  # who reports may keep the source, and neither would end
        except BaseException:
            source.close()
            raise
    except FileNotFoundError as error:
        raise VaeError(f"There is no file or folder {found}. Check its name.") from error
    except OSError as error:
        raise VaeError(
            f"{found} cannot be read or unpacked: {error.strerror or error}. Mend that first."
        ) from error
    return source


def _source_at(path: Path, layout: Layout | None) -> Source:
    """What a file or folder is, by its first bytes and its name. Raises VaeError, OSError."""
    if path.is_dir():
        return IdxPictures(path, layout) if any(idx_files(path)) else FolderPictures(path)
    if path.exists() and not path.is_file():  # a pipe never ends
        raise VaeError(f"{path.name} is no plain file. {_ADVICE}")
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"PK"):
        return NpzPictures(path, layout) if suffix == ".npz" else ZipPictures(path)
    if start == b"\x93NUMPY":
        return NpyPictures(path, layout)
    if start.startswith((GZIP, b"\0\0\x08")):
        return IdxPictures(path, layout)
    if not start:
        raise VaeError(f"{path.name} is empty. Download or copy it again.")
    if suffix in _TABLES:
        return CsvPictures(path, layout)
    if suffix in SUFFIXES:
        raise VaeError(f"{path.name} is one picture. Choose the folder that it is in.")
    raise VaeError(f"{path.name} is no file of pictures that can be read. {_ADVICE}")


class Sample:
    """Pictures from all over a source, by which one sees what an import will make of it.

    Attributes:
        shown: the numbers of the pictures that `fitted` shows, at most `SHOWN`.
        looked_at: how many were read, or were tried to.
        left_out: those of them that cannot be read.
        proposed: the form that suits them: in colour if a tenth is; of their own size if it is one that a
            data set can have, otherwise 32 x 32.
    """

    def __init__(self, source: Source) -> None:
        """Reads the sample. Raises VaeError if no picture of it can be read."""
        numbers = _spread(len(source), SAMPLE)
        self.looked_at, self.left_out = len(numbers), LeftOut()
        step = -(-len(numbers) // SHOWN)
        # The first ones are from all over the source: those that can be read are shown, and kept.
        numbers = [number for start in range(step) for number in numbers[start::step]]
        shown: dict[int, ImageArray] = {}
        self._sizes: list[tuple[int, int]] = []
        in_colour = 0
        with ThreadPoolExecutor(_workers()) as pool:
            for number, found in zip(numbers, pool.map(lambda n: _look(source, n), numbers), strict=True):
                if isinstance(found, str):
                    self.left_out.add(found, source.name(number))
                    continue
                self._sizes.append(found.size)
                in_colour += found.coloured
                if len(shown) < SHOWN:
                    shown[number] = found.picture
        if not shown:
            raise VaeError(_none_readable(source, self.looked_at, self.left_out))
        self.shown = sorted(shown)
        self._pictures = [shown[number] for number in self.shown]
        coloured = in_colour >= COLOURED * len(self._sizes)
        side, other = self._sizes[0]
        own = side == other and MIN_SIDE <= side <= MAX_SIDE and len(set(self._sizes)) == 1
        self.proposed = Form(side if own else PROPOSED_SIDE, 3 if coloured else 1)

    def fitted(self, form: Form) -> ImageArray:
        """The pictures shown, as a model will see them: (K, S, S), or (K, S, S, 3) in colour."""
        return np.stack([fitted(picture, form) for picture in self._pictures])

    def notes(self, form: Form) -> list[str]:
        """What one should know of an import in this form, in sentences."""
        notes = []
        if small := sum(min(size) < form.side for size in self._sizes):
            notes.append(f"{small} of {len(self._sizes)} pictures looked at are smaller, and are enlarged.")
        notes += (f"Of {self.looked_at} pictures looked at, {each}" for each in self.left_out.sentences())
        return notes


def has_colour(image: ImageArray) -> bool:
    """Whether more than one in a hundred pixels of (H, W, 3) is clearly no grey."""
    spread = image.max(axis=2) - image.min(axis=2)
    return bool((spread > 24).mean() > 0.01)  # JPEG makes differences of up to about 10 of grey


def _spread(count: int, most: int) -> list[int]:
    """At most so many indices, evenly over all."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()


class _Looked(NamedTuple):
    """A picture of a sample in colour, (h, w, 3), its own height and width, and whether it has any colour."""

    picture: ImageArray
    size: tuple[int, int]
    coloured: bool


def _look(source: Source, number: int) -> _Looked | str:
    """A picture of a sample, or why it cannot be read."""
    try:
        picture = source.read(number, 3, _ENOUGH * MAX_SIDE)
    except ValueError as error:
        return str(error)
    height, width = picture.shape[:2]
    coloured = has_colour(picture)
    if picture.size > KEPT and (factor := min(height, width) // MAX_SIDE) > 1:  # a long strip
        picture = np.asarray(Image.fromarray(picture).reduce(factor))
    return _Looked(picture, (height, width), coloured)


class Progress(NamedTuple):
    """How far an import has come.

    Attributes:
        done, total: pictures.
        left_out: what was left out so far, also when the source was opened.
        record: that of the data set, at the end; None before.
    """

    done: int
    total: int
    left_out: LeftOut
    record: DatasetRecord | None = None


def check_name(name: str) -> None:
    """Raises VaeError if no data set can be imported under this name."""
    if not DATASET_NAME.fullmatch(name) or is_reserved(name):
        raise VaeError(
            f"{name!r} is no name for a data set: choose 1 to {MAX_DATASET_NAME} small letters, digits and "
            "hyphens, with no hyphen at an end."
        )
    if name in BUILT_IN:
        raise VaeError(f"{name} is a built-in data set. Choose another name.")
    if (data_dir() / name).exists():
        raise _taken(name)


def size_in_bytes(source: Source, form: Form) -> int:
    """The size of the data set that an import would make."""
    return len(source) * form.channels * form.side**2


def import_pictures(
    source: Source, form: Form, name: str, test_share: float = TEST_SHARE
) -> Generator[Progress, None, None]:
    """Makes a data set of all pictures of a source; reports progress at most ten times a second.

    The order is random, but the same each time. If the iterator is closed before its end, nothing stays.

    Args:
        test_share: the share of the readable pictures that are for testing, above 0 and below 1, if the
            source has no test set of its own; at least one picture is for testing, and one for training.

    Raises VaeError if the name is taken or invalid, the data set would be too large, too few pictures can be
    read, or the disk is full or cannot be written.
    """
    check_name(name)
    if not 0 < test_share < 1:
        raise VaeError(f"A test share of {test_share:g} is not possible: choose one above 0 and below 1.")
    if len(source) < len(SPLITS):
        raise VaeError(
            f"{source.path.name} has one picture. At least two are needed: one to train on, one to test."
        )
    if (size := size_in_bytes(source, form)) > MAX_BYTES:
        raise VaeError(
            f"{len(source):,} pictures of this form have {size / 1e9:.1f} GB, and at most "
            f"{MAX_BYTES / 1e9:g} GB are possible. Choose a smaller side or grey, or take some pictures out."
        )
    root = data_dir()
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(root, older=DAY)
        with DatasetWriter(root / name, form.channels, form.side) as writer:
            yield from _import(source, form, writer, test_share, root / name)
    except OSError as error:
        raise VaeError(
            f"The data set {name} cannot be saved in {root}: {error.strerror or error}. Make that folder "
            f"writable, and free some space if there is none: it takes about {size / 1e6:,.0f} MB."
        ) from error


def _import(
    source: Source, form: Form, writer: DatasetWriter, test_share: float, path: Path
) -> Generator[Progress, None, None]:
    total, left_out = len(source), LeftOut()
    left_out.update(source.left_out)
    order = np.random.default_rng(0).permutation(total)
    if source.in_test is not None:
        order = order[np.argsort(~source.in_test[order], kind="stable")]  # the test pictures first
    counts: dict[Split, int] = dict.fromkeys(SPLITS, 0)
    done, reported = 0, 0.0
    with closing(_batches(source, form, order.tolist())) as batches:
        for batch in batches:
            done += len(batch)
            for split, some in _split(source, batch, counts, test_share).items():
                if some:
                    numbers = [number for number, _ in some]
                    planes = np.stack([picture for _, picture in some])
                    labels = None if source.labels is None else source.labels[numbers]
                    writer.add(split, planes, labels)
            for number, picture in batch:
                if isinstance(picture, str):
                    left_out.add(picture, source.name(number))
            if (now := time.monotonic()) > reported + REPORT_SECONDS:
                reported = now
                yield Progress(done, total, left_out)
    if not any(counts.values()):
        raise VaeError(_none_readable(source, total, left_out))
    if not all(counts.values()):
        raise VaeError(
            f"Too few pictures of {source.path.name} can be read to train on some and test on others. "
            f"{' '.join(left_out.sentences())} Mend or add some."
        )
    try:
        record = writer.finish(
            classes=source.classes,
            source=f"Imported from {printable(source.path.name)[:200]}, {source.kind}.",
            preparation=f"Of each picture {form}.",
            fit=form.fit,
            inverted=form.invert,
        )
    except FileExistsError as error:
        raise _taken(path.name) from error
    yield Progress(total, total, left_out, record)


Fitted = tuple[
    int, ImageArray | str
]  # the number of a picture with its planes (C, S, S), or why there are none


def _split(
    source: Source, batch: list[Fitted], counts: dict[Split, int], test_share: float
) -> dict[Split, list[tuple[int, ImageArray]]]:
    """The readable pictures of a batch by what they are for; counts them in `counts`.

    The share of test pictures is kept at every moment, as nobody knows how many more can be read.
    """
    parts: dict[Split, list[tuple[int, ImageArray]]] = {split: [] for split in SPLITS}
    for number, picture in batch:
        if isinstance(picture, str):
            continue
        if source.in_test is not None:
            test = bool(source.in_test[number])
        else:
            readable = sum(counts.values()) + 1
            test = counts["test"] < max(1, min(round(test_share * readable), readable - 1))
        split: Split = "test" if test else "train"
        parts[split].append((number, picture))
        counts[split] += 1
    return parts


def _batches(source: Source, form: Form, order: list[int]) -> Generator[list[Fitted], None, None]:
    """Pictures in this order, fitted by threads, some at a time; an empty list while one waits for them."""
    cancelled = threading.Event()

    def fit(numbers: list[int]) -> list[Fitted]:
        found: list[Fitted] = []
        for number in numbers:
            if cancelled.is_set():
                break
            try:
                picture = source.read(number, form.channels, _ENOUGH * form.side)
            except ValueError as error:
                found.append((number, str(error)))
                continue
            image = fitted(picture, form)
            found.append((number, image[None] if image.ndim == 2 else image.transpose(2, 0, 1)))
        return found

    starts = iter(range(0, len(order), BATCH))
    waiting: deque[Future[list[Fitted]]] = deque()
    with ThreadPoolExecutor(_workers()) as pool:
        try:
            while True:
                # Decoding does not run ahead of writing by more than this.
                while len(waiting) < 2 * _workers() and (start := next(starts, None)) is not None:
                    waiting.append(pool.submit(fit, order[start : start + BATCH]))
                if not waiting:
                    return
                done, _ = wait((waiting[0],), REPORT_SECONDS)
                yield waiting.popleft().result() if done else []
        finally:
            cancelled.set()


def _workers() -> int:
    return min(4, os.cpu_count() or 1)


def _none_readable(source: Source, tried: int, left_out: LeftOut) -> str:
    return (
        f"None of the {tried:,} pictures of {source.path.name} that were tried can be read. "
        f"{' '.join(left_out.sentences())} Save or copy them again."
    )


def _taken(name: str) -> VaeError:
    return VaeError(f"There is a data set {name} already. Choose another name, or delete that one first.")
