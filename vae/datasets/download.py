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

from vae.config import Dataset
from vae.datasets.registry import FOLDERS, MEGABYTES, is_downloaded, unusable
from vae.datasets.torchvision_import import datasets, without_progress_bars
from vae.storage.atomic import remove_leftovers, temporary_path
from vae.storage.folders import data_dir
from vae.storage.systems import retry_in_use

STALL_SECONDS = 30.0  # without a byte, after which a download has failed
POLL_SECONDS = 0.1  # between two looks at a download
DAY = 24 * 3600  # seconds

# (folder, train, download) -> the data set
Maker = Callable[[Path, bool, bool], datasets.MNIST]
MAKERS: dict[Dataset, Maker] = {
    "fashion-mnist": lambda root, train, download: datasets.FashionMNIST(
        root, train=train, download=download
    ),
    "kmnist": lambda root, train, download: datasets.KMNIST(root, train=train, download=download),
    "emnist-digits": lambda root, train, download: datasets.EMNIST(
        root, split="digits", train=train, download=download
    ),
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


def prepare(dataset: Dataset) -> Generator[str, None, None]:
    """Downloads a data set if it is not there; yields what is being done, a sentence, ten times a second.

    Raises VaeError if that fails.
    """
    root = data_dir()
    if dataset != "mnist" and not is_downloaded(dataset, root):
        yield from download(dataset, root)


def download(dataset: Dataset, root: Path) -> Generator[str, None, None]:
    """Downloads a data set into torchvision's folder under `root`, unless it is there.

    Yields what is being done, a sentence, ten times a second. If the iterator is closed before its end, the
    download is given up, and nothing of it stays.

    Raises VaeError if no byte arrives for STALL_SECONDS, or if the download fails.
    """
    while not _one_at_a_time.acquire(timeout=POLL_SECONDS):
        yield f"Waiting for another download, then downloading {dataset}."
    try:
        if not is_downloaded(dataset, root):
            with _limited_waits(), without_progress_bars():
                yield from _download(dataset, root)
    finally:
        _one_at_a_time.release()


def _download(dataset: Dataset, root: Path) -> Generator[str, None, None]:
    folder = temporary_path(root / FOLDERS[dataset])
    errors: list[Exception] = []

    def work() -> None:
        try:
            with suppress(SystemExit):  # of `_end`
                MAKERS[dataset](folder, True, True)
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
        _move(folder / FOLDERS[dataset], root / FOLDERS[dataset])
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


def _progress(dataset: Dataset, megabytes: float) -> str:
    total = MEGABYTES[dataset]
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


def _move(source: Path, target: Path) -> None:
    """Moves the unpacked files of a data set to their place, each at once; packed ones are left behind."""
    for file in (source / "raw").iterdir():
        if file.suffix not in (".gz", ".zip"):
            (target / "raw").mkdir(parents=True, exist_ok=True)
            retry_in_use(partial(os.replace, file, target / "raw" / file.name))
