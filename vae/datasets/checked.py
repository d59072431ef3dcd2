"""Which files of a folder were found to be as their SHA-256 says, so that each is read once for that.

`checked.json` beside the files has of each its size, its mtime in ns, and the sum.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from vae.storage.atomic import write_atomic

CHECKED = "checked.json"
Entry = list[Any]


def entry_of(path: Path, sha256: str) -> Entry:
    """What is noted of a file with this sum. Raises OSError."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, sha256]


def read_checked(folder: Path) -> dict[str, Any]:
    """The entries by file name; empty if nothing was checked, or the file that says so is damaged."""
    try:
        checked = json.loads((folder / CHECKED).read_bytes())
    except (OSError, ValueError):
        return {}
    return checked if isinstance(checked, dict) else {}


def note_checked(folder: Path, before: dict[str, Any], checked: dict[str, Entry]) -> None:
    """Adds entries to those that were read before."""
    if any(before.get(name) != entry for name, entry in checked.items()):
        with suppress(OSError):  # in a folder that is read only, the next process checks again
            write_atomic(folder / CHECKED, json.dumps({**before, **checked}).encode(), durable=False)
