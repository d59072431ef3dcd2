"""Locks that the operating system frees the moment their holder dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from vae.errors import VaeError


@contextmanager
def locked(path: Path, timeout: float, poll_interval: float = 0.05) -> Iterator[None]:
    """Holds the lock `path`, a file in a run's folder, for which it waits `timeout` seconds at most.

    Raises `filelock.Timeout` if another holds it, and VaeError if it is no file that can be locked.
    """
    lock = filelock.FileLock(path, timeout=timeout, poll_interval=poll_interval)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise
    except OSError as error:
        raise VaeError(
            f"{path.parent.name}/{path.name} cannot be used ({error.strerror}). Delete it, and make "
            "its folder writable."
        ) from error
    try:
        yield
    finally:
        lock.release()
