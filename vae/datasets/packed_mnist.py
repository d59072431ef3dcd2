"""The packed MNIST that comes with the project: unpacked once, and checked once."""

import gzip
import hashlib
import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from vae import VaeError
from vae.storage.atomic import write_atomic
from vae.storage.folders import PROJECT

# Beside the unpacked files: of each that was checked its size, its mtime in ns, and its SHA-256.
RECORD = "checked.json"


def unpack_mnist(raw: Path, packed: Path, names: tuple[str, ...]) -> None:
    """Unpacks files of MNIST into the folder `raw`, unless they are there and as `SHA256SUMS` says.

    The sum of an unpacked file is computed only if its size or time of change is not that of the last check.
    If the folder `packed` is missing, the project's own is taken.

    Raises VaeError if a packed file is damaged or missing, or `raw` cannot be written.
    """
    if not packed.exists():  # `VAE_DATA_DIR` may name an empty folder
        packed = PROJECT / "data" / "mnist"
    try:
        sums = dict(
            line.split()[::-1] for line in (packed / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        )
        expected = {name: sums[name] for name in names}
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(packed / "SHA256SUMS", error) from error
    record = _read_record(raw)
    checked = {
        name: _unpack(raw / name, packed, sha256, record.get(name)) for name, sha256 in expected.items()
    }
    if any(record.get(name) != entry for name, entry in checked.items()):
        with suppress(OSError):  # in a folder that is read only, the next process checks again
            write_atomic(raw / RECORD, json.dumps({**record, **checked}).encode(), durable=False)


def _unpack(path: Path, packed: Path, expected: str, known: object) -> list[Any]:
    """Unpacks one file unless it is there; returns its entry in the record."""
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
        raise _damaged(source, "its SHA-256 sum is not the one in SHA256SUMS")
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


def _read_record(raw: Path) -> dict[str, Any]:
    """What was checked; empty if nothing was, or the record is damaged."""
    try:
        record = json.loads((raw / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


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
