"""A training, moment by moment: what its snapshots keep, and what is said of those that will not do."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from vae import VaeError
from vae.datasets.registry import load
from vae.inference.forward import pixels
from vae.runs import checkpoints
from vae.runs.run import Run
from vae.runs.snapshots import ModelAtStep, SnapshotSequence


@pytest.fixture
def journey(trained: Run, tmp_path: Path, small: Path) -> SnapshotSequence:  # noqa: ARG001
    """That of a copy of the finished run, its last snapshot before what is explored."""
    shutil.copytree(trained.path, tmp_path / trained.name)
    run = Run(tmp_path / trained.name)
    model = run.saved_model().model
    means, logvars = model.encode(pixels(load("mnist", train=False).images))
    last = ModelAtStep(36, model, means, logvars, np.zeros((10, 28, 28), np.uint8))
    return SnapshotSequence(run, run.snapshots(), last)


def test_it_goes_from_the_first_step_to_what_is_explored(journey: SnapshotSequence) -> None:
    *moments, loaded = journey
    assert loaded is journey.last
    assert len(journey) == len(moments) + 1
    steps = [moment.step for moment in moments]
    assert steps == sorted(steps)
    assert steps[0] == 0
    last, model = moments[-1], loaded.model
    np.testing.assert_allclose(last.means, loaded.means, atol=2e-3)
    np.testing.assert_allclose(last.logvars, loaded.logvars, atol=2e-3)
    drawn, again, first = (
        each.decode(loaded.means[:20]).astype(int) for each in (model, last.model, moments[0].model)
    )
    assert np.abs(again - drawn).max() <= 2
    assert np.abs(again - first).max() > 25
    assert last.reconstructions.shape == (10, 28, 28)


@pytest.mark.parametrize("part", ["decoder", "mean", "reconstructions"])
def test_weights_that_diverged_get_a_sentence(journey: SnapshotSequence, part: str) -> None:
    kept = checkpoints.load_snapshot(journey.paths[2], journey.run.config)
    tensor = next(iter(kept.decoder.values())) if part == "decoder" else getattr(kept, part)
    tensor.reshape(-1)[-1] = np.inf
    checkpoints.save_snapshot(journey.paths[2], kept)
    assert journey[1].step < journey[3].step
    with pytest.raises(VaeError, match=f"{journey.paths[2].name} holds what is no number"):
        journey[2]


@pytest.mark.parametrize(("images", "classes"), [(150, 10), (200, 9)])
def test_another_test_set_gets_a_sentence(journey: SnapshotSequence, images: int, classes: int) -> None:
    last = journey.last
    other = last._replace(means=last.means[:images], reconstructions=last.reconstructions[:classes])
    with pytest.raises(VaeError, match=rf"200 pictures and 10 classes; .* {images:,} and {classes}"):
        SnapshotSequence(journey.run, journey.paths, other)[0]


def test_losses_of_a_later_step_are_refused(journey: SnapshotSequence) -> None:
    kept = checkpoints.load_snapshot(journey.paths[2], journey.run.config)
    assert kept.metrics is not None
    step = int(journey.paths[2].stem)
    for told in (step - 1, step):  # the newest line of the log
        metrics = kept.metrics.model_copy(update={"step": told})
        checkpoints.save_snapshot(journey.paths[2], kept._replace(metrics=metrics))
        assert journey[2].step == step
    metrics = kept.metrics.model_copy(update={"step": 999_999})
    checkpoints.save_snapshot(journey.paths[2], kept._replace(metrics=metrics))
    with pytest.raises(
        VaeError, match=f"{journey.paths[2].name} is damaged: it has the losses of step 999,999"
    ):
        journey[2]


def test_a_run_that_is_deleted_meanwhile_gets_a_sentence(journey: SnapshotSequence) -> None:
    assert journey[0].step == 0
    shutil.rmtree(journey.run.path)
    with pytest.raises(VaeError, match="is gone: it was deleted"):
        journey[0]
