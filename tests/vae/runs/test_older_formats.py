"""Runs of earlier versions open in this one: one of each format is kept, as it was written then.

They were stopped in the middle, on the small MNIST of `conftest.py`, with fields that are not the defaults.
None of these files is ever made anew; a new format gets a run of its own, beside these.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from tests.support.paths import ROOT
from vae.config import TrainConfig
from vae.evaluation.evaluate import evaluate
from vae.runs.archive import check_run
from vae.runs.history import read_losses
from vae.runs.records import FORMAT
from vae.runs.run import Run
from vae.runs.titles import given_title
from vae.training.loop import fit

FIRST = TrainConfig(
    hidden_dims=(4, 4),
    activation="gelu",
    epochs=4,
    batch_size=50,
    learning_rate=5e-3,
    beta=0.5,
    seed=7,
    device="cpu",
    threads=1,
)
SECOND = FIRST.model_copy(
    update={"network": "residual", "restarts": (1,), "adam_beta2": 0.99, "pixel_dropout": 0.1}
)


class Kept(NamedTuple):
    """What the version that wrote a run said of it.

    Attributes:
        negative_elbo: at step 28, nats per image; in formats 1 and 2 with 16 samples of z.
        decoded: some pixels at z = (0.5, -1).
        end: the ELBO of the test set after the last step.
    """

    config: TrainConfig
    snapshots: list[str]
    negative_elbo: float
    decoded: list[float]
    end: float


KEPT: Mapping[int, Kept] = {
    1: Kept(FIRST, ["00000000", "00000022"], 486.2, [0.5935, 0.5928, 0.4424, 0.5142, 0.617], -472.8),
    2: Kept(SECOND, ["00000000", "00000022"], 465.2, [0.5689, 0.3924, 0.5134, 0.5324, 0.5532], -435.8),
    3: Kept(SECOND, ["00000000", "00000024"], 466.3, [0.5689, 0.3925, 0.5138, 0.5323, 0.554], -436.9),
    # Its second moment is packed.
    4: Kept(SECOND, ["00000000", "00000024"], 466.3, [0.5689, 0.3925, 0.5138, 0.5323, 0.554], -436.9),
}


@pytest.fixture(params=KEPT)
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def run(version: int, small: Path) -> Run:
    """A copy of a run as it was written, with the data that it was trained on."""
    run = Run(small / "kept")
    shutil.copytree(ROOT / "tests" / f"run_of_format_{version}", run.path)
    assert json.loads((run.path / "config.json").read_bytes())["format"] == version
    return run


def test_there_is_a_run_of_each_format() -> None:
    assert list(KEPT) == list(range(1, FORMAT + 1))


def test_it_opens(version: int, run: Run) -> None:
    check_run(run)
    assert run.config == KEPT[version].config
    status = run.status()
    assert (status.state, status.step, status.total_steps) == ("stopped", 28, 48)
    lines, _ = run.metric_lines()
    assert [line.step for line in lines if line.split == "test"] == [0, 12, 24]
    assert [path.stem for path in run.snapshots()] == KEPT[version].snapshots
    assert (run.saved_model().scores is not None) == (version >= 3)
    assert given_title(run) == ("Kept, of format 4" if version == 4 else None)


def test_its_curves_are_drawn(version: int, run: Run) -> None:
    """Lines of format 1 have no deviation of the ELBO, and no peak of the schedule: that of the config."""
    train, test = read_losses(run)
    assert (train["peak_learning_rate"] == 5e-3).all()
    assert np.isfinite(train["reconstruction_std"]).all()
    assert len(test) == 3
    assert np.isnan(train["elbo_std"]).all() == (version == 1)


def test_it_evaluates_and_decodes_as_it_did(version: int, run: Run) -> None:
    kept, figures = KEPT[version], evaluate(run, samples=2)
    assert figures.step == 28
    assert figures.epoch == pytest.approx(28 / 12)
    # One sample of each z here.
    assert figures.negative_elbo == pytest.approx(kept.negative_elbo, abs=1 if version < 3 else 0.1)
    pixels = run.load_model().decode(torch.tensor([[0.5, -1.0]])).flatten()
    assert pixels[[300, 350, 406, 434, 500]].tolist() == pytest.approx(kept.decoded, abs=1e-3)


def test_it_goes_on_to_its_end(version: int, run: Run) -> None:
    for _ in fit(run):
        pass
    assert run.status().state == "finished"
    assert not run.status().steered
    lines, _ = run.metric_lines()
    assert [line.step for line in lines if line.split == "test"] == [0, 12, 24, 36, 48]
    assert lines[-1].elbo == pytest.approx(KEPT[version].end, abs=2)
    assert run.saved_model().scores is not None
    check_run(run)
