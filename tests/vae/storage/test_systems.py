"""Files, locks and processes on systems that were not at hand: what they lack and refuse is simulated."""

import errno
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import filelock
import pytest

from tests.support.small_runs import interrupt_when, small_config
from tests.support.windows import act_like_windows, open_files
from vae import VaeError
from vae.cli import commands
from vae.cli.commands import main
from vae.cli.output import shell_command
from vae.runs.catalogue import delete_run, new_run
from vae.runs.history import History
from vae.runs.run import Run
from vae.storage import systems
from vae.storage.atomic import write_atomic
from vae.storage.untrusted import read_limited
from vae.training import processes
from vae.training.loop import fit

LINUX_ONLY = pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="sees open files in Linux's /proc"
)


def busy(times: int, action: Callable[..., object]) -> Callable[..., object]:
    """`action`, refused some times as for a file that a virus scanner has open."""
    left = [times]

    def attempt(*arguments: object) -> object:
        if left[0]:
            left[0] -= 1
            raise PermissionError(13, "Access is denied")
        return action(*arguments)

    return attempt


def test_windows_replaces_and_reads_a_file_once_nobody_has_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "status.json"
    write_atomic(path, b"old")
    monkeypatch.setattr(systems, "WINDOWS", True)
    monkeypatch.setattr(os, "replace", busy(3, os.replace))
    write_atomic(path, b"new")
    monkeypatch.setattr(Path, "open", busy(3, Path.open))
    assert read_limited(path, 10) == b"new"


@pytest.mark.parametrize("windows", [True, False])
def test_a_file_that_stays_in_use_is_left_as_it_was(
    windows: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "status.json"
    write_atomic(path, b"old")
    monkeypatch.setattr(systems, "WINDOWS", windows)
    monkeypatch.setattr(systems, "IN_USE_SECONDS", 0.02)
    # Elsewhere a refusal is final, so that nobody waits.
    monkeypatch.setattr(os, "replace", busy(1000 if windows else 1, os.replace))
    with pytest.raises(PermissionError):
        write_atomic(path, b"new")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


@LINUX_ONLY
def test_a_run_is_trained_watched_resumed_and_deleted_where_open_files_are_fixed(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act_like_windows(monkeypatch)
    run = new_run(small_config(epochs=4), small)
    history = History(run)
    models = []
    for status in fit(run):  # a viewer beside it: losses, the newest model
        history.read()
        if run.model_path.exists():
            models.append(run.load_model())
        if status.epoch > 2 and run.request() is None:
            run.request_stop()
    before = len(history.read().train)
    assert run.status().state == "stopped"
    for _ in fit(run):
        history.read()
    assert run.status().state == "finished"
    assert before < len(history.read().train) == sum(line.split == "train" for line in run.metric_lines()[0])
    assert models
    assert not [file for file in open_files() if run.path in file.parents]
    delete_run(run)
    assert not list(small.glob("*"))


@LINUX_ONLY
def test_a_run_in_use_by_another_program_is_not_deleted(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(small_config(), small)
    act_like_windows(monkeypatch)
    with (
        run.metrics_path.open("ab"),
        pytest.raises(VaeError, match=r"in use by another program\. Close its files"),
    ):
        delete_run(run)
    assert run.config == small_config()
    delete_run(run)


@pytest.mark.parametrize(
    "path",
    [
        r"C:\Users\kim\vae\checkpoints\mnist-quick-abc123",
        r"C:mnist-quick-abc123",
        r"\\server\share\mnist-quick-abc123",
        r"checkpoints\mnist-quick-abc123",
    ],
)
def test_a_path_of_windows_is_a_path(path: str, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(small_config(), small)
    opened: list[str] = []

    def noting(text: str) -> Run:
        opened.append(text)
        return run

    monkeypatch.setattr(commands, "open_run", noting)
    monkeypatch.setattr(commands, "evaluate_in_terminal", lambda *_, **__: None)
    assert main(["evaluate", str(PureWindowsPath(path))]) == 0
    assert opened == [path]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (r"C:\vae\runs\mine", r"C:\vae\runs\mine"),
        (r"C:\my 실행 runs\mine", r'"C:\my 실행 runs\mine"'),
        (r"C:\R&D (1)\mine", r'"C:\R&D (1)\mine"'),
    ],
)
def test_suggested_commands_are_quoted_for_windows(
    path: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "WINDOWS", True)
    assert shell_command("python", "-m", "vae", "resume", path) == f"python -m vae resume {word}"


@pytest.mark.parametrize("name", ["con", "nul", "com1.old", "mine."])
def test_names_that_windows_has_not_are_refused_there(
    name: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_run(small_config(), small, name)
    monkeypatch.setattr(systems, "WINDOWS", True)
    with pytest.raises(VaeError, match=f"has no folder called {name}. Choose another name"):
        new_run(small_config(), small, name)
    assert new_run(small_config(), small, "console").path.exists()


def test_a_process_on_windows_has_no_console_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = {
        "CREATE_NO_WINDOW": 0x08000000,
        "CREATE_NEW_PROCESS_GROUP": 0x00000200,
        "BELOW_NORMAL_PRIORITY_CLASS": 0x00004000,
    }
    started: list[int] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_, creationflags, **__: started.append(creationflags))
    monkeypatch.delattr(os, "setpriority")  # Windows has none
    processes.start_process("runs")
    for name, value in flags.items():
        monkeypatch.setattr(subprocess, name, value, raising=False)
    processes.start_process("runs")
    assert started == [0, 0x08004200]


def test_a_training_stops_and_saves_by_the_signals_that_there_are(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SIGTERM", "SIGHUP"):
        monkeypatch.delattr(signal, name)
    run = new_run(small_config(epochs=2000), small)
    interrupt_when("running", monkeypatch)
    assert main(["resume", run.name]) == 0
    assert run.status().state == "stopped"


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_a_disk_without_locks_is_a_sentence(
    number: int, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object, **__: object) -> bool:
        raise OSError(number, os.strerror(number))

    run = new_run(small_config(), small)
    monkeypatch.setattr(filelock, "lock_descriptor", without)
    with pytest.raises(VaeError, match="has no file locks, which trainings need"), run.lock():
        pass
