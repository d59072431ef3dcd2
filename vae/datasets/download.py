"""Downloads of data sets by torchvision: with progress, an end to waiting, and whole or not at all."""

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


class _SocketTimeout:
    """Python's time limit for sockets that set none, as torchvision's: one of the whole process.

    A download that is given up ends by it, too. Several may, one after the other; the last puts it back.
    """

    def __init__(self) -> None:
        self._lock, self._users = threading.Lock(), 0
        self._before: float | None = None

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Sets the limit to STALL_SECONDS for as long as the block lasts."""
        with self._lock:
            if not self._users:
                self._before = socket.getdefaulttimeout()
                socket.setdefaulttimeout(STALL_SECONDS)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    socket.setdefaulttimeout(self._before)


_SOCKET_TIMEOUT = _SocketTimeout()


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
            yield from _download(dataset, root)
    finally:
        _one_at_a_time.release()


def _download(dataset: Dataset, root: Path) -> Generator[str, None, None]:
    folder = temporary_path(root / FOLDERS[dataset])
    errors: list[Exception] = []

    def work() -> None:
        try:
            with _SOCKET_TIMEOUT.limited(), without_progress_bars():
                MAKERS[dataset](folder, True, True)
        except Exception as error:  # noqa: BLE001 (raised by the thread that waits)
            errors.append(error)

    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(root, older=DAY)
        folder.mkdir()
        # A thread, because torchvision waits for the network without an end, and cannot be interrupted.
        thread = threading.Thread(target=work, daemon=True)
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
        shutil.rmtree(folder, ignore_errors=True)


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
