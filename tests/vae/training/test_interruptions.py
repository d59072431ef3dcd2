"""Trainers that are cut off at any instant; `make soak` is the long version."""

from pathlib import Path

import pytest

from tests.support.interruptions import faults, kills, saved_step
from tests.support.small_runs import SMALL_CONV, small_config
from vae.runs.catalogue import new_run
from vae.training.loop import SAVE_SECONDS, fit
from vae.training.step import Stepper

KILLS = 15


def test_a_run_survives_kills_at_random_moments(tmp_path: Path) -> None:
    finished = kills(tmp_path, KILLS, seed=0)
    print(f"{KILLS} of {KILLS} survived, {finished} runs came to the same weights")
    assert finished > 0


def test_a_run_with_convolutions_survives_kills(tmp_path: Path) -> None:
    assert kills(tmp_path, 5, seed=1, **SMALL_CONV) > 0


def test_a_run_survives_a_fault_at_each_kind_of_call_that_changes_a_file(tmp_path: Path) -> None:
    assert faults(tmp_path) >= 20


def test_at_most_ten_seconds_are_ever_redone(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes a second a step; an epoch has sixty of these."""
    taken: list[int] = []
    redone: list[int] = []
    monkeypatch.setattr("vae.training.state.Timer.__call__", lambda _: float(len(taken)))
    step = Stepper.step

    def watched(self: Stepper, plan: object) -> object:
        redone.append(len(taken) - saved_step(run))
        taken.append(1)
        return step(self, plan)  # type: ignore[arg-type]

    monkeypatch.setattr(Stepper, "step", watched)
    run = new_run(small_config(batch_size=10, epochs=2), small)
    for _ in fit(run):
        pass
    assert len(taken) == 120
    assert max(redone) == SAVE_SECONDS
    assert redone[60] == 0  # an epoch's end is saved
