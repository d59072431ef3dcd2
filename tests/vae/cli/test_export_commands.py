"""`python -m vae export`."""

import shutil
from pathlib import Path

import pytest

from vae.cli.commands import main
from vae.runs.run import Run


def run_of(trained: Run, folder: Path) -> str:
    shutil.copytree(trained.path, folder / trained.name)
    return trained.name


def test_a_page_is_written_and_not_replaced(
    small: Path, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, out = run_of(trained, small), tmp_path / "a file.html"
    arguments = [
        "export",
        name,
        "page",
        "--out",
        str(out),
        "--title",
        "Mine",
        "--moments",
        "2",
        "--with-pictures",
    ]
    assert main(arguments) == 0
    written = out.read_bytes()
    assert b"<title>Mine</title>" in written
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{out}: {len(written) / 1e6:.1f} MB.")
    assert "made 100 %" in printed.err
    assert main(arguments) == 1
    assert "exists. Add --force" in capsys.readouterr().err
    assert out.read_bytes() == written
    assert [path.name for path in tmp_path.glob("*.html")] == [out.name]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--moments", "0"], "0 moments are not possible: 1 to 40."),
        (["--out", "/nowhere/x.html"], "there is no such folder"),
        (["--out", "."], "is a folder. Name a file"),
        (["--beside", "other"], "There is no run in"),
    ],
)
def test_what_cannot_be_written_gets_a_sentence(
    more: list[str],
    sentence: str,
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", run_of(trained, small), "page", *more]) == 1
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.glob("*.html")) == []


def test_a_run_without_weights_gets_a_sentence(
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    name = run_of(trained, small)
    (small / name / "model.safetensors").unlink()
    assert main(["export", name, "page"]) == 1
    assert "are missing, although it is finished" in capsys.readouterr().err
