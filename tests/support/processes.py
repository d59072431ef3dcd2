"""Processes forked from one that has imported torch already: they start in milliseconds, not in seconds."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any, Self

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "vae.cli.commands",
        "vae.training.loop",
        "vae.evaluation.evaluate",
        "torch._dynamo",  # the first optimiser of a process imports it, which takes a second
        "tests.support.small_runs",
        __name__,
    ]
)


class VaeProcess:
    """Stands in for `subprocess.Popen` of `python -m vae ...`, as far as trainings and evaluations use it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,  # noqa: ARG002 (there is never any input)
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        text: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        start_new_session: bool = False,
        creationflags: int = 0,
    ) -> None:
        assert creationflags == 0, "this is not Windows"
        assert list(command[:3]) == [sys.executable, "-m", "vae"]
        self.stdout, own_stdout = _stream(stdout, 1, text or encoding is not None, errors)
        self.stderr, own_stderr = _stream(stderr, 2, text or encoding is not None, errors)
        place = str(cwd or Path.cwd())
        # Connections are what multiprocessing passes on to a process that is forked elsewhere.
        streams = Connection(own_stdout), Connection(own_stderr)
        self._process = SERVER.Process(
            target=_run,
            args=(list(command[3:]), place, dict(env or os.environ), streams, start_new_session),
            daemon=True,
        )
        with _another_main():
            self._process.start()
        for stream in streams:
            stream.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError("The process has not ended.")
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """What it has printed, once it has ended; as much as the buffers of the pipes hold."""
        with self:
            self.wait(timeout)
            printed = [None if stream is None else stream.read() for stream in (self.stdout, self.stderr)]
        return printed[0], printed[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()


@contextmanager
def _another_main() -> Iterator[None]:
    """The forked process must not run the script that is `__main__` here, such as a page of the app.

    Only this name is put back: other threads of a server may import modules meanwhile.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start(command: Sequence[str], **options: Any) -> "VaeProcess | subprocess.Popen[Any]":
    """Forks `python -m vae ...`, and starts what else there is, such as an import of pictures."""
    forks = list(command[:3]) == [sys.executable, "-m", "vae"]
    return VaeProcess(command, **options) if forks else subprocess.Popen(command, **options)


# Takes the place of the module `subprocess` where trainings and evaluations are started.
FORKED = SimpleNamespace(Popen=_start, DEVNULL=subprocess.DEVNULL, PIPE=subprocess.PIPE)


def _stream(
    wanted: int | IO[Any] | None, number: int, text: bool, errors: str | None
) -> tuple[IO[Any] | None, int]:
    """Where this process reads what the other writes, if anywhere, and a descriptor for the other one."""
    if wanted == subprocess.PIPE:
        reading, writing = os.pipe()
        return os.fdopen(reading, "r" if text else "rb", errors=errors), writing
    if wanted == subprocess.DEVNULL:
        return None, os.open(os.devnull, os.O_WRONLY)
    return None, os.dup(number if wanted is None else wanted if isinstance(wanted, int) else wanted.fileno())


def _run(
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    streams: tuple[Connection, Connection],
    new_session: bool,
) -> None:
    from vae.cli.commands import main

    for number, stream in enumerate(streams, start=1):
        os.dup2(stream.fileno(), number)
        stream.close()
    # Anew, as Python remembers that what stood there before could be sought in.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False, buffering=1) for number in (1, 2))
    if new_session:
        os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(main(arguments))
