"""Starts `python -m vae` in processes that are independent of this one. Imports no torch."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from vae.storage.folders import PROJECT, data_dir
from vae.training.worker_place import VARIABLES

NICENESS = 10  # of 19
INTERRUPTED = 128 + signal.SIGINT  # the exit status that a shell gives to what Ctrl-C has ended


def stop_signals() -> list[signal.Signals]:
    """The signals by which a terminal or a service asks a process to end, as far as this system has them."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # a closed terminal; Windows' Ctrl-Break
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def was_ended_by_signal(status: int) -> bool:
    """Whether a process with this exit status was ended by one of `stop_signals`.

    Python has no handler at first, and imports modules with one that ends in `INTERRUPTED`.
    """
    return any(status in (-number, 128 + number) for number in stop_signals())


def start_process(*arguments: str, module: str = "vae", **streams: Any) -> subprocess.Popen[Any]:
    """Starts `python -m vae` with `arguments`, below the priority of this process.

    Args:
        module: another one of the project, in place of `vae`.
        streams: `stdout` and `stderr`, and how their text is decoded, as for `subprocess.Popen`.

    Neither Ctrl-C in this process's terminal nor the end of this process reaches it. Raises OSError, and
    VaeError if the environment names a folder that cannot be.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        creationflags=_creation_flags(),
        **streams,
    )
    _lower_priority(process)
    return process


def run_process(*arguments: str, hear: Callable[[str], object], module: str = "vae") -> int:
    """Runs `python -m vae`, or another `module`, with `arguments` to its end, and returns its exit status.

    Calls `hear` with each line of its stderr, stripped, unless that is empty. When this process has ended,
    the other ends as it prints. Raises as `start_process` does.
    """
    process = start_process(
        *arguments,
        module=module,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stderr is not None
    with process, process.stderr as lines:
        for line in filter(None, map(str.strip, lines)):
            hear(line)
    return process.returncode


def _creation_flags() -> int:
    """On Windows: less priority, and no console in common, whose window somebody may close; 0 elsewhere."""
    names = ("CREATE_NO_WINDOW", "CREATE_NEW_PROCESS_GROUP", "BELOW_NORMAL_PRIORITY_CLASS")
    return sum(getattr(subprocess, name, 0) for name in names)


def _environment() -> dict[str, str]:
    """This process's environment, its paths made absolute: the new process has another current folder.

    Without the variables of several workers: what the app starts is a process on its own.
    """
    modules = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return {
        **{name: text for name, text in os.environ.items() if name not in VARIABLES},
        "VAE_DATA_DIR": str(data_dir()),
        "PYTHONIOENCODING": "utf-8",  # of its log, and of the lines that are read from it
        # With the project: `python -m` does not look in the current folder if PYTHONSAFEPATH is set.
        "PYTHONPATH": os.pathsep.join((str(PROJECT), *map(os.path.abspath, modules))),
    }


def _lower_priority(process: subprocess.Popen[Any]) -> None:
    """Lowers the priority of a process below that of the server; on an idle machine it stays as fast.

    With Linux's autogroups, which share CPU time by session, this has no effect. A lower weight of the
    session was tried: beside busy browsers the training then hardly advanced.
    """
    if hasattr(os, "setpriority"):
        with suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
