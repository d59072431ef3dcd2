"""Output of the command line: any encoding, pipes that are closed early, tables, quoted commands."""

import codecs
import errno
import io
import os
import re
import select
import shlex
import sys
from contextlib import suppress
from typing import TextIO

from rich.console import Console

from vae.storage import systems

CLOSED_PIPE = 141  # 128 and the number of SIGPIPE: the exit status of other tools in `… | head`
_UNLIMITED = 100_000  # columns
_DUMB = {"dumb", "unknown"}  # terminals that cannot move the cursor, in TERM
_ERRORS = "vae.plain"
_PLAIN = {"±": "+-", "−": "-", "–": "-", "—": "-", "…": "...", "×": "x", "·": "-", "∞": "inf"}


class OutputConsole(Console):
    """rich's console on stdout or stderr, whose closed pipe is an error instead of the end of the process."""

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError again, in whose handler it is called."""
        raise


def table_console() -> OutputConsole:
    """A console for tables on stdout: as wide as the terminal; in a pipe or file nothing is folded."""
    width = None if is_terminal(sys.stdout) else _UNLIMITED
    return OutputConsole(markup=False, highlight=False, emoji=False, width=width)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads `stream`, whatever FORCE_COLOR says; None is a stream that was closed."""
    return stream is not None and stream.isatty()


def can_draw_progress(stream: TextIO | None) -> bool:
    """Whether `stream` is a terminal on which a bar can be drawn again and again in its place."""
    return is_terminal(stream) and os.environ.get("TERM", "").lower() not in _DUMB


def write_any_character() -> None:
    """Lets stdout and stderr write in plain characters or escapes what their encodings do not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def has_characters(stream: TextIO | None, text: str) -> bool:
    """Whether the encoding of `stream` has all characters of `text`."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_unread(error: OSError) -> bool:
    """Whether `error` means that nobody reads the output: a pipe's reader has left, a terminal was closed."""
    # Windows has no error of its own for a pipe.
    on_windows = systems.WINDOWS and error.errno == errno.EINVAL and error.filename is None
    # A broken disk gives the same error as a closed terminal.
    hung_up = error.errno == errno.EIO and any(map(_is_hung_up, (sys.stdout, sys.stderr)))
    return isinstance(error, BrokenPipeError) or on_windows or hung_up


def _is_hung_up(stream: TextIO | None) -> bool:
    """Whether `stream` is a terminal that was closed; None is a stream that was closed."""
    if stream is None or not hasattr(select, "poll"):  # as on Windows
        return False
    try:
        look = select.poll()
        look.register(stream, 0)
        return any(event & select.POLLHUP for _, event in look.poll(0))
    except (OSError, ValueError):  # it is no file
        return False


def discard_output() -> None:
    """Discards what is still buffered for stdout and stderr, which Python would write at its end."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # closed, or no file
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def shell_command(*words: str) -> str:
    """A command as it is typed into this system's shell: words with spaces and the like are quoted."""
    if not systems.WINDOWS:
        return shlex.join(words)
    # Spaces are safe in cmd and in PowerShell; `$` is not in PowerShell, nor `%` in cmd. No path has quotes.
    return " ".join(word if re.fullmatch(r"[\w.:\\/+-]+", word) else f'"{word}"' for word in words)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replaces characters that an encoding lacks, as an error handler of `codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    escaped = (_PLAIN.get(mark) or mark.encode("ascii", "backslashreplace").decode() for mark in missing)
    return "".join(escaped), error.end


codecs.register_error(_ERRORS, _plain)
