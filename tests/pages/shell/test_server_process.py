"""Answers of the server that do not wait for one another, and threads that share their memory."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from pages.components.shell.server_process import compute_in_one_thread, send_small_answers_at_once
from tests.support.paths import ROOT

# Counts the arenas of glibc that ten threads at once take memory from: malloc_info lists each as a <heap>.
THREADS = """
import ctypes, threading
from pages.components.shell.server_process import return_freed_memory
return_freed_memory()
together = threading.Barrier(11)
def take():
    together.wait()
    kept = ctypes.CDLL(None).malloc(1000)
    together.wait()
for _ in range(10):
    threading.Thread(target=take).start()
together.wait()
together.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def test_open_and_future_connections_send_at_once() -> None:
    def sends_at_once(connection: socket.socket) -> bool:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0

    # As Streamlit opens its port: asyncio then leaves the option unset.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as port:
        port.bind(("localhost", 0))
        port.listen()
        with socket.create_connection(port.getsockname()), port.accept()[0] as before:
            assert not sends_at_once(before)
            send_small_answers_at_once()
            assert sends_at_once(before)
        with socket.create_connection(port.getsockname()), port.accept()[0] as after:
            assert sends_at_once(after)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="this system lists no open files")
def test_it_leaves_no_file_open() -> None:
    def opened() -> list[Path]:
        return sorted(Path("/dev/fd").iterdir())

    before = opened()
    send_small_answers_at_once()
    assert opened() == before


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has arenas")
def test_many_threads_take_memory_from_two_arenas() -> None:
    def arenas(script: str) -> int:
        command = [sys.executable, "-c", script]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        if "<heap" not in listed:
            pytest.skip("this C library lists no arenas")
        return listed.count("<heap nr=")

    assert arenas(THREADS) <= 2 < arenas(THREADS.replace("\nreturn_freed", "\n# return_freed"))


def test_matrix_products_use_one_thread() -> None:
    with threadpool_limits():  # which restores the number of threads of the tests
        compute_in_one_thread()
        used = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    assert used == {1}
