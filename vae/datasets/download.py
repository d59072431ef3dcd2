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
from typing import Any

import numpy as np

from vae.config import BUILT_IN
from vae.datasets.folder import SPLITS, DatasetWriter
from vae.datasets.registry import BUILT_IN_SETS, is_present, unusable
from vae.datasets.torchvision_import import datasets, without_progress_bars
from vae.storage.atomic import remove_leftovers, temporary_path
from vae.storage.folders import data_dir

STALL_SECONDS = 30.0  # without a byte, after which a download has failed
POLL_SECONDS = 0.1  # between two looks at a download
DAY = 24 * 3600  # seconds

# Sets whose files have one class after the other: the pages show the first images of the test set.
SORTED = {"emnist-letters", "emnist-balanced"}
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
_one_at_a_time = threading.Lock()  # two visitors of a page may want the same set


@contextmanager
def _limited_waits() -> Iterator[None]:
    """Sets Python's time limit for sockets that set none, as torchvision's, to STALL_SECONDS."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def prepare(dataset: str) -> Generator[str, None, None]:
    """Downloads a data set if it is not there; yields what is being done, a sentence, ten times a second.

    Raises VaeError if that fails.
    """
    root = data_dir()
    if not is_present(dataset, root):
        yield from download(dataset, root)


def download(dataset: str, root: Path) -> Generator[str, None, None]:
    """Downloads a data set by torchvision, and writes it as a folder of `root`, unless it is there.

    Yields what is being done, a sentence, ten times a second. If the iterator is closed before its end, the
    download is given up, and nothing of it stays.

    Raises VaeError if no byte arrives for STALL_SECONDS, or if the download fails.
    """
    while not _one_at_a_time.acquire(timeout=POLL_SECONDS):
        yield f"Waiting for another download, then downloading {dataset}."
    try:
        if not is_present(dataset, root):
            with _limited_waits(), without_progress_bars():
                yield from _download(dataset, root)
    finally:
        _one_at_a_time.release()


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
        root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(root, older=DAY)
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
        yield f"Unpacking {dataset}."
        _convert(dataset, folder, root)
    except OSError as error:
        raise unusable(dataset, root, error) from error
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


def _convert(dataset: str, source: Path, root: Path) -> None:
    """Writes the data set that torchvision has in `source` as a folder of `root`. Raises OSError."""
    known = BUILT_IN_SETS[dataset]
    with DatasetWriter(root / dataset, *BUILT_IN[dataset]) as writer:
        for split in SPLITS:
            made = MAKERS[dataset](source, train=split == "train", download=False)
            images, labels = np.asarray(made.data), np.asarray(made.targets)
            planes = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
            if dataset.startswith("emnist"):
                planes = planes.swapaxes(2, 3)  # its files hold each image transposed
                labels = labels - (dataset == "emnist-letters")  # from 1 on
            order = np.arange(len(labels))
            if dataset in SORTED:
                np.random.default_rng(0).shuffle(order)
            for start in range(0, len(order), WRITTEN):
                some = order[start : start + WRITTEN]
                writer.add(split, planes[some], labels[some])
        writer.finish(classes=known.classes, source=known.source, licence=known.licence)
