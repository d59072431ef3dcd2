"""The training set on the map: scored by a process, with progress, and never with other weights."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from streamlit.testing.v1 import AppTest

from pages.components.runs import loaded_model
from tests.support.app_test import PAGES, component, messages, visit
from tests.support.browser import wait_until
from tests.support.small_runs import save_model
from vae.evaluation import queue
from vae.runs.catalogue import delete_run
from vae.runs.records import Status
from vae.runs.run import Run

pytestmark = pytest.mark.usefixtures("forked")


@pytest.fixture
def run(runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run, whose training set is not scored yet."""
    monkeypatch.setattr(queue, "_jobs", {})
    return Run(runs_dir / trained.name)


def visit_training_set(run: Run) -> AppTest:
    return visit(PAGES[0], run=run.name, pictures="training")


def is_shown(test: AppTest) -> bool:
    """Whether the map shows the training set; if not, it shows the test set."""
    shown = component(test, "map")
    return bool(shown["points"] != shown["moments"]["points"])


def progress(test: AppTest) -> str:
    return " ".join(element.proto.text for element in test.get("progress"))


def ended(run: Run) -> queue.Job:
    """The scoring of `run` that was begun last, once it has ended."""
    job = queue.latest_job("score", run)
    assert job is not None
    wait_until(lambda: job.ended)
    return job


def test_it_is_shown_once_a_process_has_scored_it(run: Run) -> None:
    with queue._running["score"]:  # as while that of another run is scored
        test = visit_training_set(run)
        assert "The training images are scored: 0%" in progress(test)
        assert not is_shown(test)
        job = queue.latest_job("score", run)
        visit_training_set(run)  # in another tab
        assert queue.latest_job("score", run) is job
    assert ended(run) == queue.Job(progress=1.0, ended=True)
    test.run()
    assert not test.exception
    assert not progress(test)
    assert is_shown(test)
    assert queue.latest_job("score", run) is job, "it was scored again"


def test_scores_of_other_weights_are_computed_anew(run: Run) -> None:
    visit_training_set(run)
    ended(run)
    model = run.load_model()
    for parameter in model.parameters():
        parameter.data *= 0.9
    save_model(run.model_path, model, run.config, 36, 3.0)  # as by a training that went on
    test = visit_training_set(run)
    assert not is_shown(test)
    assert ended(run).error == ""
    assert is_shown(test.run())


@pytest.mark.parametrize("damage", ["torn", "of fewer images", "no numbers", "of another shape"])
def test_damaged_scores_are_computed_anew(run: Run, damage: str) -> None:
    test = visit_training_set(run)
    ended(run)
    path = run.training_scores_path
    scores = load_file(path)
    if damage == "torn":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        if damage == "no numbers":
            scores["kl"][1] = np.nan  # not among those that are compared
        elif damage == "of fewer images":
            scores = {name: values[1:] for name, values in scores.items()}
        else:
            scores["mean"] = scores["mean"].T.copy()
        save_file(scores, path)
    test = visit_training_set(run)
    assert not is_shown(test)
    assert "scored" in progress(test)
    assert ended(run).error == ""
    test.run()
    assert is_shown(test)
    assert messages(test) == ""


def test_what_fails_is_said_and_can_be_tried_again(run: Run) -> None:
    visit_training_set(run)
    ended(run)
    run.training_scores_path.unlink()
    run.training_scores_path.mkdir()  # nothing can be written there
    test = visit_training_set(run)
    ended(run)
    test.run()
    assert "could not be scored: " in messages(test)
    assert "training_scores.safetensors cannot be written: " in messages(test)
    assert not is_shown(test)
    failed = queue.latest_job("score", run)
    test.run()
    assert queue.latest_job("score", run) is failed, "it was tried again although nobody asked"

    run.training_scores_path.rmdir()
    (again,) = (button for button in test.button if button.label == "Try again")
    again.click().run()
    assert ended(run).error == ""
    assert is_shown(test.run())


def test_pictures_without_a_finite_loss_get_a_sentence(run: Run) -> None:
    loaded = loaded_model.load(run)
    model = run.load_model()
    model.encoder.linear("logvar").bias.data.fill_(1e4)
    save_model(run.model_path, model, run.config, 1, 0.1)
    queue.begin("score", run)
    assert "some training pictures is no number" in ended(run).error
    assert not run.training_scores_path.exists()
    assert loaded_model.training_set(run, loaded) is None


def test_that_of_a_live_run_is_shown_once_it_has_ended(run: Run) -> None:
    with run.lock():
        run.write_status(Status(state="running", step=36, epoch=3.0, total_steps=36))
        test = visit_training_set(run)
        sentence = "The training set can be shown once the training has ended."
        assert any(sentence in caption.value for caption in test.caption)
        assert not is_shown(test)
    assert queue.latest_job("score", run) is None


def test_a_run_that_is_deleted_meanwhile_stays_deleted(run: Run, runs_dir: Path) -> None:
    kept = Run(shutil.copytree(run.path, runs_dir / "kept"))
    queue.begin("score", kept)
    ended(kept)
    with queue._running["score"]:
        queue.begin("score", run)
        job = queue.latest_job("score", run)
        delete_run(run)
    assert job is not None
    wait_until(lambda: job.ended)
    assert f"{run.name} could not be scored: " in job.error
    assert [path.name for path in runs_dir.iterdir()] == ["kept"]
