"""The packed MNIST that comes with the project: unpacked once, and checked once."""

import gzip
import hashlib
import zlib
from contextlib import suppress
from pathlib import Path

from vae import VaeError
from vae.datasets.checked import Entry, entry_of, note_checked, read_checked
from vae.datasets.folder import RECORD, DatasetRecord, read_record
from vae.storage.atomic import write_atomic
from vae.storage.folders import PROJECT


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
    before = read_checked(raw)
    checked = {name: _unpack(raw / name, packed, sums[name], before.get(name)) for name in names}
    note_checked(raw, before, checked)


def _existing(packed: Path) -> Path:
    """The folder `packed`, or the project's own: `VAE_DATA_DIR` may name an empty folder."""
    return packed if packed.exists() else PROJECT / "data" / "mnist"


def _unpack(path: Path, packed: Path, expected: str, known: object) -> Entry:
    """Unpacks one file unless it is there; returns its entry among those that were checked."""
    with suppress(OSError):
        if known == (entry := entry_of(path, expected)):
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
        return entry_of(path, expected)
    except OSError as error:
        raise VaeError(
            f"MNIST cannot be unpacked into {path.parent}: {error.strerror}. Make that folder writable, or "
            "set VAE_DATA_DIR to another; and free some space if there is none."
        ) from error


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
