"""Files that may come from strangers: read only where they are plain, and as large as they have reason to be.

Runs are folders that people mail to each other. What is wrong is raised as ValueError, in words that end a
sentence; who knows what the file is for says the rest.
"""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

from safetensors import SafetensorError, safe_open

MAX_JSON = 200_000  # bytes; a config of 9,999 restarts has 110,000
MAX_NUMBER = 1e39  # float32 ends at 3.4e38; sums and squares of these are finite
MAX_DIGITS = 19  # as int64
MAX_HEADER = MAX_JSON  # of safetensors: it holds the config once more, and some hundred bytes for each tensor
MAX_WEIGHTS = 1_000_000_000  # the widest network there is, 8 layers of 4096, has 970 MB
MAX_QUOTED = 60  # characters of a quotation
_LENGTH = 8  # bytes before the header, which say how long it is
_MAX_REASON = 200  # characters; the reasons of libraries quote the file


def shortened(text: str) -> str:
    """What somebody typed, or a URL says, cut to a length that a sentence can quote."""
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"


def open_limited(path: Path, most: int) -> BinaryIO:
    """`path`, opened, of at most `most` bytes. Raises FileNotFoundError, and ValueError if it will not do.

    A link could lead anywhere, a pipe or a device never ends.
    """
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no plain file")
        if found.st_size > most:
            raise ValueError(f"it has {found.st_size:,} bytes, and at most {most:,} make sense")
        return path.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(error.strerror) from error


def read_limited(path: Path, most: int) -> bytes:
    """The content of `path`. Raises as `open_limited` does."""
    with open_limited(path, most) as file:
        try:
            return file.read(most)
        except OSError as error:
            raise ValueError(error.strerror) from error


def read_unsynced(path: Path, most: int) -> bytes:
    """The same of a file that was replaced without being flushed to the disk.

    A power cut may leave it empty, or full of zeros: that is as if it had never been, FileNotFoundError.
    """
    content = read_limited(path, most)
    if not content.strip(b"\0"):
        raise FileNotFoundError(path)
    return content


def refuse_links(folder: Path) -> None:
    """Raises ValueError where what is written in `folder` would leave it, or wait for ever; and OSError."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                raise ValueError(f"{shortened(entry.name)!r} beside it is no plain file")


def parse_json(content: bytes) -> dict[str, Any]:
    """A JSON object, each name in it once. Raises ValueError."""
    try:
        text = content.decode()
        value = _STRICT.decode(text)
        if "\\u" in text:  # an escape may stand for half a character, which nothing can write again
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


# NaN and infinities are no JSON, but Python's.
_STRICT = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_integer, parse_constant=_number
)


@contextmanager
def open_tensors(path: Path, framework: Literal["pt", "numpy"], most: int) -> Iterator[safe_open]:
    """`path` as safetensors of at most `most` bytes without the header. Raises as `open_limited` does.

    Shapes and types can be asked for before any tensor is read.
    """
    with open_limited(path, safetensors_limit(most)) as file:
        promised = int.from_bytes(file.read(_LENGTH), "little")
    if promised > MAX_HEADER:
        raise ValueError(
            f"it is damaged: its header promises {promised:,} bytes, and at most {MAX_HEADER:,} make sense"
        )
    try:
        with safe_open(path, framework=framework) as tensors:
            yield tensors
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError) as error:
        raise ValueError(f"it is damaged: {error}"[:_MAX_REASON]) from error


def safetensors_limit(tensors: int) -> int:
    """Bytes of the largest safetensors file that holds so many bytes of tensors."""
    return _LENGTH + MAX_HEADER + tensors
