"""Locks that the operating system frees the moment their holder dies."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from vae import VaeError

# No link is followed out of the folder, and no pipe waited for.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def locked(path: Path, timeout: float, poll_interval: float = 0.05) -> Iterator[None]:
    """Holds the lock `path`, a file in a run's folder, for which it waits `timeout` seconds at most.

    Raises `filelock.Timeout` if another holds it, and VaeError if the folder is gone, or if it is no file
    that can be locked.
    """
    end = time.monotonic() + timeout
    try:
        while (descriptor := _try_lock(path)) is None:
            if time.monotonic() >= end:
                raise filelock.Timeout(str(path))
            time.sleep(poll_interval)
    except filelock.Timeout:
        raise
    except FileNotFoundError as error:
        raise VaeError(f"{path.parent.name} is gone: it was deleted.") from error
    except OSError as error:
        raise VaeError(
            f"{path.parent.name}/{path.name} cannot be used ({error.strerror}). Delete it, and make "
            "its folder writable."
        ) from error
    try:
        yield
    finally:
        filelock.unlock_descriptor(descriptor)  # also where a fork has the descriptor, too
        os.close(descriptor)


def _try_lock(path: Path) -> int | None:
    """The descriptor of the lock, which is held until it is closed; None if another holds it. Raises OSError.

    `filelock.FileLock` would make the folder anew where a run has just been deleted, and so block its name.
    """
    descriptor = os.open(path, _FLAGS, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no plain file")
        # The lock of a run that was deleted meanwhile is none of the run that has its name now.
        if filelock.lock_descriptor(descriptor, blocking=False) and os.path.samestat(
            os.fstat(descriptor), path.stat()
        ):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
