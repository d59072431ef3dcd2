"""File locks that the operating system releases when the process that holds them ends."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from vae import VaeError

# Opening follows no link out of the folder, and does not wait for the other end of a pipe.
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def locked(path: Path, timeout: float, poll_interval: float = 0.05) -> Iterator[None]:
    """Holds a lock on the file `path` in a run's folder.

    Args:
        timeout: seconds to wait for it at most.
        poll_interval: seconds between two attempts.

    Raises `filelock.Timeout` if it stays held elsewhere, and VaeError if the folder is gone or `path` cannot
    be locked.
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
        if error.errno in _NO_LOCKS:
            raise VaeError(
                f"The disk of {path.parent} has no file locks, which trainings need ({error.strerror}). Keep "
                "the runs on another disk, with --runs-dir or VAE_RUNS_DIR."
            ) from error
        raise VaeError(
            f"{path.parent.name}/{path.name} cannot be used ({error.strerror}). Delete it, and make "
            "its folder writable."
        ) from error
    try:
        yield
    finally:
        # Closing alone does not unlock it if a forked process has the descriptor as well.
        filelock.unlock_descriptor(descriptor)
        os.close(descriptor)


def _try_lock(path: Path) -> int | None:
    """The open descriptor of the locked file; None if the lock is held elsewhere. Raises OSError.

    `filelock.FileLock` is not used: it would recreate the folder of a run that has just been deleted.
    """
    descriptor = os.open(path, _FLAGS, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no plain file")
        # The file at `path` may be another one now: that of a new run with the name of a deleted one.
        if filelock.lock_descriptor(descriptor, blocking=False) and os.path.samestat(
            os.fstat(descriptor), path.stat()
        ):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
