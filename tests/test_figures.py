"""A run's figures beside its weights, and the process that makes them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.browser import wait_until
from tests.figures import evaluation_of
from tests.test_archive import packed
from vae.evaluation import queue
from vae.evaluation.queue import Going, begin_evaluation
from vae.evaluation.queue import evaluation_of as going_of
from vae.runs.archive import unpack
from vae.runs.checkpoints import save_model
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
    model.decoder.logits.bias.data[0] += 1e-6
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

    def going() -> Going:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)  # for another that has not seen this one either; in vain
        return Going()

    monkeypatch.setattr(queue, "Going", going)
    monkeypatch.setattr(queue, "_evaluate", lambda run, _: evaluated.append(run))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(begin_evaluation, (run, run)))
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
    with queue._one_at_a_time:  # as while another is evaluated
        begin_evaluation(broken)
        begin_evaluation(run)
        first = going_of(run)
        begin_evaluation(run)
        assert going_of(run) is first == Going()
    wait_until(lambda: all(going is not None and going.ended for going in map(going_of, (broken, run))))
    assert first is not None
    assert (first.share, first.error) == (1.0, "")
    figures = load_evaluation(run)
    assert figures is not None
    assert (figures.run, figures.images, figures.importance_samples) == (run.name, 200, 500)
    failed = going_of(broken)
    assert failed is not None
    assert "broken/model.safetensors cannot be used" in failed.error
    assert not evaluation_path(broken).exists()
