"""What is said of one moment of a training is the same everywhere: pages, `evaluate`, lines of metrics."""

from pathlib import Path

import pytest
import streamlit

from pages.components.compare.metrics_table import quick_metrics
from pages.components.runs import loaded_model, run_moments
from tests.support.app_test import PAGES, html, visit
from tests.support.small_runs import save_model, small_config
from tests.vae.training.test_requests import until
from vae.evaluation.evaluate import evaluate
from vae.runs.catalogue import new_run
from vae.runs.evaluation_record import save_evaluation
from vae.runs.records import Metrics
from vae.runs.run import Run
from vae.training.loop import fit

DIGITS = 9  # of about a thousand nats; what is shown has at most two after the point


@pytest.fixture
def run(small: Path) -> Run:
    streamlit.cache_resource.clear()
    return new_run(small_config(), small)


def losses(run: Run, digits: int = DIGITS) -> dict[str, float]:
    """What the pages show of the newest weights, compared with `evaluate` on the way."""
    loaded_model.refresh(run)
    shown = quick_metrics(loaded_model.load(run))
    figures = evaluate(run, samples=2).model_dump()
    assert figures["step"] == loaded_model.load(run).step
    assert {name: round(figures[name], digits) for name in shown} == {
        name: round(value, digits) for name, value in shown.items()
    }
    return shown


def assert_same(shown: dict[str, float], line: Metrics | None) -> None:
    assert line is not None
    found = [round(shown[name], DIGITS) for name in ("reconstruction", "kl", "negative_elbo")]
    assert found == [round(value, DIGITS) for value in (line.reconstruction, line.kl, -line.elbo)]


def test_after_the_end(run: Run) -> None:
    for _ in fit(run):
        pass
    assert_same(losses(run), run.newest_test_metrics())


def test_at_pauses_and_after_a_stop_within_an_epoch(run: Run) -> None:
    run.update_request(pause_at=12)
    statuses = fit(run)
    until(statuses, "paused")
    at_the_end_of_an_epoch = losses(run)
    assert_same(at_the_end_of_an_epoch, run.newest_test_metrics())
    run.update_request(pause_at=17)
    until(statuses, "paused")
    assert loaded_model.load(run).step == 12  # they rest for some seconds
    within = losses(run)
    assert loaded_model.load(run).step == 17
    assert within["negative_elbo"] < at_the_end_of_an_epoch["negative_elbo"]
    run.request_stop()
    assert list(statuses)[-1].state == "stopped"
    assert losses(run) == within
    for _ in fit(run):
        pass
    assert_same(losses(run), run.newest_test_metrics())


def test_what_stands_on_the_page_is_what_the_line_says(runs_dir: Path, trained: Run, wide: Run) -> None:
    runs = Run(runs_dir / trained.name), new_run(wide.config, runs_dir)
    save_model(runs[1].model_path, wide.load_model(), wide.config, 12, 1.0)  # without scores
    line, figures = trained.newest_test_metrics(), evaluate(runs[0], samples=2)
    assert line is not None
    for evaluated in (False, True):
        if evaluated:
            for run in runs:
                save_evaluation(run, evaluate(run, samples=2))
        text = html(visit(PAGES[3], None, **{"run": runs[0].name, "with": runs[1].name}))
        error = f" ± {figures.standard_error:.2f}" if evaluated else ""
        for value, what in ((-line.elbo, error), (line.reconstruction, ""), (line.kl, "")):
            assert f"{value:.2f}{what}<" in text
    moment = run_moments.load(runs[0], loaded_model.load(runs[0])).moments[-1]
    assert moment.test == pytest.approx((line.reconstruction, line.kl), rel=1e-9)


def test_a_file_without_scores_gives_nearly_the_same(runs_dir: Path, trained: Run) -> None:
    """As of formats 1 and 2, or where the data set is another: computed by NumPy."""
    run = Run(runs_dir / trained.name)
    save_model(run.model_path, run.load_model(), run.config, 36, 3.0)
    line, shown = trained.newest_test_metrics(), losses(run, digits=4)
    assert line is not None
    assert shown["negative_elbo"] == pytest.approx(-line.elbo, rel=1e-6)
