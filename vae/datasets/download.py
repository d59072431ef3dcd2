"""Downloads of data sets by torchvision: with progress, an end to waiting, and whole or not at all."""

import ctypes
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vae.config import BUILT_IN
from vae.datasets.folder import SPLITS, DatasetWriter
from vae.datasets.registry import BUILT_IN_SETS, is_present, unusable
from vae.datasets.torchvision_import import datasets, without_progress_bars
from vae.storage.atomic import temporary_path

STALL_SECONDS = 30.0  # without a byte, after which a download has failed
POLL_SECONDS = 0.1  # between two looks at a download
EMNIST = ("emnist-digits", "emnist-letters", "emnist-balanced")  # of one archive
WRITTEN = 5000  # images at once
# Of root, train and download, as torchvision names them.
MAKERS: dict[str, Callable[..., Any]] = {
    "fashion-mnist": datasets.FashionMNIST,
    "kmnist": datasets.KMNIST,
    "emnist-digits": partial(datasets.EMNIST, split="digits"),
    "emnist-letters": partial(datasets.EMNIST, split="letters"),
    "emnist-balanced": partial(datasets.EMNIST, split="balanced"),
    "cifar-10": datasets.CIFAR10,
}
# What torchvision raises for files that are missing or damaged.
UNREADABLE = (OSError, RuntimeError, ValueError, TypeError, LookupError, AssertionError)


class _Split(NamedTuple):
    """Images (N, C, S, S), uint8, and labels (N,) from 0 on."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


@contextmanager
def _limited_waits() -> Iterator[None]:
    """Sets Python's time limit for sockets that set none, as torchvision's, to STALL_SECONDS."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def download(dataset: str, root: Path) -> Generator[str, None, None]:
    """Downloads a data set by torchvision, and writes it as a folder of `root`.

    What torchvision has in `root` already, as earlier versions left it, is not downloaded again. EMNIST is
    one download, of which all sets are written that are not there.

    Yields what is being done, a sentence, ten times a second. If the iterator is closed before its end, the
    download is given up, and nothing of it stays.

    Raises VaeError if no byte arrives for STALL_SECONDS, or if the download fails; OSError if a file cannot
    be written.
    """
    try:
        found = _read(dataset, root)
    except UNREADABLE:  # most often because it is not there
        with _limited_waits(), without_progress_bars():
            yield from _download(dataset, root)
    else:
        yield f"Unpacking {dataset}."
        _write(dataset, found, root)


def _download(dataset: str, root: Path) -> Generator[str, None, None]:
    folder = temporary_path(root / f"download-{dataset}")
    errors: list[Exception] = []

    def work() -> None:
        try:
            with suppress(SystemExit):  # of `_end`
                MAKERS[dataset](folder, train=True, download=True)
        except Exception as error:  # noqa: BLE001 (raised by the thread that waits)
            errors.append(error)

    # A thread, because torchvision waits for the network without an end, and cannot be interrupted.
    thread = threading.Thread(target=work, daemon=True)
    try:
        folder.mkdir()
        thread.start()
        size, changed = 0, time.monotonic()
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            before, size = size, _size(folder, everything=True)
            if size != before:
                changed = time.monotonic()
            elif thread.is_alive() and time.monotonic() - changed > STALL_SECONDS:
                raise unusable(dataset, root, f"no data arrived for {STALL_SECONDS:g} seconds")
            yield _progress(dataset, _size(folder) / 1e6)
        if errors:
            raise unusable(dataset, root, errors[0]) from errors[0]
        others = [name for name in EMNIST if dataset in EMNIST and not is_present(name, root)]
        for name in dict.fromkeys((dataset, *others)):
            yield f"Unpacking {name}."
            try:
                found = _read(name, folder)
            except UNREADABLE as error:
                raise unusable(name, root, error) from error
            _write(name, found, root)
    finally:
        _end(thread)
        shutil.rmtree(folder, ignore_errors=True)


def _end(thread: threading.Thread) -> None:
    """Ends a thread, if it is alive, as soon as it returns from where it waits for the network.

    It would try the next address then, and make its folder again.
    """
    if thread.is_alive() and thread.ident is not None:
        # The threading module has no function for that.
        ended = ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ended)
        thread.join(POLL_SECONDS)  # it may be making a file at this instant


def _progress(dataset: str, megabytes: float) -> str:
    total = BUILT_IN_SETS[dataset].megabytes
    if megabytes >= total - 1:
        return f"Unpacking {dataset}."
    return f"Downloading {dataset}: {megabytes:.0f} of {total} MB."


def _size(folder: Path, *, everything: bool = False) -> int:
    """Bytes of the packed files in `folder`, or of all."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            # EMNIST's zip holds packed files, too, which are unpacked into a folder of their own.
            if everything or (name.endswith((".gz", ".zip")) and Path(parent).name != "gzip"):
                with suppress(FileNotFoundError):  # torchvision removes some meanwhile
                    total += Path(parent, name).stat().st_size
    return total


def _read(dataset: str, source: Path) -> list[_Split]:
    """The training and test set that torchvision has in the folder `source`. Raises `UNREADABLE`."""
    channels, side = BUILT_IN[dataset]
    splits = []
    for split in SPLITS:
        made = MAKERS[dataset](source, train=split == "train", download=False)
        images, labels = np.asarray(made.data), np.asarray(made.targets)
        planes = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
        if dataset in EMNIST:
            planes = planes.swapaxes(2, 3)  # its files hold each image transposed
            labels = labels - (dataset == "emnist-letters")  # from 1 on
        if planes.shape[1:] != (channels, side, side) or labels.shape != planes.shape[:1]:
            raise ValueError(f"images of the shape {planes.shape} with {labels.shape} labels")
        if not (len(labels) and 0 <= labels.min() <= labels.max() < len(BUILT_IN_SETS[dataset].classes)):
            raise ValueError("a label is out of bounds")
        splits.append(_Split(planes, labels))
    return splits


def _write(dataset: str, splits: list[_Split], root: Path) -> None:
    """Writes a data set as a folder of `root`. Raises OSError."""
    known = BUILT_IN_SETS[dataset]
    with DatasetWriter(root / dataset, *BUILT_IN[dataset]) as writer:
        for split, (images, labels) in zip(SPLITS, splits, strict=True):
            order = np.arange(len(labels))
            # One class after the other, as in the test set of EMNIST's letters: pages show the first images.
            if (np.diff(labels) >= 0).all():
                np.random.default_rng(0).shuffle(order)
            for start in range(0, len(order), WRITTEN):
                some = order[start : start + WRITTEN]
                writer.add(split, images[some], labels[some])
        writer.finish(classes=known.classes, source=known.source, licence=known.licence)
