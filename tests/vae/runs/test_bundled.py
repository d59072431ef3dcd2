"""The runs that come with the project: small, whole, and each what its lesson says it is."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import BUNDLED
from vae.config import TrainConfig
from vae.datasets.registry import load
from vae.inference.forward import kl
from vae.inference.scoring import scores_match
from vae.runs.archive import check_run
from vae.runs.catalogue import list_runs
from vae.runs.run import Run

LESSONS = {
    "beta-0": TrainConfig.preset("small", beta=0),
    "beta-0.1": TrainConfig.preset("small", beta=0.1),
    "beta-1": TrainConfig.preset("small"),
    "beta-4": TrainConfig.preset("small", beta=4),
    "beta-40": TrainConfig.preset("small", beta=40),
    "beta-1-seed-2": TrainConfig.preset("small", seed=2),
    "z-10": TrainConfig.preset("small", latent_dim=10),
}
RUNS = {name: Run(BUNDLED.parent / name) for name in LESSONS}
MB = 1_000_000


@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_a_lesson_is_whole_and_scored(name: str) -> None:
    run = RUNS[name]
    check_run(run)
    assert run.config.identity == LESSONS[name].identity
    assert run.status().state == "finished"
    assert not run.is_steered()
    saved = run.saved_model()
    assert saved.scores is not None
    assert scores_match(saved.scores, saved.model, load("mnist", train=False).images)
    assert len(run.snapshots()) == (0 if name == "z-10" else 2)
    line = run.newest_test_metrics()
    assert line is not None
    assert line.kl == pytest.approx(saved.scores.kl.mean(), rel=1e-4)


def test_beta_40_has_collapsed_and_beta_4_has_not() -> None:
    for name, collapsed in (("beta-40", True), ("beta-4", False)):
        scores = RUNS[name].saved_model().scores
        assert scores is not None
        each = [kl(scores.mean[:, [i]], scores.logvar[:, [i]]).mean() for i in range(scores.mean.shape[1])]
        assert [float(nats) < 0.01 for nats in each] == [collapsed] * 2


def test_half_of_ten_dimensions_are_inactive() -> None:
    scores = RUNS["z-10"].saved_model().scores
    assert scores is not None
    each = np.array([kl(scores.mean[:, [i]], scores.logvar[:, [i]]).mean() for i in range(10)])
    assert (each < 0.01).sum() == 5
    assert each[each >= 0.01].min() > 1


def test_the_best_run_has_twenty_moments_most_of_them_early() -> None:
    run = Run(BUNDLED)
    check_run(run)
    steps = [int(path.stem) for path in run.snapshots()]
    assert len(steps) == 19  # and the final weights
    assert steps[0] == 0
    assert sum(step < run.status().total_steps // run.config.epochs for step in steps) >= 8
    saved = run.saved_model()
    assert saved.scores is not None
    assert scores_match(saved.scores, saved.model, load("mnist", train=False).images)


def test_the_best_run_is_the_first_that_a_fresh_clone_shows(tmp_path: Path) -> None:
    """Whatever the times of its files, which are those of the checkout."""
    for number, run in enumerate((*RUNS.values(), Run(BUNDLED))):
        copy = tmp_path / run.name
        copy.mkdir()
        for name in ("config.json", "status.json"):
            shutil.copyfile(run.path / name, copy / name)
            os.utime(copy / name, (2e9 - 60 * number,) * 2)
    names = [run.name for run in list_runs(tmp_path)]
    assert names[0] == BUNDLED.name
    assert set(names[1:]) == set(RUNS)


def test_all_runs_together_are_small() -> None:
    assert Run(BUNDLED).size() < 16 * MB
    assert sum(run.size() for run in (Run(BUNDLED), *RUNS.values())) < 24 * MB
