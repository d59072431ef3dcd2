"""`python -m vae export`."""

import errno
import io
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages.components.explore import page_command
from tests.support.paths import BUNDLED, ROOT
from vae.cli.commands import main
from vae.runs.catalogue import open_run
from vae.runs.records import FORMAT
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


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are made by a call instead of a process."""

    def run_process(request: str, *, hear: Callable[[str], None], module: str) -> int:
        assert module == page_command.__name__
        with redirect_stderr(io.StringIO()) as said:
            status = page_command.main([request])
        for line in said.getvalue().splitlines():
            hear(line)
        return status

    monkeypatch.setattr("vae.cli.export_commands.run_process", run_process)
    monkeypatch.setattr("logging.disable", lambda _: None)


@pytest.mark.usefixtures("in_process")
def test_a_page_is_replaced_by_force_and_a_full_disk_leaves_the_old_one(
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    name, folder = run_of(trained, small), tmp_path / "out"
    folder.mkdir()
    out = folder / "page.html"
    out.write_text("old")
    arguments = ["export", name, "page", "--out", str(out), "--moments", "1", "--force"]
    with monkeypatch.context() as patch:
        patch.setattr("vae.storage.atomic.os.fsync", full)
        assert main(arguments) == 1
    assert f"{out} cannot be written: No space left on device. Make room" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert main(arguments) == 0
    assert out.read_bytes().startswith(b"<!doctype html>")
    assert list(folder.iterdir()) == [out]


def test_a_run_of_a_newer_version_gets_a_sentence(
    small: Path, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = run_of(trained, small)
    config = small / name / "config.json"
    config.write_text(config.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}'))
    assert main(["export", name, "page", "--out", str(tmp_path / "x.html")]) == 1
    assert "was written by a newer version; update the project." in capsys.readouterr().err
    assert list(tmp_path.glob("*.html")) == []


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


@pytest.mark.parametrize(
    ("more", "status", "printed"),
    [
        (["--of", "map", "--raster", "--font", "6"], 0, "x.pdf: "),
        (["--of", "path", "--start", "-1", "1", "--end", "1", "0", "--count", "3"], 0, "x.pdf: "),
        (["--of", "reconstructions", "--images", "3", "4"], 0, "x.pdf: "),
        (["--width", "2"], 1, "A width of 2 is not possible"),
        (["--of", "path", "--start", "1", "1"], 1, "A path has two ends"),
        (["--of", "path", "--start", "1", "--end", "2"], 1, "decodes points of 2 finite numbers"),
        (["--title", "x"], 2, "--title is an option of `export RUN page`, not of figure."),
    ],
)
def test_a_figure_is_written(
    more: list[str],
    status: int,
    printed: str,
    small: Path,
    trained: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "x.pdf"
    assert main(["export", run_of(trained, small), "figure", "--out", str(out), *more]) == status
    said = capsys.readouterr()
    assert printed in (said.err if status else said.out)
    assert out.exists() == (status == 0)


MODEL_KINDS = {
    "onnx": ["x-encoder.onnx", "x-decoder.onnx"],
    "torch": ["x"],
    "latents": ["x.csv"],
    "tensorboard": [f"x/{{run}}/{split}" for split in ("train", "test")],
}
OPTIONAL = {"onnx": "onnx", "latents": "pyarrow", "tensorboard": "tensorboard"}


def arguments(run: str, kind: str, folder: Path) -> list[str]:
    return ["export", run, kind, "--out", str(folder / ("x.csv" if kind == "latents" else "x"))]


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_a_model_or_its_logs_are_written_once_and_replaced_by_force(
    kind: str, small: Path, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind in ("onnx", "tensorboard"):
        pytest.importorskip(kind)
    name, folder = run_of(trained, small), tmp_path / "out"
    folder.mkdir()
    asked = arguments(name, kind, folder)
    assert main(asked) == 0
    made = [folder / each.format(run=name) for each in MODEL_KINDS[kind]]
    assert all(path.exists() for path in made)
    before = sorted(folder.rglob("*"))
    assert main(asked) == 1
    assert "exists. Add --force" in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before
    assert main([*asked, "--force"]) == 0
    assert len(list(folder.rglob("*"))) == len(before)


@pytest.mark.parametrize("kind", OPTIONAL)
def test_a_missing_package_is_named(
    kind: str,
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == OPTIONAL[kind]]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, OPTIONAL[kind], None)
    monkeypatch.chdir(tmp_path)
    assert main(["export", run_of(trained, small), kind]) == 1
    assert f"which is not installed: pip install {OPTIONAL[kind]}" in capsys.readouterr().err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and small not in path.parents]


@pytest.mark.parametrize("kind", ["torch", "latents"])
def test_a_full_disk_leaves_nothing(
    kind: str,
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    name, folder = run_of(trained, small), tmp_path / "out"
    folder.mkdir()
    monkeypatch.setattr("vae.storage.atomic.os.fsync", full)
    assert main(arguments(name, kind, folder)) == 1
    assert "could not be exported: No space left on device." in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_no_logs(
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("tensorboard")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vae.export.tensorboard.png", full)
    assert main(arguments(run_of(trained, small), "tensorboard", tmp_path)) == 1
    assert "could not be exported: No space left on device." in capsys.readouterr().err
    assert list((tmp_path / "x").iterdir()) == []


@pytest.mark.parametrize(
    ("more", "status", "sentence"),
    [
        (["onnx", "--title", "Mine"], 2, "--title is an option of `export RUN page`, not of onnx."),
        (
            ["torch", "--training"],
            2,
            "--training is an option of `export RUN latents` and `figure`, not of torch.",
        ),
        (["latents", "--out", "x.txt"], 1, "end --out with .parquet, .csv or .npz."),
        (["torch", "--out", "/nowhere/x"], 1, "there is no such folder"),
    ],
)
def test_what_a_kind_cannot_do_gets_a_sentence(
    more: list[str],
    status: int,
    sentence: str,
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", run_of(trained, small), *more]) == status
    assert sentence in capsys.readouterr().err


def test_logs_never_replace_a_run(small: Path, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    name = run_of(trained, small)
    before = sorted(small.rglob("*"))
    assert main(["export", name, "tensorboard", "--out", str(small), "--force"]) == 1
    assert "holds other files than TensorBoard's" in capsys.readouterr().err
    assert sorted(small.rglob("*")) == before


def test_the_documented_lines_decode_without_this_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = (ROOT / "docs" / "EXPORT.md").read_text(encoding="utf-8").partition("### PyTorch")[2]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(BUNDLED), "torch", "--out", "RUN.safetensors"]) == 0
    names: dict[str, Any] = {}
    exec(found[1], names)
    model = open_run(BUNDLED).load_model()
    expected = model.decode(np.array([[0.5, -1.0]], np.float32)).numpy()
    np.testing.assert_allclose(names["images"].numpy(), expected.reshape(1, 1, 28, 28), atol=1e-5)
