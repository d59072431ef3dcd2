"""What the command line prints on terminals, in pipes and in other encodings."""

import errno
import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.browser import wait_until
from tests.support.evaluations import evaluation_of
from tests.support.paths import ROOT
from tests.support.processes import VaeProcess
from tests.support.small_runs import interrupt_when, small_config
from vae.cli.commands import main
from vae.cli.terminal import stop_on_signal
from vae.evaluation.queue import _PERCENT
from vae.runs.catalogue import new_run
from vae.runs.records import Status
from vae.runs.run import Run

Output = pytest.CaptureFixture[str]
PROGRESS_SETTINGS = [
    {"FORCE_COLOR": "1"},
    {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1"},
    {"COLUMNS": "20", "NO_COLOR": "1"},
]
LONG = "mnist-256x256x256-z2-3eaf45-0123456789012"


@contextmanager
def stdout_as(stream: io.TextIOBase, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        yield


def printed(arguments: list[str], encoding: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a command that succeeds prints on a stream of this encoding."""
    content = io.BytesIO()
    with stdout_as(io.TextIOWrapper(content, encoding, errors="strict"), monkeypatch):
        assert main(arguments) == 0
        return content.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["cp949", "ascii", "latin-1", "shift_jis", "cp037", "utf-8", "utf-16"])
def test_a_picture_and_tables_are_printed_in_any_encoding(
    encoding: str, runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = printed(["decode", trained.name, "0", "0"], encoding, monkeypatch)
    shades = set(picture) - {" ", "\n"}
    assert len(picture.splitlines()) == 28
    assert shades
    assert shades <= set("░▒▓█" if encoding.startswith("utf") else ".:*#")
    monkeypatch.setattr("vae.evaluation.evaluate.evaluate", lambda run, **_: evaluation_of(run))
    figures = printed(["evaluate", trained.name], encoding, monkeypatch)
    sign = "±" if encoding in {"utf-8", "utf-16", "latin-1", "cp949", "shift_jis", "cp037"} else "+-"
    assert re.search(rf"-ELBO +[0-9.]+ +{re.escape(sign)} ", figures)
    assert "--hidden-dims" in printed(["train", "--help"], encoding, monkeypatch)
    folder = runs_dir.parent / "실행 €"
    assert str(folder).encode(encoding, "backslashreplace").decode(encoding) in printed(
        ["runs", "--runs-dir", str(folder)], encoding, monkeypatch
    )


def test_errors_are_printed_in_any_encoding(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "cp949", errors="strict")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        assert main(["resume", f"{small}/−é/x"]) == 1
    stream.seek(0)
    assert (
        stream.read() == f"There is no run in {small}/-\\xe9/x. `python -m vae runs` lists those there are.\n"
    )


@pytest.mark.usefixtures("runs_dir")
@pytest.mark.parametrize("arguments", [["runs"], ["train", "--help"]])
def test_a_reader_that_leaves_ends_a_command_silently(arguments: list[str]) -> None:
    """`… | head` has left before the command prints its first line."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "vae", *arguments], stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, text=True
    )
    os.close(writing)
    os.close(reading)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (141, "")


def test_a_training_whose_reader_leaves_is_stopped_and_saved(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(io.StringIO):
        def write(self, text: str) -> int:
            if "2 %" in text:
                raise BrokenPipeError(32, "Broken pipe")
            return super().write(text)

    monkeypatch.setattr("vae.training.loop.STATUS_SECONDS", 0)
    run = new_run(small_config(epochs=20), small)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Left())
        assert main(["resume", run.name]) == 0
    status = run.status()
    assert status.state == "stopped"
    assert 0 < status.step < status.total_steps
    assert run.resume_path.exists()


def test_a_training_whose_terminal_is_closed_is_stopped_and_saved(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its output fails then, and it gets a SIGHUP."""
    monkeypatch.setenv("TERM", "xterm")
    run = new_run(small_config(epochs=2000), small)
    run.write_status(Status(state="stopped"))
    terminal, end = os.openpty()
    command = [sys.executable, "-m", "vae", "resume", run.name]
    with VaeProcess(command, stdout=end, stderr=end) as process:
        os.close(end)
        wait_until(lambda: run.status().step > 20)
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        assert process.wait() == 141
    status = run.status()
    assert run.metric_lines()[0][-1].step == status.step
    assert run.saved_model().step == status.step


def test_a_broken_disk_is_no_closed_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def unreadable(_: Path) -> list[Run]:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("vae.cli.commands.list_runs", unreadable)
    with Path(os.devnull).open("w") as nowhere, stdout_as(nowhere, monkeypatch):
        assert main(["runs"]) == 1
    assert capsys.readouterr().err == "A file cannot be read or written: Input/output error.\n"


def test_where_closed_terminals_are_ignored_a_training_goes_on() -> None:
    """`nohup` has it so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signal() as stop:
            signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_closing_of_a_terminal_does_not_end_a_training_that_saves() -> None:
    with stop_on_signal() as stop:
        for _ in range(2):
            signal.raise_signal(signal.SIGHUP)
            assert stop.is_set()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
@pytest.mark.usefixtures("runs_dir")
def test_a_full_disk_under_the_output_is_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "vae", "runs"], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, text=True
        )
    sentence = "A file cannot be read or written: No space left on device.\n"
    assert (process.returncode, process.stderr) == (1, sentence)


@pytest.mark.usefixtures("runs_dir")
@pytest.mark.parametrize("settings", PROGRESS_SETTINGS)
def test_settings_for_colours_leave_the_page_its_lines_of_progress(
    settings: dict[str, str], trained: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(run: Run, progress: object) -> object:
        assert callable(progress)
        for done in range(3):
            progress(done / 2)
        return evaluation_of(run)

    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("vae.evaluation.evaluate.evaluate", evaluate)
    assert main(["evaluate", trained.name]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [int(found[1]) for line in lines if (found := _PERCENT["evaluate"].fullmatch(line))] == [
        0,
        50,
        100,
    ]
    assert len(lines) == 3


@pytest.mark.usefixtures("runs_dir")
def test_a_terminal_that_draws_no_bar_gets_lines(
    trained: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.cli.output.is_terminal", lambda _: True)
    monkeypatch.setattr(
        "vae.evaluation.evaluate.evaluate", lambda run, progress: progress(1) or evaluation_of(run)
    )
    monkeypatch.setenv("TERM", "dumb")
    assert main(["evaluate", trained.name]) == 0
    assert "evaluated 100 %" in capsys.readouterr().err


def table(small: Path, names: list[str]) -> list[str]:
    for name in names:
        new_run(small_config(), small, name).write_status(Status(state="finished"))
    return names


@pytest.mark.parametrize("columns", ["80", "20"])
def test_a_pipe_gets_every_name_and_cell_whole_on_a_line(
    columns: str, small: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = table(small, [LONG, "a" * 80])
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[1:]} == set(names)
    assert all(re.search(r" finished +quick, .*hidden layers of 24 16", line) for line in lines[1:])


@pytest.mark.parametrize(("columns", "names"), [(80, [LONG, "mine"]), (80, ["a" * 80, "mine"]), (30, [LONG])])
def test_a_narrow_terminal_gets_every_name_whole_and_every_cell(
    columns: int, names: list[str], small: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(small, names)
    monkeypatch.setattr("vae.cli.output.is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["runs"]) == 0
    out = capsys.readouterr().out
    assert {line.split()[0] for line in out.splitlines() if not line.startswith(" ")} >= set(names)
    assert "…" not in out
    cells = re.sub(r"\s", "", out)
    assert all(part in cells for part in ("hiddenlayers", "3epochs", "MB"))


@pytest.mark.usefixtures("runs_dir")
def test_a_narrow_terminal_gets_the_whole_evaluation(
    trained: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.evaluation.evaluate.evaluate", lambda run, **_: evaluation_of(run))
    monkeypatch.setattr("vae.cli.output.is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "dumb")
    assert main(["evaluate", trained.name]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert trained.name in out


@pytest.mark.parametrize("folder", ["my 실행 runs", "it's $HOME", "a&b (1); c"])
def test_the_command_that_resumes_is_quoted_for_the_shell(
    folder: str, small: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(small_config(epochs=2000), small / folder)
    interrupt_when("running", monkeypatch)
    assert main(["resume", str(run.path)]) == 0
    command = re.search(r"Go on with `(.+)`\.", capsys.readouterr().out)
    assert command is not None
    assert shlex.split(command[1]) == ["python", "-m", "vae", "resume", str(run.path)]


@pytest.mark.parametrize("error", [EOFError(), RuntimeError("input(): lost sys.stdin")])
def test_a_question_that_nobody_can_answer_deletes_nothing(
    error: Exception, small: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(small_config(), small, "mine")
    monkeypatch.setattr("builtins.input", lambda *_: (_ for _ in ()).throw(error))
    assert main(["delete", "mine"]) == 1
    assert "Nothing was deleted" in capsys.readouterr().err
    assert run.path.exists()
