"""The command line, called as others will script it."""

import errno
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vae
from tests.support.evaluations import evaluation_of
from tests.support.own_pictures import write_own_pictures
from tests.support.paths import BUNDLED, ROOT
from tests.support.processes import VaeProcess
from tests.support.small_runs import interrupt_when, save_model, small_config, stop_within_first_epoch
from tests.support.tensors import load
from vae.cli.commands import main
from vae.config import DATA_FIELDS, TrainConfig
from vae.models.network import VAE
from vae.runs.catalogue import list_runs, new_run
from vae.runs.checkpoints import load_scores
from vae.runs.evaluation_record import Evaluation, load_evaluation
from vae.runs.records import State, Status
from vae.runs.run import Run
from vae.training.scoring import score_set

SMALL = [
    "--hidden-dims",
    "24",
    "16",
    "--epochs",
    "3",
    "--batch-size",
    "50",
    "--threads",
    "1",
    "--device",
    "cpu",
]
Output = pytest.CaptureFixture[str]


def test_train_runs_evaluate_decode_delete(small: Path, capsys: Output, tmp_path: Path) -> None:
    assert main(["train", *SMALL]) == 0
    (run,) = list_runs(small)
    assert run.config == small_config()
    out = capsys.readouterr().out
    assert run.name in out
    assert "finished at epoch 3: -ELBO" in out

    assert main(["train", *SMALL]) == 0
    assert "finished already" in capsys.readouterr().out
    assert main(["train", *SMALL, "--again"]) == 0
    assert main(["train", *SMALL, "--name", "mine"]) == 0
    assert {found.name for found in list_runs(small)} == {run.name, f"{run.name}-2", "mine"}
    capsys.readouterr()

    assert main(["runs", "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mine"]["state"] == "finished"
    assert rows["mine"]["epoch"] == rows["mine"]["epochs"] == 3
    assert rows["mine"]["bytes"] > 100_000
    assert main(["runs"]) == 0
    assert f"{rows['mine']['negative_elbo']:.1f}" in capsys.readouterr().out

    assert main(["evaluate", "mine", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == [
        *(
            "run",
            "weights",
            "step",
            "epoch",
            "images",
            "reconstruction",
            "kl",
            "negative_elbo",
            "standard_error",
        ),
        *(
            "refined_negative_elbo",
            "refined_standard_error",
            "elbo_samples",
            "nll",
            "importance_samples",
            "active_units",
            "knn_1",
            "knn_5",
            "knn_20",
            "published",
        ),
    ]
    assert (figures["elbo_samples"], figures["importance_samples"]) == (16, 500)
    # The list has z sampled once.
    assert figures["negative_elbo"] == pytest.approx(
        rows["mine"]["negative_elbo"], abs=figures["standard_error"]
    )
    assert [other["comparable"] for other in figures["published"]] == [True, True, False, True]
    kept = load_evaluation(Run(small / "mine"))
    assert kept is not None
    assert kept.model_dump().items() <= figures.items()
    assert main(["evaluate", str(small / "mine")]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert any(line.startswith("NLL") and f" {figures['nll']:.2f} " in line for line in shown)
    error = f"± {figures['standard_error']:.2f} over the images, z sampled once"
    assert any(line.startswith("-ELBO") and error in line for line in shown)
    assert any(line.split()[-5:] == ["Gaussian", "137.1", "129.8", "7.2", "yes"] for line in shown)
    assert any(line.split()[-4:] == ["150.4", "144.2", "6.5", "no"] for line in shown)

    picture = tmp_path / "digit.png"
    assert main(["decode", "mine", "-1.2", "0.5", "--out", str(picture)]) == 0
    expected = Run(small / "mine").load_model().decode(torch.tensor([[-1.2, 0.5]]))[0, 0] * 255
    assert np.abs(np.asarray(Image.open(picture), float) - expected.numpy()).max() <= 0.5
    capsys.readouterr()
    assert main(["decode", "mine", "-1.2", "0.5"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 28

    assert main(["rename", "mine", "My first"]) == 0
    assert main(["runs"]) == 0
    assert "My first" in capsys.readouterr().out
    assert main(["pack", "mine", "--moments", "3"]) == 0
    assert re.match(r"Packed mine: 0\.\d MB instead of \d\.\d; -ELBO \d+", capsys.readouterr().out)
    assert len(Run(small / "mine").snapshots()) == 2
    assert main(["rename", "mine", ""]) == 0
    assert "mine is now: quick, hidden layers of 24 16" in capsys.readouterr().out

    assert main(["delete", "mine", "--yes"]) == 0
    assert not (small / "mine").exists()
    assert len(list_runs(small)) == 2


def test_the_training_set_is_scored_as_by_the_trainer(
    runs_dir: Path, trained: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.inference.scoring.BATCH", 100)
    assert main(["score", trained.name]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{trained.name}: 600 training images scored after epoch 3.\n"
    assert captured.err.splitlines() == [f"scored {percent} %" for percent in (16, 33, 50, 66, 83, 100)]
    run = Run(runs_dir / trained.name)
    scores = load_scores(run.training_scores_path, run.config, 600)
    assert scores is not None
    images, _ = load("mnist", train=True)
    for found, expected in zip(scores, score_set(run.load_model(), images), strict=True):
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-3)


def test_scores_that_cannot_be_made_or_saved_get_a_sentence(
    runs_dir: Path, trained: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(runs_dir / trained.name)
    path = run.training_scores_path

    def refused(sentence: str) -> None:
        assert main(["score", trained.name]) == 1
        assert sentence in capsys.readouterr().err
        assert list(path.parent.glob("*training_scores*")) == []

    def read_only(file: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    with monkeypatch.context() as patch:
        patch.setattr("vae.runs.checkpoints.write_atomic", read_only)
        refused(f"{path} cannot be written: Permission denied.")
    run.model_path.rename(run.path / "away")
    refused(f"The weights of {run.name} are missing")
    (run.path / "away").rename(run.model_path)
    run.write_config(run.config.model_copy(update={"dataset": "kmnist"}))
    refused("`python -m vae download kmnist` gets it")


def test_progress_in_a_pipe_is_a_line_for_each_per_cent(
    runs_dir: Path, trained: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate_in_small_steps(run: Run, progress: Callable[[float], None]) -> Evaluation:
        for done in range(1001):
            progress(done / 1000)
        return evaluation_of(run)

    monkeypatch.setattr("vae.evaluation.evaluate.evaluate", evaluate_in_small_steps)
    lines = [f"evaluated {percent} %" for percent in range(101)]
    assert main(["evaluate", trained.name]) == 0
    assert capsys.readouterr().err.splitlines() == lines
    assert main(["evaluate", trained.name, "--json"]) == 0
    assert capsys.readouterr().err == ""

    train = ["train", *SMALL, "--runs-dir", str(runs_dir), "--name", "piped"]
    longer = ["20" if word == "3" else word for word in train]
    monkeypatch.setattr("vae.training.loop.STATUS_SECONDS", 0)
    assert main(longer) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "trained 100 %"
    percents = [int(line.removeprefix("trained ").removesuffix(" %")) for line in lines]
    assert percents == sorted(set(percents))


def test_a_preset_and_its_changes(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.cli.commands.train_in_terminal", lambda *_, **__: None)
    assert main(["train", "--preset", "blog", "--learning-rate", "2e-3", "--seed", "1"]) == 0
    (run,) = list_runs(small)
    assert run.config == TrainConfig.preset("blog", learning_rate=2e-3)


def test_coloured_pictures_are_decoded_in_their_colours_and_compared_with_nothing_published(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path / "runs"))
    write_own_pictures(tmp_path / "data", channels=3, side=9)
    run = vae.train(small_config(dataset="own", likelihood="gaussian", epochs=1), tmp_path / "runs")
    (expected,) = run.saved_model().model.decode(np.zeros((1, 2), np.float32))
    file = tmp_path / "decoded.png"
    assert main(["decode", run.name, "0", "0", "--out", str(file)]) == 0
    with Image.open(file) as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), expected)
    capsys.readouterr()
    assert main(["decode", run.name, "0", "0"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9

    assert main(["evaluate", run.name]) == 0
    shown = capsys.readouterr().out
    assert "bits per dimension" in shown
    assert "No published results" in shown
    assert "Davidson" not in shown
    assert main(["evaluate", run.name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["published"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--epochs", "0"], "epochs: input should be greater than or equal to 1"),
        (["train", "--latent-dim", "1000"], "1 to 64"),
        (["train", "--learning-rate", "-1"], "above 0"),
        (["train", "--hidden-dims", "12", "x"], "hidden_dims"),
        (["train", "--preset", "huge"], "huge"),
        (["train", "--bogus", "1"], "--bogus"),
        (["train", "stray"], "stray"),
        (["dance"], "dance"),
        (["decode"], "RUN"),
        (["train", "--name", "../x"], "--name: 1 to 80 small letters"),
        (["train", "--name", ""], "--name: 1 to 80 small letters"),
        (["decode", "mine", "one"], "one"),
    ],
)
def test_bad_arguments_get_status_2_and_a_sentence(
    arguments: list[str], sentence: str, small: Path, capsys: Output
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert "Traceback" not in captured.err
    assert captured.err.count("\n") == 1
    assert list_runs(small) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["evaluate", "nope"], "There is no run in"),
        (["evaluate", "../../etc"], "There is no run in ../../etc"),
        (["evaluate", ".."], "no run's name"),
        (["resume", "a/b"], "There is no run in a/b"),
        (["delete", "/"], "There is no run in /"),
        (["resume", "broken"], "broken/config.json cannot be read"),
        (["decode", "broken", "0", "0"], "broken/config.json cannot be read"),
        (["evaluate", "torn"], "torn/model.safetensors cannot be used: it is damaged"),
        (["delete", "torn"], "Add --yes"),
        (["train", "--runs-dir", "/dev/null/x"], "No run can be made in /dev/null/x"),
        (
            ["decode", "fine", "0", "0", "--out", "/nowhere/x.png"],
            "/nowhere/x.png cannot be",
        ),
    ],
)
def test_what_fails_gets_status_1_and_a_sentence(
    arguments: list[str], sentence: str, small: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_config()
    (new_run(config, small, "broken").path / "config.json").write_text("{")
    new_run(config, small, "torn").model_path.write_bytes(b"torn")
    save_model(new_run(config, small, "fine").model_path, VAE(config), config, 0, 0)
    before = sorted(small.rglob("*"))
    monkeypatch.setattr("builtins.input", lambda *_: (_ for _ in ()).throw(EOFError))
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert sorted(small.rglob("*")) == before


@pytest.mark.parametrize("z", [[], ["0"], ["0", "1", "2"], ["0", "nan"]])
def test_a_point_of_another_dimension_is_a_bad_argument(z: list[str], small: Path, capsys: Output) -> None:
    new_run(small_config(), small, "mine")
    assert main(["decode", "mine", *z]) == 2
    assert "mine decodes a point of 2 finite numbers; given: " in capsys.readouterr().err


def test_the_table_of_runs_lists_a_damaged_run_beside_the_others(small: Path, capsys: Output) -> None:
    assert main(["runs"]) == 0
    assert f"There are no runs yet in {small}." in capsys.readouterr().out
    (new_run(small_config(), small, "broken").path / "config.json").write_text("{")
    new_run(small_config(), small, "fine")
    assert main(["runs"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "damaged" in out
    assert "starting" in out


def test_ctrl_c_stops_at_the_next_batch_saves_and_says_how_to_resume(small: Path) -> None:
    endless = ["2000" if word == "3" else word for word in SMALL]
    command = [sys.executable, "-m", "vae", "train", *endless, "--name", "mine"]
    process = VaeProcess(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run = Run(small / "mine")
    while process.poll() is None and not (run.path.exists() and run.status().step > 20):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped at epoch" in out
    assert f"python -m vae resume {run.path}" in out
    status = run.status()
    assert status.state == "stopped"
    assert run.metric_lines()[0][-1].step == status.step


@pytest.mark.usefixtures("small")
def test_the_loss_of_a_stopped_run_is_that_of_its_last_test(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit_a_part(run: Run, *_: object, **__: object) -> Iterator[Status]:
        stop_within_first_epoch(run)
        yield run.status()

    monkeypatch.setattr("vae.training.loop.fit", fit_a_part)
    assert main(["train", *SMALL]) == 0
    assert "stopped at epoch 0.85: -ELBO 547.76 on the test set at epoch 0." in capsys.readouterr().out
    assert main(["runs"]) == 0
    table = capsys.readouterr().out
    assert "547.8 at epoch 0" in " ".join(table.split())
    assert main(["runs", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["epoch"], row["negative_elbo"], row["negative_elbo_epoch"]) == (0.85, 547.76, 0)


def test_a_run_without_its_training_state_is_not_trained_from_zero(small: Path, capsys: Output) -> None:
    config = small_config()
    run = new_run(config, small, "mine")
    save_model(run.model_path, VAE(config), config, 5, 0.1)
    before = run.model_path.read_bytes()
    assert main(["resume", "mine"]) == 1
    assert "no resume.safetensors to go on from" in capsys.readouterr().err
    assert run.model_path.read_bytes() == before


def test_a_run_from_another_machine_is_resumed_on_this_one(small: Path, capsys: Output) -> None:
    missing = "mps" if torch.cuda.is_available() else "cuda"
    config = small_config(epochs=1, device=missing, threads=1000)
    for name in ("explicit", "refused", "plain"):
        new_run(config, small, name).write_status(Status(state="stopped"))
    assert main(["resume", "explicit", "--device", "cpu", "--threads", "1"]) == 0
    assert "This machine" not in capsys.readouterr().out
    changed = Run(small / "explicit")
    assert (changed.config.device, changed.config.threads) == ("cpu", 1)
    assert changed.status().state == "finished"
    assert main(["resume", "refused", "--device", missing, "--threads", "2"]) == 1
    assert f"no device {missing}. Take device auto or cpu" in capsys.readouterr().err
    assert Run(small / "refused").config == config, "it was changed nevertheless"
    assert main(["resume", "plain"]) == 0
    out = capsys.readouterr().out
    assert f"This machine has no device {missing}: the run is trained on " in out
    assert "1,000 threads are set; " in out


@pytest.mark.parametrize(
    ("option", "sentence"),
    [(["--threads", "0"], "threads: "), (["--threads", "many"], "many"), (["--device", "tpu"], "tpu")],
)
def test_a_device_or_count_that_is_none_changes_nothing(
    option: list[str], sentence: str, small: Path, capsys: Output
) -> None:
    run = new_run(small_config(), small, "mine")
    assert main(["resume", "mine", *option]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert Run(run.path).config == small_config()


@pytest.mark.parametrize("state", ["running", "finished"])
def test_of_several_runs_those_after_a_stop_stay_as_they_are(
    state: State, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the first is finished, no training is left in it that could hear the signal."""
    runs = [new_run(small_config(epochs=1), small, name) for name in ("first", "second")]
    runs[1].write_status(Status(state="stopped"))
    before = runs[1].status()
    interrupt_when(state, monkeypatch)
    assert main(["resume", "first", "second"]) == 0
    assert runs[0].status().state == ("finished" if state == "finished" else "stopped")
    assert runs[1].status() == before


def test_several_workers_resume_one_run_at_a_time(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    """The others could not know when the first is finished."""
    place = {"RANK": 0, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 2, "MASTER_PORT": 29500}
    for name, value in {**place, "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, str(value))
    assert main(["resume", "one", "two"]) == 2
    assert "Several workers train one run at a time" in capsys.readouterr().err


def test_an_interrupt_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def interrupt(_: Path) -> list[Run]:
        raise KeyboardInterrupt

    monkeypatch.setattr("vae.cli.commands.list_runs", interrupt)
    assert main(["runs"]) == 130
    assert capsys.readouterr().err == "Interrupted. `python -m vae runs` shows the state of the run.\n"


def test_a_thread_that_may_still_come_back_does_not_meet_the_end_of_python() -> None:
    """torch's would abort the process then, in place of its exit status."""
    code = (
        "import atexit, runpy, threading, vae.cli.commands\n"
        "def main():\n"
        "    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "    return 7\n"
        "vae.cli.commands.main = main\n"
        "atexit.register(print, 'Python ends')\n"
        "runpy.run_module('vae', run_name='__main__')\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (process.returncode, process.stdout, process.stderr) == (7, "", "")


def test_help_names_every_field_and_bound(capsys: Output) -> None:
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name, field in TrainConfig.model_fields.items():
        if name in DATA_FIELDS:
            assert f"--{name}" not in text
            continue
        assert f"--{name.replace('_', '-')}" in text
        assert field.description is not None
        assert field.description.split(";")[0].rstrip(".") in text


def test_watching_needs_no_torch() -> None:
    code = "import sys, vae.cli.commands, vae.training.jobs, pages.train; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_public_names_are_there() -> None:
    assert callable(vae.train)
    assert {name for name in vae.__all__ if hasattr(vae, name)} == set(vae.__all__)


def test_commands_find_the_runs_of_the_project_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.delenv("VAE_RUNS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["runs", "--json"]) == 0
    assert BUNDLED.name in {row["run"] for row in json.loads(capsys.readouterr().out)}


def test_no_runs_says_where_it_looked_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "file").write_text("")
    for option, sentence in (
        ("my 실행 runs", f"There are no runs yet in {tmp_path / 'my 실행 runs'}."),
        ("~/runs", f"There are no runs yet in {tmp_path / 'home' / 'runs'}."),
        ("file", f"No runs can be read in {tmp_path / 'file'}: Not a directory."),
    ):
        assert main(["runs", "--runs-dir", option]) == 0
        assert sentence in capsys.readouterr().out
    assert main(["runs", "--runs-dir", "~nobody-of-this-name"]) == 1
    assert "cannot be used" in capsys.readouterr().err


def test_a_run_is_found_by_a_relative_path_and_below_the_home(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("HOME", str(runs_dir.parent))
    monkeypatch.chdir(runs_dir)
    for path in (f"~/{runs_dir.name}/{trained.name}", f"./{trained.name}"):
        assert main(["resume", path]) == 0
        assert f"finished already, in {runs_dir / trained.name}" in capsys.readouterr().out
    assert main(["decode", trained.name, "0", "0", "--out", "~/digit.png"]) == 0
    assert (runs_dir.parent / "digit.png").stat().st_size > 100


def test_the_package_trains_into_the_same_folder_whichever_is_current(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert vae.train(small_config(epochs=1)).path.parent == small
    assert vae.train(small_config(epochs=1), "runs").path.is_absolute()


def test_nothing_is_downloaded_for_an_evaluation_without_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run(small_config(dataset="kmnist"), tmp_path)
    monkeypatch.setattr("vae.cli.terminal.download_in_terminal", lambda _: pytest.fail("it was downloaded"))
    assert main(["evaluate", str(run.path)]) == 1
    assert "no weights" in capsys.readouterr().err


def test_a_training_prints_json_lines_for_scripts(small: Path, capsys: Output) -> None:
    assert main(["train", *SMALL, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (run,) = list_runs(small)
    metrics = [line for line in lines if line["event"] == "metrics"]
    written, _ = run.metric_lines()
    assert metrics == [{"event": "metrics", **line.model_dump()} for line in written]
    states = [line["state"] for line in lines if line["event"] == "status"]
    assert states == ["running", "finished"]
    assert lines[0] == {"event": "start", "run": run.name, "path": str(run.path)}
    end = lines[-1]
    assert (end["event"], end["run"], end["path"]) == ("end", run.name, str(run.path))
    assert (end["state"], end["epoch"]) == ("finished", 3)
    assert end["test"]["negative_elbo"] == -run.metrics().test["elbo"][-1]

    assert main(["train", *SMALL, "--json"]) == 0  # finished already
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == end


@pytest.mark.usefixtures("small")
def test_a_training_that_fails_says_so_in_json_and_by_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Run, "append_metrics", full)
    assert main(["train", *SMALL, "--json"]) == 1
    printed = capsys.readouterr()
    end = json.loads(printed.out.splitlines()[-1])
    assert (end["event"], end["state"]) == ("end", "failed")
    assert "No space left on device" in end["error"]
    assert end["error"] in printed.err


def test_losses_are_written_for_tensorboard_while_they_come(small: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logs = tmp_path / "logs"
    interrupted = [*SMALL, "--tensorboard", str(logs)]
    with pytest.MonkeyPatch.context() as patch:
        interrupt_when("running", patch)
        assert main(["train", *interrupted]) == 0
    (run,) = list_runs(small)
    assert run.status().state == "stopped"
    assert main(["resume", run.name, "--tensorboard", str(logs)]) == 0
    for split, rows in run.metrics()._asdict().items():
        read = EventAccumulator(str(logs / run.name / split)).Reload()
        found = read.Scalars("loss/negative_elbo")
        assert [each.step for each in found] == rows["step"].tolist()
        np.testing.assert_allclose([each.value for each in found], -rows["elbo"], rtol=1e-6)
        assert abs(found[-1].wall_time - run.status().heartbeat) < 3600


@pytest.mark.usefixtures("small")
def test_logs_that_cannot_be_written_do_not_end_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    pytest.importorskip("tensorboard")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vae.export.tensorboard.EventFiles.scalars", full)
    assert main(["train", *SMALL, "--tensorboard", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("can no longer be written (No space left on device)") == 1
    assert "finished at epoch 3" in printed.out


def test_a_missing_tensorboard_is_told_before_the_training(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert main(["train", *SMALL, "--tensorboard", str(tmp_path)]) == 1
    assert "pip install tensorboard" in capsys.readouterr().err
    (run,) = list_runs(small)
    assert run.status().step == 0
