"""Reading of untrusted files: regular files of limited size, with strict JSON or safetensors.

Runs are folders that people send each other. Errors are raised as ValueError with a clause such as "it is no
JSON object", which the caller completes to a sentence with the file's name.
"""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from vae.storage.systems import retry_in_use

MAX_JSON = 200_000  # bytes; a config of 9,999 restarts has 110,000
MAX_NUMBER = 1e39  # above the largest float32, 3.4e38; sums and squares are finite as float64
MAX_DIGITS = 19  # of an integer, as many as int64 has
MAX_HEADER = MAX_JSON  # of safetensors; it holds a copy of the config, and about 100 bytes a tensor
MAX_WEIGHTS = 1_500_000_000  # the largest network has 1.4 GB: 8 layers of 4096 units, for 64 x 64 x 3
MAX_QUOTED = 60  # characters of quoted input
_LENGTH = 8  # bytes of the header's length, at the start of a safetensors file
_MAX_REASON = 200  # characters; error messages of libraries quote the file


def shortened(text: str) -> str:
    """Untrusted text, cut to MAX_QUOTED characters."""
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"


def reason(error: BaseException) -> str:
    """The message of an error on one line; what its type says if it has none."""
    if message := " ".join(str(error).split()):
        return message
    return "there is not enough memory" if isinstance(error, MemoryError) else type(error).__name__


def open_limited(path: Path, most: int) -> BufferedReader:
    """Opens a regular file of at most `most` bytes for reading.

    Raises FileNotFoundError, and ValueError if it is larger, unreadable, or not a regular file: a link could
    lead anywhere, and a pipe or device never ends.
    """
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no plain file")
        if found.st_size > most:
            raise ValueError(f"it has {found.st_size:,} bytes, and at most {most:,} are read")
        return retry_in_use(lambda: path.open("rb"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(error.strerror) from error


def read_limited(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes. Raises as `open_limited` does."""
    with open_limited(path, most) as file:
        try:
            return file.read(most)
        except OSError as error:
            raise ValueError(error.strerror) from error


def read_unsynced(path: Path, most: int) -> bytes:
    """As `read_limited`, for a file that was written without waiting for the disk.

    After a power cut it may be empty or full of zeros; then it counts as missing, FileNotFoundError.
    """
    content = read_limited(path, most)
    if not content.strip(b"\0"):
        raise FileNotFoundError(path)
    return content


def refuse_links(folder: Path) -> None:
    """Raises ValueError if `folder` holds anything but regular files and folders, and OSError.

    Writing through a link would change a file elsewhere, and writing to a pipe could block for ever.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                raise ValueError(f"{shortened(entry.name)!r} beside it is no plain file")


def parse_json(content: bytes) -> dict[str, Any]:
    """Parses a JSON object strictly: unique printable names, numbers in range. Raises ValueError."""
    try:
        text = content.decode()
        value = _STRICT.decode(text)
        if "\\u" in text:  # an escape may be half of a surrogate pair, which cannot be encoded
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except UnicodeError as error:
        raise ValueError("it is no UTF-8") from error
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 (of a file, not of an argument)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has the same name twice")
    if not all(map(str.isprintable, found)):
        raise ValueError("it has a name that cannot be printed")
    return found


def _number(text: str) -> float:
    number = float(text)
    if not abs(number) <= MAX_NUMBER:
        raise ValueError(f"{shortened(text)} is no number here")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{shortened(text)} is no number here")
    return int(text)


# Python's decoder accepts NaN and infinities, which JSON does not have; `_number` refuses them.
_STRICT = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_integer, parse_constant=_number
)


@contextmanager
def open_tensors(path: Path, most: int) -> Iterator[safe_open]:
    """Opens a safetensors file with at most `most` bytes of tensors. Raises as `open_limited` does.

    Shapes and types can be checked before a tensor is read. Its arrays are copies: a mapped file could not
    be replaced on Windows.
    """
    with open_limited(path, safetensors_limit(most)) as file:
        header_size = int.from_bytes(file.read(_LENGTH), "little")
    if header_size > MAX_HEADER:
        raise ValueError(
            f"it is damaged: its header would take {header_size:,} bytes, and at most {MAX_HEADER:,} are read"
        )
    try:
        with safe_open(path, framework="numpy") as tensors:
            yield tensors
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError) as error:
        raise ValueError(f"it is damaged: {error}"[:_MAX_REASON]) from error


def safetensors_limit(tensors: int) -> int:
    """The size limit, in bytes, of a safetensors file with this many bytes of tensors."""
    return _LENGTH + MAX_HEADER + tensors
