"""Atomic writes: readers find a file or folder complete, or not at all."""

import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from vae.storage.systems import retry_in_use

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")


def temporary_path(path: Path) -> Path:
    """A hidden, unused path in the same folder, from which `path` is replaced by a rename."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def sync(path: Path) -> None:
    """Waits until the content of the file `path` is on the disk; does nothing if there is none."""
    with suppress(FileNotFoundError), path.open("ab") as file:
        os.fsync(file.fileno())


def remove_leftovers(folder: Path, except_of: str = "", older: float = -math.inf) -> None:
    """Removes temporary files and folders that killed processes left in `folder`, as far as that is allowed.

    Args:
        except_of: the name of a file whose temporary files stay.
        older: the least age in seconds.
    """
    for path in folder.glob(".*"):
        if not _TEMPORARY.fullmatch(path.name) or path.name.startswith(f".{except_of}."):
            continue
        with suppress(OSError, RecursionError):
            if path.lstat().st_mtime < time.time() - older:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replaces the file `path` at once: readers find the old content or the new, even after a crash.

    Args:
        durable: waits until the content is on the disk, so that it survives a power cut; not needed for files
            that are rewritten several times a second.

    Raises OSError (a full disk, no permission); the old file is then unchanged.
    """
    new = temporary_path(path)
    try:
        with new.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        retry_in_use(lambda: os.replace(new, path))
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def write_together(files: Mapping[Path, bytes]) -> None:
    """Writes several files, which exist only once all of their content is on the disk.

    Raises OSError as `write_atomic`; files that were there before are then unchanged, unless the disk was
    full or broken only at the last step, the renames: the first files may then be new.
    """
    new = {path: temporary_path(path) for path in files}
    try:
        for path, content in files.items():
            write_atomic(new[path], content)
        for path, written in new.items():
            retry_in_use(partial(os.replace, written, path))
    finally:
        for written in new.values():
            written.unlink(missing_ok=True)
    for folder in {path.parent for path in files}:
        _sync_folder(folder)


def move_atomic(folder: Path, path: Path) -> bool:
    """Moves `folder` to `path` by a rename; returns False, and moves nothing, if `path` exists.

    Its content is flushed first: after a power cut all of it is there, or nothing. Raises OSError.
    """
    if path.exists():
        return False
    for inner in folder.rglob("*"):
        _sync_folder(inner) if inner.is_dir() else sync(inner)
    _sync_folder(folder)
    try:
        retry_in_use(lambda: folder.rename(path))
    except OSError:
        if path.exists():
            return False
        raise
    _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    """Flushes a folder's list of names to the disk; a power cut can lose it even if the files are flushed."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
