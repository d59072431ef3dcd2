"""How many threads a training takes, by steps of known durations instead of a clock."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.small_runs import small_config
from vae.config import TrainConfig
from vae.runs.catalogue import new_run
from vae.training.device import Pace
from vae.training.loop import fit
from vae.training.threads import SHARE, ThreadTuner, initial_threads

CPU = torch.device("cpu")


@dataclass
class FakeTraining:
    """Steps that take `duration(threads, now)` seconds each."""

    cores: int
    duration: Callable[[int, float], float]
    now: float = 0.0
    cost: float = 0.0  # of steps within comparisons, beyond those with the chosen count
    costs: list[tuple[float, float]] = field(default_factory=list)  # of each comparison; the time before it
    counts: list[int] = field(default_factory=list)  # chosen, step by step

    def run(self, seconds: float, steps: int = 0) -> ThreadTuner:
        """Trains for a time, and at least for a number of steps."""
        tuner, since, cost = ThreadTuner(self.cores, self.cores), 0.0, 0.0
        for step in itertools.count():
            if self.now >= seconds and step >= steps:
                return tuner
            chosen, compared = tuner.count, tuner.compared_steps
            threads = tuner.next_count()
            taken = self.duration(threads, self.now)
            excess = taken - self.duration(chosen, self.now)
            tuner.record(taken)
            self.now += taken
            self.counts.append(tuner.count)
            if tuner.compared_steps > compared:
                cost += excess
                self.cost += max(0.0, excess)
            else:
                if cost:
                    self.costs.append((cost, since))
                    since = cost = 0.0
                since += taken
        raise AssertionError


def scaling(one: float, serial: float = 0.1, thread: float = 0.0) -> Callable[[int, float], float]:
    """Durations that fall with the threads, except for a serial share and a cost for each thread."""
    return lambda threads, _: one * (serial + (1 - serial) / threads) + thread * threads


# Seconds of a step with one thread: from tiny networks to batches of 8192 through 2 x 4096 units.
@pytest.mark.parametrize("one", [3e-4, 6e-3, 0.7, 30.0])
@pytest.mark.parametrize("cores", [2, 3, 64])
def test_comparing_costs_at_most_two_per_cent_whatever_the_sizes(one: float, cores: int) -> None:
    training = FakeTraining(cores, scaling(one))
    training.run(seconds=min(8000 * one, 120), steps=400)
    assert training.costs
    assert all(cost <= 1.01 * SHARE * since for cost, since in training.costs)
    assert training.cost <= SHARE * training.now
    assert set(training.counts) == {cores}


@pytest.mark.parametrize("cores", [2, 6, 64])
def test_a_small_network_comes_to_one_thread_within_seconds(cores: int) -> None:
    training = FakeTraining(cores, scaling(3e-4, serial=0.5, thread=2e-4))
    training.run(6)
    assert training.counts[-1] == 1
    assert training.cost <= SHARE * training.now


@pytest.mark.parametrize("cores", [2, 6])
def test_all_cores_are_found_again_after_a_time_with_one(cores: int) -> None:
    """Another program makes several threads slow between the seconds 30 and 60."""

    def duration(threads: int, now: float) -> float:
        return scaling(6e-3)(threads, now) if threads == 1 or not 30 < now < 60 else 0.05

    training = FakeTraining(cores, duration)
    tuner = training.run(60)
    assert tuner.count == 1
    assert FakeTraining(cores, duration).run(110).count == cores


def test_a_slowdown_is_noticed_before_the_next_comparison_is_due() -> None:
    training = FakeTraining(2, lambda threads, now: 0.004 if now < 70 else (0.036, 0.007, 0.036)[threads])
    training.run(76)
    assert training.counts[-1] == 1


def test_long_steps_that_wait_for_cores_are_compared_soon_and_not_too_often() -> None:
    """Steps of a second each, beside programs that take most of both cores."""
    tuner, slow = ThreadTuner(2, 2), {1: 0.07, 2: 1.0}
    for _ in range(18):
        tuner.record(slow[tuner.next_count()], computing=0.2)
    assert tuner.count == 1
    tuner, equal = ThreadTuner(2, 2), {1: 2.0, 2: 1.0}  # one thread is not faster after all
    for _ in range(100):
        tuner.record(equal[tuner.next_count()], computing=0.2)
    assert tuner.count == 2
    assert tuner.compared_steps <= 4


def test_a_start_on_a_busy_machine_is_not_slow_for_long() -> None:
    training = FakeTraining(2, lambda threads, _: {1: 0.007, 2: 0.036}[threads])
    training.run(5)
    assert training.counts[-1] == 1


def test_equal_counts_are_left_as_they_are() -> None:
    noise = itertools.cycle((0.0100, 0.0102, 0.0098, 0.0101, 0.0103, 0.0099, 0.0097))
    training = FakeTraining(2, lambda *_: next(noise))
    training.run(100)
    assert set(training.counts) == {2}


def test_a_count_that_is_set_is_never_changed() -> None:
    before = torch.get_num_threads()
    tuner = ThreadTuner(3, most=None)
    for _ in range(20):
        with tuner.timed_step():
            assert torch.get_num_threads() == before
    assert (tuner.count, tuner.compared_steps) == (3, 0)


def test_torchs_count_is_the_chosen_one_between_steps() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        tuner, seen = ThreadTuner(2, most=2), set()
        tuner._interval = 0
        tuner._debt = -60.0  # any cost is allowed
        for _ in range(30):
            with tuner.timed_step():
                seen.add(torch.get_num_threads())
            assert torch.get_num_threads() == tuner.count
        assert seen == {1, 2}
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("fields", "saved", "expected"),
    [
        ({"threads": 3}, None, 3),
        ({"threads": 3}, 1, 3),
        ({"threads": "auto"}, None, 4),
        ({"threads": "auto"}, 2, 2),
        ({"threads": "auto"}, 64, 4),
        ({"threads": 1024}, None, 4),
    ],
)
def test_a_training_begins_with_the_set_or_the_saved_count(
    fields: dict[str, Any], saved: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.training.threads.cores", lambda: 4)
    assert initial_threads(TrainConfig.model_validate(fields), CPU, saved) == expected


def test_steps_that_compare_counts_do_not_count_as_speed(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[tuple[int, float]] = []
    made: list[ThreadTuner] = []

    def eager(count: int, most: int | None) -> ThreadTuner:
        tuner = ThreadTuner(count, most)
        tuner._interval, tuner._debt = 0, -60.0  # any cost is allowed
        made.append(tuner)
        return tuner

    monkeypatch.setattr("vae.training.threads.cores", lambda: 2)
    monkeypatch.setattr("vae.training.loop.cores", lambda: 2)
    monkeypatch.setattr("vae.training.loop.ThreadTuner", eager)
    monkeypatch.setattr(Pace, "measure", lambda _, *progress: measured.append(progress))
    *_, last = fit(new_run(small_config(threads="auto"), small))
    (tuner,) = made
    assert tuner.compared_steps > 0
    assert measured[-1][0] == (last.step - tuner.compared_steps) * 50
    assert measured[-1][1] <= last.seconds - tuner.compared_seconds
