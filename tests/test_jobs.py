"""The training process as the pages start, find and stop it."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browser import wait_until
from tests.conftest import small_config
from vae import jobs
from vae.catalogue import list_runs, new_run
from vae.errors import VaeError
from vae.runs import Run


@pytest.fixture
def nothing_left_running(small: Path) -> Iterator[None]:
    yield
    if (run := jobs.live_run(small)) is not None:
        run.ask_to_stop()
        wait_until(lambda: jobs.live_run(small) is None)


@pytest.mark.usefixtures("nothing_left_running")
def test_a_started_run_trains_in_its_own_session_stops_and_resumes(small: Path) -> None:
    run = jobs.start(small_config(epochs=2000), small)
    assert run.status().state == "starting"
    assert jobs.live_run(small) == run
    wait_until(lambda: run.status().step > 20)
    pid = run.status().pid
    assert pid is not None
    assert os.getsid(pid) == pid != os.getsid(0)
    assert jobs.live_run(small) == run

    with pytest.raises(VaeError, match=f"{run.name} is being trained. Watch it, or stop it"):
        jobs.start(small_config(seed=2), small)
    assert len(list_runs(small)) == 1, "a refused start leaves a run behind"
    assert jobs.start(run.config, small) == run, "the same config is the same run"

    run.ask_to_stop()
    wait_until(lambda: run.status().state == "stopped")
    assert jobs.live_run(small) is None
    step = run.status().step

    jobs.resume(run)
    wait_until(lambda: run.status().step > step)
    run.ask_to_stop()
    wait_until(lambda: run.status().state == "stopped")
    assert (run.path / "log.txt").read_text().count(run.name) >= 2


@pytest.mark.usefixtures("nothing_left_running")
def test_of_two_starts_at_the_same_instant_one_wins(small: Path) -> None:
    def start(seed: int) -> str:
        try:
            return jobs.start(small_config(epochs=2000, seed=seed), small).name
        except VaeError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(start, (1, 2)))
    assert sum("is being trained. Watch it" in answer for answer in answers) == 1
    assert len(list_runs(small)) == 1


def test_a_finished_run_is_not_started_again(trained: Run) -> None:
    before = trained.status()
    assert jobs.start(trained.config, trained.path.parent).path == trained.path
    assert trained.status() == before


def test_a_damaged_run_does_not_hinder_the_search_for_a_live_one(small: Path) -> None:
    (new_run(small_config(), small, "broken").path / "status.json").write_text("{")
    assert jobs.live_run(small) is None
