"""`python -m vae export`."""

import errno
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from pages.components.explore import page_command
from tests.support.paths import BUNDLED, ROOT
from tests.support.small_runs import small_config
from vae.cli.commands import main
from vae.cli.export_commands import PageOptions
from vae.cli.figure_command import SUBJECTS_WITH, FigureOptions
from vae.runs import checkpoints
from vae.runs.catalogue import new_run, open_run
from vae.runs.records import FORMAT
from vae.runs.run import Run

FULL = Path("/dev/full")


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
    assert printed.out.startswith(f"{out}: {len(written) / 1e6:.1f} MB. Open it")
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
    arguments = ["export", name, "page", "--out", str(out), "--moments", "40", "--force"]
    with monkeypatch.context() as patch:
        patch.setattr("vae.storage.atomic.os.fsync", full)
        assert main(arguments) == 1
    assert f"{out} cannot be written: No space left on device. Make room" in capsys.readouterr().err
    assert out.read_text() == "old"
    with monkeypatch.context() as patch:
        unreadable = OSError(errno.EIO, "Input/output error", "snapshots/00000010.safetensors")
        patch.setattr("pages.components.explore.page_file.page_file", Mock(side_effect=unreadable))
        assert main(arguments) == 1
    assert "snapshots/00000010.safetensors cannot be read: Input/output error." in capsys.readouterr().err
    capsys.readouterr()
    assert main(arguments) == 0
    kept = len([path for path in trained.snapshots() if int(path.stem) < trained.saved_model().step]) + 1
    assert f" MB. {name} has only {kept} moments. Open it" in capsys.readouterr().out
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
        (["--width", "2"], 1, "A width of 2 cm is not possible"),
        (["--of", "path", "--start", "1", "1"], 1, "A path has two ends"),
        (["--of", "path", "--start", "1", "--end", "2"], 1, "--start needs as many finite numbers as"),
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
    "figure": ["x.png"],
}
OPTIONAL = {"onnx": "onnx", "latents": "pyarrow", "tensorboard": "tensorboard", "figure": "matplotlib"}
ENDINGS = {"latents": ".csv", "figure": ".png"}


def arguments(run: str, kind: str, folder: Path) -> list[str]:
    if kind in ("onnx", "tensorboard", "figure"):
        pytest.importorskip(OPTIONAL[kind])
    more = ["--of", "path"] if kind == "figure" else []
    return ["export", run, kind, "--out", str(folder / f"x{ENDINGS.get(kind, '')}"), *more]


def parts(file: bytes) -> tuple[Any, bytes]:
    """The header of a safetensors file, whose order is by chance, and its arrays."""
    end = 8 + int.from_bytes(file[:8], "little")
    return json.loads(file[8:end]), file[end:]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_a_model_or_its_logs_are_written_once_and_replaced_by_force(
    kind: str, small: Path, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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


@pytest.mark.parametrize("at", ["vae.storage.atomic.os.fsync", "vae.export.tensorboard.png"])
@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_a_full_disk_leaves_what_was_there(
    kind: str,
    at: str,
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if at.endswith("png") and kind != "tensorboard":
        return  # the others write nothing before all of it is there

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    name, new, old = run_of(trained, small), tmp_path / "new", tmp_path / "old"
    new.mkdir()
    old.mkdir()
    assert main(arguments(name, kind, old)) == 0
    before = contents(old)
    capsys.readouterr()
    monkeypatch.setattr(at, full)
    for asked in (arguments(name, kind, new), [*arguments(name, kind, old), "--force"]):
        assert main(asked) == 1
        *_, sentence = capsys.readouterr().err.splitlines()
        assert sentence.startswith(f"{name} could not be exported: No space left on device.")
    assert list(new.iterdir()) == []
    assert contents(old) == before


@pytest.mark.skipif(not FULL.exists(), reason="it has no device that is always full")
def test_logs_that_find_the_disk_full_say_so_in_one_sentence(
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, real = run_of(trained, small), Path.open

    def opened(path: Path, *mode: Any, **how: Any) -> Any:
        return real(FULL, "wb") if "tfevents" in path.name else real(path, *mode, **how)

    monkeypatch.setattr(Path, "open", opened)
    assert main(arguments(name, "tensorboard", tmp_path)) == 1
    assert "Traceback" not in (said := capsys.readouterr().err)
    assert "could not be exported: No space left on device." in said
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_a_run_that_cannot_be_exported_gets_a_sentence(
    kind: str, small: Path, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = new_run(small_config(seed=7), small)
    other = Run(small / run_of(trained, small))
    config = json.loads((other.path / "config.json").read_text())
    (other.path / "config.json").write_text(json.dumps({**config, "format": FORMAT + 1}))
    folder = tmp_path / "out"
    folder.mkdir()
    for run, sentence in ((new, "has no weights"), (other, "was written by a newer version; update the")):
        assert main(arguments(run.name, kind, folder)) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert sentence in said
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_a_run_that_trains_is_exported_with_weights_of_one_moment(
    kind: str, small: Path, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(small / run_of(trained, small))
    run.write_status(run.status().model_copy(update={"state": "running"}))
    made = [tmp_path / name for name in ("before", "meanwhile")]
    for folder in made:
        folder.mkdir()
    load = checkpoints.load_model
    later = load(run.model_path, run.config)
    weights = {name: 2 * values for name, values in later.model.weights.items()}
    later = later._replace(model=replace(later.model, weights=weights), scores=None, step=later.step + 1)

    def load_and_save_others(*given: Any) -> Any:
        saved = load(*given)
        checkpoints.save_model(run.model_path, later)
        return saved

    with run.lock():
        assert run.status().state == "running"
        assert main(arguments(run.name, kind, made[0])) == 0
        monkeypatch.setattr(checkpoints, "load_model", load_and_save_others)
        assert main(arguments(run.name, kind, made[1])) == 0
    monkeypatch.undo()
    assert load(run.model_path, run.config).step == later.step
    one, other = (
        {
            path.relative_to(folder): parts(file) if kind == "torch" else file
            for path, file in contents(folder).items()
            if "events" not in path.name  # which say when they were written
        }
        for folder in made
    )
    assert one
    assert one == other


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["nothing"], 'Invalid value "nothing" for KIND. Choose from: "page", "figure", "onnx"'),
        (["figure", "--of", "what"], 'Invalid value "what" for --of. Choose from: "map"'),
        (["figure", "--colour", "x"], 'Invalid value "x" for --colour. Choose from: "class"'),
        (["figure", "--layers", "x"], 'Invalid value "x" for --layers. Choose from: "points"'),
        (["figure", "--width", "x"], 'unable to convert "x" into float'),
        (["onnx", "--opset", "9"], "Unknown option: --opset"),
    ],
)
def test_an_unknown_value_is_answered_in_one_line(
    more: list[str], sentence: str, small: Path, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", run_of(trained, small), *more]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert sentence in said


@pytest.mark.parametrize(
    ("more", "status", "sentence"),
    [
        (["onnx", "--title", "Mine"], 2, "--title is an option of `export RUN page`, not of onnx."),
        (
            ["torch", "--training"],
            2,
            "--training is an option of `export RUN latents` and `figure`, not of torch.",
        ),
        (
            ["figure", "--of", "curves", "--pins", "1", "2"],
            2,
            "--pins is an option of `export RUN figure --of map`, not of curves.",
        ),
        (
            ["figure", "--of", "manifold", "--training"],
            2,
            "`export RUN figure --of map` and `path` and `reconstructions`, not of manifold.",
        ),
        (["figure", "--count", "3"], 2, "`export RUN figure --of manifold` and `path`, not of map."),
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


def test_the_help_has_a_group_for_each_kind_that_has_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    boxes: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.splitlines():
        if heading := re.match(r"╭─ (\w+) ─", line):
            options = boxes.setdefault(heading[1], [])
        elif option := re.match(r"│ --([\w-]+)", line):
            options.append(option[1].replace("-", "_"))
    assert boxes.pop("Arguments") == []
    assert boxes == {
        "Parameters": ["out", "force", "runs_dir"],
        "Page": [each.name for each in fields(PageOptions)],
        "Figure": [*(each.name for each in fields(FigureOptions)), "training"],
        "Latents": ["training"],
    }
    assert set(boxes["Figure"]) >= set(SUBJECTS_WITH)


def test_logs_never_replace_a_run(small: Path, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    name = run_of(trained, small)
    before = sorted(small.rglob("*"))
    assert main(["export", name, "tensorboard", "--out", str(small), "--force"]) == 1
    assert "holds other files than TensorBoard's" in capsys.readouterr().err
    assert sorted(small.rglob("*")) == before


def test_logs_of_a_run_that_trains_are_not_replaced(
    small: Path, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = run_of(trained, small)
    assert main(["export", name, "tensorboard", "--out", str(tmp_path / "logs")]) == 0
    before = sorted((tmp_path / "logs").rglob("*"))
    run = Run(small / name)
    with run.lock():
        run.write_status(run.status().model_copy(update={"state": "running"}))
        assert main(["export", name, "tensorboard", "--out", str(tmp_path / "logs"), "--force"]) == 1
    assert f"{name} trains, and may write" in capsys.readouterr().err
    assert sorted((tmp_path / "logs").rglob("*")) == before


def test_logs_of_a_training_that_begins_meanwhile_stay(
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = run_of(trained, small)
    live = tmp_path / name / "train" / "events.out.tfevents.1"

    def write_run(*_: Any) -> None:
        live.parent.mkdir(parents=True)
        live.write_text("live")

    monkeypatch.setattr("vae.export.tensorboard.write_run", write_run)
    assert main(["export", name, "tensorboard", "--out", str(tmp_path)]) == 1
    assert "was made meanwhile" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file() and small not in path.parents] == [live]


def documented(heading: str, language: str) -> str:
    """The first lines in a language below a heading of docs/EXPORT.md."""
    section = (ROOT / "docs" / "EXPORT.md").read_text(encoding="utf-8").partition(f"# {heading}\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("heading", "kind", "out"), [("PyTorch", "torch", "RUN.safetensors"), ("ONNX", "onnx", "RUN")]
)
def test_the_documented_lines_decode_without_this_project(
    heading: str, kind: str, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(BUNDLED), kind, "--out", out]) == 0
    names: dict[str, Any] = {}
    exec(documented(heading, "python"), names)
    model = open_run(BUNDLED).load_model()
    expected = model.decode(np.array([[0.5, -1.0]], np.float32)).numpy()
    np.testing.assert_allclose(np.asarray(names["images"]), expected.reshape(1, 1, 28, 28), atol=1e-4)


def test_the_documented_lines_read_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.parquet", "x.csv"):
        assert main(["export", str(BUNDLED), "latents", "--out", name]) == 0
    *lines, last = documented("Latents", "python").splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    means = eval(last, names)
    assert means["kl"].shape == (10,)
    if (rscript := shutil.which("Rscript")) is not None:
        (tmp_path / "x.R").write_text(documented("Latents", "r"))
        shown = subprocess.run([rscript, "x.R"], check=True, capture_output=True, text=True).stdout
        read = [float(line.split()[-1]) for line in shown.splitlines()[1:]]
        np.testing.assert_allclose(read, means["kl"], rtol=1e-5)
