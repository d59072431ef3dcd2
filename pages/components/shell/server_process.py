"""Settings of the server's process: its sockets, memory and threads. Independent of Streamlit."""

import ctypes
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from threadpoolctl import threadpool_limits

# Options of glibc's mallopt, by their numbers in malloc.h, and their values here.
ARENA_MAX, MMAP_THRESHOLD = (-8, 2), (-3, 128 * 1024)


def return_freed_memory() -> None:
    """Has glibc take the memory of all threads from two arenas, and give freed large blocks back.

    By itself it takes eight arenas for each core, and Streamlit runs each page in a new thread; and once a
    large block was freed it keeps the next ones. After all pages that is 30 MB of 240. Other systems stay as
    they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        for option, value in (ARENA_MAX, MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(option, value)


def compute_in_one_thread() -> None:
    """Has NumPy's matrix products use one thread each, for the rest of this process.

    The threads of BLAS wait for one another in a loop. Beside a training, which has all cores, an answer took
    ten times as long with them: thirty visitors waited 1.2 instead of 0.1 s (95th percentile, two cores).
    """
    import numpy  # noqa: F401, ICN001 (only libraries that are loaded are limited)

    threadpool_limits(1, user_api="blas")


def send_small_answers_at_once() -> None:
    """Sets TCP_NODELAY for all connections of this process, those of the future too: they inherit it.

    Streamlit 1.67 opens its port without it. An answer is sent in two parts, head and content, and the second
    then waits for the browser's acknowledgement of the first: 43 ms for each of the hundred small files of a
    page. Systems that list no open files (Windows) stay as they are.
    """
    with suppress(FileNotFoundError):
        for each in Path("/dev/fd").iterdir():
            with suppress(OSError):  # closed by now
                _send_at_once(int(each.name))


def _send_at_once(number: int) -> None:
    """Sets the option for a file descriptor, unless it is no socket of TCP. Raises OSError."""
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        return
    with socket.socket(fileno=os.dup(number)) as same:
        if same.family in {socket.AF_INET, socket.AF_INET6} and same.type == socket.SOCK_STREAM:
            same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
