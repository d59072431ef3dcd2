"""The packed MNIST that comes with the project: unpacked once, and checked once."""

import gzip
import hashlib
import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from vae import VaeError
from vae.datasets.folder import RECORD, DatasetRecord, read_record
from vae.storage.atomic import write_atomic
from vae.storage.folders import PROJECT

# Beside the unpacked files: of each that was checked its size, its mtime in ns, and its SHA-256.
CHECKED = "checked.json"


def mnist_record(packed: Path) -> DatasetRecord:
    """The record of MNIST in the folder `packed`, or of the project's own if that folder is missing.

    Its arrays are the unpacked files. Raises VaeError if it is damaged or missing.
    """
    packed = _existing(packed)
    try:
        return read_record(packed)
    except FileNotFoundError as error:
        raise _damaged(packed / RECORD, error) from error
    except VaeError as error:  # which says how another data set is mended
        raise _damaged(packed / RECORD, "it is no record of this data set") from error


def unpack_mnist(raw: Path, packed: Path, names: tuple[str, ...]) -> None:
    """Unpacks files of MNIST into the folder `raw`, unless they are there and as its record says.

    The sum of an unpacked file is computed only if its size or time of change is not that of the last check.
    If the folder `packed` is missing, the project's own is taken.

    Raises VaeError if a packed file is damaged or missing, or `raw` cannot be written.
    """
    packed = _existing(packed)
    sums = mnist_record(packed).arrays
    if missing := [name for name in names if name not in sums]:
        raise _damaged(packed / RECORD, f"it has no sum of {missing[0]}")
    before = _read_checked(raw)
    checked = {name: _unpack(raw / name, packed, sums[name], before.get(name)) for name in names}
    if any(before.get(name) != entry for name, entry in checked.items()):
        with suppress(OSError):  # in a folder that is read only, the next process checks again
            write_atomic(raw / CHECKED, json.dumps({**before, **checked}).encode(), durable=False)


def _existing(packed: Path) -> Path:
    """The folder `packed`, or the project's own: `VAE_DATA_DIR` may name an empty folder."""
    return packed if packed.exists() else PROJECT / "data" / "mnist"


def _unpack(path: Path, packed: Path, expected: str, known: object) -> list[Any]:
    """Unpacks one file unless it is there; returns its entry among those that were checked."""
    with suppress(OSError):
        if known == (entry := _entry(path, expected)):
            return entry
        if hashlib.sha256(path.read_bytes()).hexdigest() == expected:
            return entry  # of before it was read: what changed meanwhile is checked again
    source = packed / f"{path.name}.gz"
    try:
        content = gzip.decompress(source.read_bytes())
    # A truncated gzip raises EOFError, a damaged one zlib.error.
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(source, error) from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise _damaged(source, f"its SHA-256 sum is not the one in {RECORD}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
        return _entry(path, expected)
    except OSError as error:
        raise VaeError(
            f"MNIST cannot be unpacked into {path.parent}: {error.strerror}. Make that folder writable, or "
            "set VAE_DATA_DIR to another; and free some space if there is none."
        ) from error


def _entry(path: Path, sha256: str) -> list[Any]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, sha256]


def _read_checked(raw: Path) -> dict[str, Any]:
    """What was checked; empty if nothing was, or the file that says so is damaged."""
    try:
        checked = json.loads((raw / CHECKED).read_bytes())
    except (OSError, ValueError):
        return {}
    return checked if isinstance(checked, dict) else {}


def _damaged(path: Path, why: object) -> VaeError:
    reason = why.strerror if isinstance(why, OSError) and why.strerror else why
    own = PROJECT / "data" / "mnist"
    if path.parent != own:
        advice = f"Copy the folder {own} into {path.parents[1]}, or leave VAE_DATA_DIR out."
    else:
        advice = (
            f"The project comes with it; get it again there with `git checkout -- data/mnist/{path.name}`."
        )
    return VaeError(f"{path} is damaged or missing ({reason}). {advice}")
