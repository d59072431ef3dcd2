"""What viewers ask of a trainer: pause, single batches, other rates, slow motion; and how it is heard."""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

import vae
from tests.support.browser import wait_until
from tests.support.processes import VaeProcess
from tests.support.small_runs import small_config
from vae import VaeError
from vae.models.network import VAE
from vae.runs.catalogue import delete_run, new_run
from vae.runs.live_view import load_view
from vae.runs.records import Request, Status
from vae.runs.run import Run
from vae.training.loop import fit
from vae.training.requests import Requests
from vae.training.scoring import TensorScores, score_set


@pytest.fixture
def run(small: Path) -> Run:
    return new_run(small_config(), small)


def until(statuses: Generator[Status, None, None], state: str) -> Status:
    return next(status for status in statuses if status.state == state)


def assert_same_weights(one: Run, other: Run) -> None:
    expected = load_file(other.model_path)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in load_file(one.model_path).items())


def test_pauses_and_single_batches_change_nothing_but_the_time(run: Run, trained: Run) -> None:
    statuses = fit(run)
    next(itertools.islice(statuses, 4, None))
    asked = run.update_request(pause_at=0)
    paused = until(statuses, "paused")
    assert paused.heard == asked.number
    assert run.status().state == "paused"
    for number in range(1, 4):
        run.update_request(pause_at=paused.step + number)
        assert until(statuses, "paused").step == paused.step + number
        view = load_view(run.view_path, run.config)
        assert view is not None
        assert view.step == paused.step + number
        assert run.metric_lines()[0][-1].step == paused.step + number
    epoch_end = (paused.step // 12 + 1) * 12
    run.update_request(pause_at=epoch_end)
    assert until(statuses, "paused").epoch == epoch_end / 12
    run.update_request(pause_at=None)
    assert list(statuses)[-1].state == "finished"
    assert run.request() is None
    assert not run.status().steered
    assert_same_weights(run, trained)


def test_what_is_paused_can_be_abandoned_and_loses_nothing(run: Run, trained: Run) -> None:
    statuses = fit(run)
    run.update_request(pause_at=17)
    assert until(statuses, "paused").step == 17
    statuses.close()
    assert run.status().state == "interrupted"
    first = next(fit(run))
    assert first.step == 17
    vae.train(run.config, run.path.parent)
    assert_same_weights(run, trained)


def test_a_pause_does_not_count_as_training(run: Run) -> None:
    statuses = fit(run)
    run.update_request(pause_at=3)
    before = until(statuses, "paused").seconds
    with ThreadPoolExecutor(1) as pool:
        resumed = pool.submit(next, statuses)
        time.sleep(0.5)
        run.update_request(pause_at=None)
        assert resumed.result().seconds - before < 0.5


def test_a_stop_ends_a_pause(run: Run) -> None:
    statuses = fit(run)
    run.update_request(pause_at=5)
    until(statuses, "paused")
    run.update_request(stop=True)
    assert [status.state for status in statuses][-1] == "stopped"
    assert run.status().step == 5


def test_another_rate_and_beta_are_in_force_at_once_and_written_down(run: Run, trained: Run) -> None:
    statuses = fit(run)
    run.update_request(pause_at=15)
    until(statuses, "paused")
    run.update_request(learning_rate=1e-3, beta=4)
    heard = next(statuses)
    assert (heard.state, heard.learning_rate, heard.beta, heard.steered) == ("paused", 1e-3, 4, True)
    statuses.close()  # as if it were killed now

    statuses = fit(run)
    assert next(statuses).learning_rate == 1e-3
    assert list(statuses)[-1].steered
    lines, _ = run.metric_lines()
    rates = {(line.peak_learning_rate, line.beta) for line in lines if line.step <= 15}
    assert rates == {(run.config.learning_rate, 1)}
    assert {(line.peak_learning_rate, line.beta) for line in lines if line.step > 15} == {(1e-3, 4)}
    plain = {line.step: line.learning_rate for line in trained.metric_lines()[0]}
    later = next(line for line in lines if line.step in plain and line.step > 15)
    assert later.learning_rate == pytest.approx(plain[later.step] / 3)
    assert run.config == trained.config, "the config says what the run was made of"


def test_slow_motion_shows_every_batch_and_can_be_ended_at_any_time(run: Run) -> None:
    statuses = fit(run)
    run.update_request(pause_at=13)
    until(statuses, "paused")
    run.update_request(pause_at=None, delay=0.01)
    steps = [status.step for status in itertools.takewhile(lambda status: status.step < 20, statuses)]
    assert set(steps) == set(range(13, 20))
    assert {line.step for line in run.metric_lines()[0] if line.split == "train"} >= set(range(14, 20))
    run.update_request(delay=5)
    next(statuses)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run.update_request, delay=0)
        assert list(statuses)[-1].delay == 0


def test_one_who_waits_hears_at_once(run: Run) -> None:
    requests = Requests(run)
    assert not requests.poll()
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(requests.wait, 60)
        asked = run.update_request(pause_at=7)
        waited.result()
    assert requests.poll()
    assert requests.current == asked
    assert requests.pauses_at(7)
    assert not requests.pauses_at(6)
    assert not requests.poll()


def test_of_two_who_ask_at_once_both_are_heard(run: Run) -> None:
    with ThreadPoolExecutor(2) as pool:
        for number in range(20):
            list(
                pool.map(lambda wish: run.update_request(**wish), ({"beta": number}, {"delay": number / 10}))
            )
            request = run.request()
            assert request is not None
            assert (request.beta, request.delay) == (number, number / 10)


@pytest.mark.parametrize(
    "wish", [{"beta": -1}, {"learning_rate": 0}, {"learning_rate": float("nan")}, {"delay": 1e9}, {"x": 1}]
)
def test_nonsense_is_not_asked_for(wish: dict[str, float], run: Run) -> None:
    with pytest.raises(ValidationError):
        run.update_request(**wish)
    assert run.request() is None


def test_rates_asked_for_before_the_first_batch_survive_a_stop(run: Run) -> None:
    statuses = fit(run)
    run.update_request(pause_at=0)
    assert until(statuses, "paused").step == 0
    run.update_request(beta=4, stop=True)
    assert list(statuses)[-1].state == "stopped"
    assert list(fit(run))[-1].beta == 4
    assert {line.beta for line in run.metric_lines()[0] if line.split == "train"} == {4}
    assert run.request() is None


def test_a_signal_before_the_training_begins_is_a_stop(run: Run) -> None:
    """As if it came while PyTorch is imported, to a run that was stopped before."""
    statuses = fit(run)
    next(statuses)
    run.request_stop()
    step = list(statuses)[-1].step
    stop = threading.Event()
    stop.set()
    assert [(status.state, status.step) for status in fit(run, stop)] == [("stopped", step)]


def test_a_signal_while_it_trains_is_a_stop(run: Run, trained: Run) -> None:
    stop = threading.Event()
    statuses = fit(run, stop)
    run.update_request(pause_at=17)
    until(statuses, "paused")
    stop.set()
    assert [status.state for status in statuses][-1] == "stopped"
    vae.train(run.config, run.path.parent)
    assert_same_weights(run, trained)


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_a_stop_is_heard_during_an_evaluation_which_is_made_up_for(
    epoch: int, run: Run, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()

    def stopped(model: VAE, images: torch.Tensor, *before_batch: Callable[[], object]) -> TensorScores:
        lines, _ = run.metric_lines()
        if before_batch and (lines[-1].step if lines else 0) == epoch * 12:
            stop.set()
        return score_set(model, images, *before_batch)

    with monkeypatch.context() as patch:
        patch.setattr("vae.training.loop.score_set", stopped)
        last = list(fit(run, stop))[-1]
    assert (last.state, last.step) == ("stopped", 12 * epoch)
    assert not [line for line in run.metric_lines()[0] if line.split == "test" and line.step == last.step]
    vae.train(run.config, run.path.parent)
    assert run.status().state == "finished"
    assert_same_weights(run, trained)
    lines = [
        [line.model_dump(exclude={"seconds"}) for line in each.metric_lines()[0]] for each in (run, trained)
    ]
    assert lines[0] == lines[1]
    assert [path.name for path in run.snapshots()] == [path.name for path in trained.snapshots()]


def test_what_was_steered_outlives_a_kill(small: Path) -> None:
    run = new_run(small_config(epochs=400), small)
    command = [sys.executable, "-m", "vae", "resume", str(run.path)]
    with VaeProcess(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: run.status().step > 20)
        number = run.update_request(beta=4).number
        wait_until(lambda: run.status().heard == number)
        changed = run.status().step
        wait_until(lambda: run.status().step > changed + 20)
        process.kill()
    statuses = fit(run)
    first = next(statuses)
    assert (first.beta, first.steered) == (4, True)
    assert first.step >= changed
    statuses.close()


def test_the_last_batch_in_slow_motion_is_not_waited_for(run: Run) -> None:
    statuses = fit(run)
    run.update_request(pause_at=5, delay=5)
    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(until, statuses, "paused")
        run.update_request(pause_at=1)
        assert paused.result().step <= 2
    run.update_request(pause_at=paused.result().step + 1)
    began = time.monotonic()
    until(statuses, "paused")
    assert time.monotonic() - began < 5


def test_a_run_that_was_deleted_is_not_asked_back_to_life(run: Run) -> None:
    delete_run(run)
    for order in (lambda: run.update_request(stop=True), run.is_locked, lambda: delete_run(run)):
        with pytest.raises(VaeError, match="is gone"):
            order()
    assert not run.path.exists()


def test_a_damaged_request_does_not_hurt_the_training(run: Run) -> None:
    statuses = fit(run)
    next(statuses)
    run.request_path.write_text("{")
    assert list(statuses)[-1].state == "finished"
    run.request_path.write_text("{")
    with pytest.raises(VaeError, match=r"request.json is damaged"):
        run.update_request(stop=True)


def test_rates_asked_of_a_run_that_failed_are_meant_for_its_resumption(small: Path) -> None:
    config = small_config(schedule="constant", epochs=3, learning_rate=1.0)
    with pytest.raises(VaeError, match="lower the learning rate"):
        vae.train(config, small)
    run = new_run(config, small)
    run.update_request(learning_rate=1e-3, stop=True)  # the stop came too late for the one that failed
    status = list(fit(run))[-1]
    assert (status.state, status.learning_rate) == ("finished", 1e-3)


def test_a_request_is_whole() -> None:
    assert Request(number=1).model_dump() == {
        "number": 1,
        "stop": False,
        "pause_at": None,
        "delay": 0,
        "learning_rate": None,
        "beta": None,
    }
    assert Request().number != Request().number
