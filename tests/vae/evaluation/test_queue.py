"""A run's figures beside its weights, and the process that makes them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.browser import wait_until
from tests.support.evaluations import evaluation_of
from tests.support.small_runs import save_model
from tests.vae.runs.test_archive import packed
from vae.evaluation import queue
from vae.evaluation.queue import Job, begin, latest_job
from vae.runs.archive import unpack
from vae.runs.catalogue import delete_run, new_run
from vae.runs.evaluation_record import evaluation_path, load_evaluation, save_evaluation
from vae.runs.run import Run


@pytest.fixture
def run(runs_dir: Path, trained: Run) -> Run:
    """A finished run, not evaluated yet."""
    return Run(runs_dir / trained.name)


def test_figures_are_those_of_these_weights_and_of_no_others(run: Run) -> None:
    assert load_evaluation(run) is None
    figures = evaluation_of(run)
    save_evaluation(run, figures)
    assert load_evaluation(run) == figures
    model = run.load_model()
    model.decoder.linear("logits").bias.data[0] += 1e-6
    save_model(run.model_path, model, run.config, 36, 3.0)
    assert load_evaluation(run) is None
    run.model_path.unlink()
    assert load_evaluation(run) is None


def test_figures_travel_with_the_run(run: Run, tmp_path: Path) -> None:
    save_evaluation(run, evaluation_of(run))
    assert load_evaluation(unpack(packed(run), tmp_path / "here")) == evaluation_of(run)


def test_two_tabs_that_ask_at_the_same_instant_evaluate_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, evaluated = threading.Barrier(2), list[Run]()

    def job() -> Job:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)  # for another that has not seen this one either; in vain
        return Job()

    monkeypatch.setattr(queue, "Job", job)
    monkeypatch.setattr(queue, "_perform", lambda _, run, __: evaluated.append(run))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(begin, ("evaluate", "evaluate"), (run, run)))
    assert both.broken
    wait_until(lambda: len(evaluated) > 0)
    assert evaluated == [run]


@pytest.mark.usefixtures("forked")
def test_two_are_evaluated_one_after_the_other_and_what_fails_says_why(run: Run) -> None:
    broken = Run(run.path.parent / "broken")
    broken.path.mkdir()
    for name in ("config.json", "status.json"):
        (broken.path / name).write_bytes((run.path / name).read_bytes())
    broken.model_path.write_bytes(b"no weights")
    with queue._running["evaluate"]:  # as while another is evaluated
        begin("evaluate", broken)
        begin("evaluate", run)
        first = latest_job("evaluate", run)
        begin("evaluate", run)
        assert latest_job("evaluate", run) is first == Job()
    wait_until(
        lambda: all(
            job is not None and job.ended for job in (latest_job("evaluate", each) for each in (broken, run))
        )
    )
    assert first is not None
    assert (first.progress, first.error) == (1.0, "")
    figures = load_evaluation(run)
    assert figures is not None
    assert (figures.run, figures.images, figures.importance_samples) == (run.name, 200, 500)
    failed = latest_job("evaluate", broken)
    assert failed is not None
    assert "broken/model.safetensors cannot be used" in failed.error
    assert not evaluation_path(broken).exists()


def test_an_error_of_a_deleted_run_is_not_that_of_a_new_run_of_its_name(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_perform", lambda *_: None)
    begin("evaluate", run)
    job = latest_job("evaluate", run)
    assert job is not None
    job.ended, job.error = True, "It fell over."
    config = run.config
    delete_run(run)
    new = new_run(config, run.path.parent)
    assert new == run
    assert latest_job("evaluate", new) is None
    begin("evaluate", new)
    assert latest_job("evaluate", new) == Job()
