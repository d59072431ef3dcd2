"""When a training writes its two files of weights, and that the scores in one are those of its weights."""

from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from tests.support.small_runs import small_config
from tests.support.tensors import load
from tests.vae.training.test_requests import assert_same_weights, until
from vae.inference.scoring import scores_match
from vae.runs import checkpoints
from vae.runs.catalogue import new_run
from vae.runs.checkpoints import SavedModel, TrainingArrays, TrainingPosition
from vae.runs.run import Run
from vae.training.loop import fit
from vae.training.requests import Requests, StopRequestedError


@pytest.fixture
def run(small: Path) -> Run:
    return new_run(small_config(), small)


class Written:
    """The steps of all files of weights that are written from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.models: list[int] = []
        self.states: list[int] = []
        save_model, save_training = checkpoints.save_model, checkpoints.save_training

        def model_saved(path: Path, saved: SavedModel) -> None:
            save_model(path, saved)
            self.models.append(saved.step)

        def training_saved(path: Path, training: TrainingArrays, position: TrainingPosition) -> None:
            save_training(path, training, position)
            self.states.append(position.step)

        monkeypatch.setattr(checkpoints, "save_model", model_saved)
        monkeypatch.setattr(checkpoints, "save_training", training_saved)


def assert_scored(run: Run, step: int) -> None:
    """The run's model is of this step, and has the scores of these very weights."""
    saved = run.saved_model()
    assert saved.step == step
    assert saved.epoch == pytest.approx(step / 12)
    assert saved.scores is not None
    assert scores_match(saved.scores, saved.model, load("mnist", train=False)[0].numpy())


def test_the_model_is_written_at_ends_of_epochs_and_the_state_whenever_it_is_due(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.training.loop.SAVE_SECONDS", -1)  # due after each step
    written = Written(monkeypatch)
    for _ in fit(run):
        pass
    assert written.models == [12, 24, 36]
    assert written.states == list(range(1, 37))
    assert_scored(run, 36)


def test_the_model_is_written_at_a_pause_and_at_a_stop(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written(monkeypatch)
    run.update_request(pause_at=17)
    statuses = fit(run)
    assert until(statuses, "paused").step == 17
    assert written.models == [12, 17]
    assert_scored(run, 17)
    run.update_request(pause_at=19)
    assert until(statuses, "paused").step == 19
    assert_scored(run, 19)
    run.request_stop()
    assert list(statuses)[-1].state == "stopped"
    assert written.models == [12, 17, 19]  # and not again
    run.update_request(pause_at=22)
    statuses = fit(run)
    until(statuses, "running")
    run.request_stop()
    last = list(statuses)[-1]
    assert last.state == "stopped"
    assert_scored(run, last.step)


@pytest.mark.parametrize("step", [12, 36])
def test_a_run_killed_between_its_two_files_gets_its_model_when_it_is_resumed(
    step: int, run: Run, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    save_model = checkpoints.save_model

    def killed(path: Path, saved: SavedModel) -> None:
        if saved.step == step:
            raise Killed
        save_model(path, saved)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_model", killed)
        with pytest.raises(Killed):
            list(fit(run))
    assert run.status().state == "interrupted"
    assert checkpoints.load_training(run.resume_path, run.config)[1].step == step
    if step == 36:
        assert_scored(run, 24)  # what is shown meanwhile
    else:
        assert not run.model_path.exists()
    written = Written(monkeypatch)
    for _ in fit(run):
        pass
    assert run.status().state == "finished"
    assert written.models == [24, 36] if step == 12 else [36]
    assert_scored(run, 36)
    assert_same_weights(run, trained)


@pytest.mark.parametrize("step", [12, 36])
def test_a_stop_in_an_evaluation_leaves_the_weights_of_its_step(
    step: int, run: Run, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without scores, which take as long as the evaluation; the next trainer adds them."""

    def stopped(_: Requests) -> NoReturn:
        raise StopRequestedError

    with monkeypatch.context() as patch:
        statuses = fit(run)
        run.update_request(pause_at=step - 1)
        until(statuses, "paused")
        patch.setattr(Requests, "raise_if_stopped", stopped)
        run.update_request(pause_at=None)
        last = list(statuses)[-1]
    assert (last.state, last.step) == ("stopped", step)
    saved = run.saved_model()
    assert (saved.step, saved.scores) == (step, None)
    for _ in fit(run):
        pass
    assert_scored(run, 36)
    assert_same_weights(run, trained)


def test_what_is_saved_is_what_the_last_test_line_says(trained: Run) -> None:
    saved = trained.saved_model()
    line = trained.newest_test_metrics()
    assert line is not None
    assert saved.scores is not None
    assert float(saved.scores.reconstruction.mean(dtype=np.float64)) == pytest.approx(
        line.reconstruction, rel=1e-9
    )
    assert float(saved.scores.kl.mean(dtype=np.float64)) == pytest.approx(line.kl, rel=1e-9)


def test_a_save_between_two_lines_leaves_no_line_of_few_batches(
    run: Run, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mean of one batch would be drawn as a dip of the loss. A kill after the save loses nothing."""
    monkeypatch.setattr("vae.training.loop.SAVE_SECONDS", -1)  # due after each step
    monkeypatch.setattr("vae.training.loop.FIRST_EPOCH_LINES", 2)
    monkeypatch.setattr("vae.training.loop.EPOCH_LINES", 2)
    monkeypatch.setattr("vae.training.loop.snapshot_steps", lambda *_: frozenset({36}))
    statuses = fit(run)
    while next(statuses).step < 21:
        pass
    statuses.close()
    assert Run(run.path).status().state == "interrupted"
    for _ in fit(run):
        pass
    lines, whole = (
        [line for line in each.metric_lines()[0] if line.split == "train"] for each in (run, trained)
    )
    assert [line.step for line in lines] == [6, 12, 18, 24, 30, 36]
    for first, line in zip((0, 6), lines, strict=False):  # in whose epoch the other run has a line a batch
        batches = [each.reconstruction for each in whole if first < each.step <= first + 6]
        assert len(batches) == 6
        assert line.reconstruction == pytest.approx(np.mean(batches), rel=1e-5)
