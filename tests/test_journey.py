"""A training, moment by moment: what its snapshots keep, and what is said of those that will not do."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import TEST_IMAGES
from vae import checkpoints
from vae.data import load
from vae.errors import VaeError
from vae.journey import Journey
from vae.latent import encode_set
from vae.runs import Run


@pytest.fixture
def journey(trained: Run, tmp_path: Path) -> Journey:
    """That of a copy of the finished run."""
    shutil.copytree(trained.path, tmp_path / trained.name)
    run = Run(tmp_path / trained.name)
    return Journey(run, run.snapshots(), TEST_IMAGES, 10)


def test_it_goes_from_the_first_step_to_what_was_learned(journey: Journey, small: Path) -> None:  # noqa: ARG001
    moments = list(journey)
    steps = [moment.step for moment in moments]
    assert steps == sorted(steps)
    assert steps[0] == 0
    last, model = moments[-1], journey.run.load_model()
    posterior = encode_set(model, load("mnist", train=False).images)
    np.testing.assert_allclose(last.means, posterior.mean.numpy(), atol=2e-3)
    np.testing.assert_allclose(last.logvars, posterior.logvar.numpy(), atol=2e-3)
    z = posterior.mean[:20]
    torch.testing.assert_close(last.model.decode(z), model.decode(z), atol=5e-3, rtol=0)
    assert (last.model.decode(z) - moments[0].model.decode(z)).abs().max() > 0.1
    assert last.metrics is not None
    assert last.metrics.step == last.step
    assert last.reconstructions.shape == (10, 28, 28)


@pytest.mark.parametrize("part", ["decoder", "mean", "reconstructions"])
def test_weights_that_diverged_get_a_sentence(journey: Journey, part: str) -> None:
    kept = checkpoints.load_snapshot(journey.paths[2], journey.run.config)
    tensor = next(iter(kept.decoder.values())) if part == "decoder" else getattr(kept, part)
    tensor.view(-1)[-1] = torch.inf
    checkpoints.save_snapshot(journey.paths[2], kept)
    assert journey[1].step < journey[3].step
    with pytest.raises(VaeError, match=f"{journey.paths[2].name} holds what is no number"):
        journey[2]


@pytest.mark.parametrize(("images", "classes"), [(10_000, 10), (TEST_IMAGES, 9)])
def test_another_test_set_gets_a_sentence(journey: Journey, images: int, classes: int) -> None:
    with pytest.raises(VaeError, match=rf"200 pictures and 10 classes; .* {images:,} and {classes}"):
        Journey(journey.run, journey.paths, images, classes)[0]


def test_a_run_that_is_deleted_meanwhile_gets_a_sentence(journey: Journey) -> None:
    assert journey[0].step == 0
    shutil.rmtree(journey.run.path)
    with pytest.raises(VaeError, match="is gone: it was deleted"):
        journey[0]
