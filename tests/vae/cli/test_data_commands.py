"""`python -m vae data …`, called as others will script it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.picture_files import encoded, left_in, picture, write_files
from vae.cli.commands import main
from vae.config import TrainConfig
from vae.datasets import registry
from vae.runs.catalogue import new_run

Output = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "data"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of two classes, with a picture that is broken."""
    files = {f"{'ab'[number % 2]}/{number}.png": encoded(picture(number, 20, 30)) for number in range(20)}
    return write_files(tmp_path / "mine", files | {"a/broken.png": b"broken"})


def test_add_list_show_delete(pictures: Path, root: Path, tmp_path: Path, capsys: Output) -> None:
    options = ["--side", "16", "--grey", "--fit", "pad", "--invert", "--test-share", "0.2"]
    assert main(["data", "add", "own", str(pictures), *options]) == 0
    out = capsys.readouterr().out
    assert "mine, a folder of pictures: 21 pictures of 2 classes." in out
    assert "Of 21 pictures looked at, 1 left out: no picture that can be read (a/broken.png)." in out
    assert "with the colour of its border beside it, 16 × 16, grey, inverted." in out
    assert "1 left out: no picture that can be read (a/broken.png)." in out
    assert f"own is in {root}: 16 training and 4 test pictures." in out
    images, labels = registry.load("own", train=True)
    assert images.shape == (16, 16, 16)
    assert set(labels.tolist()) == {0, 1}
    record = registry.record_of("own")
    assert (record.fit, record.inverted) == ("pad", True)

    run = new_run(TrainConfig.model_validate({"dataset": "own"}), tmp_path / "runs")
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(registry.dataset_names())
    assert lines[-1].split() == ["own", "16", "×", "16,", "grey", "2", "16", "4", "0.0", "MB"]
    assert main(["data", "list", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)[-1]
    assert (row["name"], row["training"], row["test"], row["side"]) == ("own", 16, 4, 16)
    assert row["bytes"] > 20 * 16 * 16

    assert main(["data", "show", "own"]) == 0
    shown = capsys.readouterr().out
    assert "Imported from mine, a folder of pictures." in shown
    assert main(["data", "show", "own", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == [run.name]

    assert main(["data", "delete", "own", "--yes"]) == 0
    out = capsys.readouterr().out
    assert f"Runs that use own: {run.name}. Without it they show no pictures of it." in out
    assert "Deleted own." in out
    assert left_in(root) == []


def test_the_form_follows_from_the_pictures(pictures: Path, root: Path, capsys: Output) -> None:
    assert main(["data", "add", "own", str(pictures)]) == 0
    assert "the largest centred square, 32 × 32, colour." in capsys.readouterr().out
    assert registry.record_of("own").channels == 3
    assert left_in(root) == ["own"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["add", "mnist", "."], "mnist is a built-in data set. Choose another name."),
        (["add", "Own", "."], "'Own' is no name for a data set"),
        (["add", "own", "nowhere"], "There is no file or folder"),
        (["add", "own", ".", "--side", "4"], "choose a side from 8 to 64"),
        (["delete", "mnist", "--yes"], "mnist comes with the project and stays."),
        (["delete", "gone", "--yes"], "The data set gone is not in"),
        (["show", "gone"], "The data set gone is not in"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], why: str, root: Path, capsys: Output) -> None:
    assert main(["data", *arguments]) == 1
    assert why in capsys.readouterr().err
    assert left_in(root) == []


def test_a_damaged_data_set_is_listed_and_can_be_deleted(root: Path, capsys: Output) -> None:
    write_files(root / "own", {"dataset.json": b"{}"})
    assert main(["data", "list"]) == 0
    assert "own damaged The data set own in" in " ".join(capsys.readouterr().out.split())
    assert main(["data", "show", "own"]) == 1
    assert "is damaged" in capsys.readouterr().err
    assert main(["data", "delete", "own", "--yes"]) == 0
    assert left_in(root) == []


def test_a_question_that_nobody_can_answer_deletes_nothing(
    pictures: Path, root: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["data", "add", "own", str(pictures)]) == 0
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["data", "delete", "own"]) == 1
    assert "Nothing was deleted" in capsys.readouterr().err
    assert left_in(root) == ["own"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_nothing_is_left_and_killed_only_what_is_hidden(
    number: signal.Signals, root: Path, tmp_path: Path
) -> None:
    files = {f"{index}.png": encoded(picture(index)) for index in range(4000)}
    folder = write_files(tmp_path / "many", files)
    command = [sys.executable, "-m", "vae", "data", "add", "own", str(folder), "--side", "64"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("imported")
        process.send_signal(number)
        _, error = process.communicate()
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "Nothing was added as own." in error
        assert left_in(root) == []
    else:
        assert process.returncode == -number
        assert all(name.startswith(".own.") for name in left_in(root))
    assert "own" not in registry.dataset_names()
