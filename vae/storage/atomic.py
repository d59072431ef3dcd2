"""Files that are written whole or not at all."""

import math
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")


def temporary_path(path: Path) -> Path:
    """A hidden, unused name in the same folder, from which a rename to `path` takes no time."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def sync(path: Path) -> None:
    """Waits until the disk has all that was appended to `path`, if there is such a file."""
    with suppress(FileNotFoundError), path.open("ab") as file:
        os.fsync(file.fileno())


def remove_leftovers(folder: Path, spared: str = "", older: float = -math.inf) -> None:
    """Removes what processes that died had not finished writing in `folder`: files and folders that have not
    changed for `older` seconds; not of the file `spared`. What cannot be removed stays."""
    for path in folder.glob(".*"):
        if not _TEMPORARY.fullmatch(path.name) or path.name.startswith(f".{spared}."):
            continue
        with suppress(OSError, RecursionError):
            if path.lstat().st_mtime < time.time() - older:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replaces `path` by `data`: a reader, or a crash at any instant, meets the old file or the new one.

    `durable` also waits until the disk has it, so that it outlives a power cut. Files that are
    rewritten twice a second and worth nothing tomorrow do without.
    Raises OSError (a full disk, no permission); the old file is then untouched.
    """
    new = temporary_path(path)
    try:
        with new.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def move_atomic(folder: Path, path: Path) -> bool:
    """Moves a finished `folder` to `path` in one instant; False if there is something.

    What it holds is on the disk before: a power cut leaves all of it there, or nothing. Raises OSError.
    """
    if path.exists():
        return False
    for inner in folder.rglob("*"):
        _sync_folder(inner) if inner.is_dir() else sync(inner)
    _sync_folder(folder)
    try:
        folder.rename(path)
    except OSError:
        if path.exists():
            return False
        raise
    _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    """The new name lives in the folder, which a power cut can lose separately from the file."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
