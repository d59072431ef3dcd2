"""Runs of earlier versions open in this one: one of each format is kept, as it was written then.

They were stopped in the middle, on the small MNIST of `conftest.py`, with fields that are not the defaults.
None of these files is ever made anew; a new format gets a run of its own, beside these.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.support.paths import ROOT
from vae.config import TrainConfig
from vae.evaluation.evaluate import evaluate
from vae.runs.archive import check_run
from vae.runs.records import FORMAT
from vae.runs.run import Run
from vae.training.loop import fit

KEPT = {2: ROOT / "tests" / "run_of_format_2"}


@pytest.fixture(params=KEPT)
def run(request: pytest.FixtureRequest, small: Path) -> Run:
    """A copy of a run as it was written, with the data that it was trained on."""
    run = Run(small / "kept")
    shutil.copytree(KEPT[request.param], run.path)
    assert json.loads((run.path / "config.json").read_bytes())["format"] == request.param
    return run


def test_there_is_a_run_of_each_format() -> None:
    assert set(KEPT) == set(range(2, FORMAT + 1))


def test_it_opens(run: Run) -> None:
    check_run(run)
    assert run.config == TrainConfig(
        hidden_dims=(4, 4),
        network="residual",
        activation="gelu",
        epochs=4,
        restarts=(1,),
        batch_size=50,
        learning_rate=5e-3,
        adam_beta2=0.99,
        pixel_dropout=0.1,
        beta=0.5,
        seed=7,
        device="cpu",
        threads=1,
    )
    status = run.status()
    assert (status.state, status.step, status.total_steps) == ("stopped", 28, 48)
    lines, _ = run.metrics()
    assert [line.step for line in lines if line.split == "test"] == [0, 12, 24]
    assert [path.name for path in run.snapshots()] == ["00000000.safetensors", "00000022.safetensors"]


def test_it_evaluates_and_decodes_as_it_did(run: Run) -> None:
    scores = evaluate(run, samples=2)
    assert scores.step == 28
    assert scores.epoch == pytest.approx(28 / 12)
    assert scores.negative_elbo == pytest.approx(NEGATIVE_ELBO, abs=1)  # of one sample here
    pixels = run.load_model().decode(torch.tensor([[0.5, -1.0]])).flatten()
    assert pixels[[300, 350, 406, 434, 500]].tolist() == pytest.approx(DECODED, abs=1e-3)


def test_it_goes_on_to_its_end(run: Run) -> None:
    for _ in fit(run):
        pass
    assert run.status().state == "finished"
    lines, _ = run.metrics()
    assert [line.step for line in lines if line.split == "test"] == [0, 12, 24, 36, 48]
    assert lines[-1].elbo == pytest.approx(-435.8, abs=2)
    check_run(run)


# Nats per image with 16 samples of z, and pixels at z = (0.5, -1), as the version that wrote it had them.
NEGATIVE_ELBO = 465.2
DECODED = [0.5689, 0.3924, 0.5134, 0.5324, 0.5532]
