"""What operating systems do differently with files."""

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

WINDOWS = sys.platform == "win32"
IN_USE_SECONDS = 2.0  # readers here have a file open for some milliseconds, virus scanners for longer
# Names that mean devices, and those that lose their last character.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|.*\.", re.IGNORECASE)

Result = TypeVar("Result")


def retry_in_use(action: Callable[[], Result]) -> Result:
    """The result of `action`, which opens, replaces, renames or removes a file. Raises OSError as `action`.

    Windows refuses that while another program has the file open, so there it is tried again for two seconds.
    """
    end = time.monotonic() + IN_USE_SECONDS
    while True:
        try:
            return action()
        except PermissionError:
            if not WINDOWS or time.monotonic() > end:
                raise
        time.sleep(0.01)


def is_reserved(name: str) -> bool:
    """Whether this system has no folder called `name`, although its characters are allowed."""
    return WINDOWS and _RESERVED.fullmatch(name) is not None


def data_folder(program: str) -> Path:
    """Where this system keeps what a person makes with `program`; `~` may still stand for the home."""
    if WINDOWS:
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local", program)
    if sys.platform == "darwin":
        return Path("~/Library/Application Support", program)
    return _xdg_folder("XDG_DATA_HOME", "~/.local/share") / program


def cache_folder(program: str) -> Path:
    """Where this system keeps what `program` can make again; `~` may still stand for the home."""
    if WINDOWS:
        return data_folder(program) / "cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches", program)
    return _xdg_folder("XDG_CACHE_HOME", "~/.cache") / program


def _xdg_folder(variable: str, default: str) -> Path:
    """A folder of the XDG Base Directory Specification, by which a relative path does not count."""
    folder = Path(os.environ.get(variable, ""))
    return folder if folder.is_absolute() else Path(default)
