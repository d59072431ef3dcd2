"""Scores by NumPy: those of torch, and stored ones only if they are of these weights and images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vae.datasets.images import ImageArray, as_rows
from vae.datasets.registry import load
from vae.inference.forward import Model
from vae.inference.scoring import Scores, score_images, scoring_noise, valid_scores
from vae.runs.run import Run
from vae.training.scoring import score_set


@pytest.fixture
def images(small: Path) -> ImageArray:  # noqa: ARG001 (the data)
    """The test set."""
    return load("mnist", train=False).images


@pytest.fixture
def model(trained: Run) -> Model:
    return trained.saved_model().model


def same(one: Scores, other: Scores) -> bool:
    return all(map(np.array_equal, one, other))


def test_they_are_those_of_torch(wide: Run, images: ImageArray) -> None:
    expected = score_set(wide.load_model(), torch.from_numpy(as_rows(images)))
    for found, tensor in zip(score_images(wide.saved_model().model, images), expected, strict=True):
        np.testing.assert_allclose(found, tensor.numpy(), rtol=1e-5, atol=1e-5)


def test_the_share_done_is_told(model: Model, images: ImageArray) -> None:
    shares: list[float] = []
    score_images(model, np.concatenate([images] * 6), shares.append)
    assert shares == [5 / 12, 5 / 6, 1]


def test_those_that_the_trainer_stored_are_taken(trained: Run, images: ImageArray) -> None:
    saved = trained.saved_model()
    assert saved.scores is not None
    assert valid_scores(saved.model, images, saved.scores) is saved.scores


def of_other_weights(model: Model, images: ImageArray) -> Scores:
    weights = {name: values * np.float32(1.01) for name, values in model.weights.items()}
    return score_images(Model(model.config, weights), images)


def of_another_decoder(model: Model, images: ImageArray) -> Scores:
    weights = dict(model.weights)
    weights["decoder.logits.bias"] = weights["decoder.logits.bias"] + np.float32(0.05)
    return score_images(Model(model.config, weights), images)


def of_other_noise(model: Model, images: ImageArray) -> Scores:
    own, flipped = score_images(model, images), score_images(model, images[::-1])
    return own._replace(reconstruction=flipped.reconstruction[::-1])


OTHERS: list[Callable[[Model, ImageArray], Scores | None]] = [
    of_other_weights,
    of_another_decoder,
    of_other_noise,
    lambda model, images: score_images(model, images[::-1]),  # in another order
    lambda model, images: score_images(model, 255 - images),  # another set of as many images
    lambda model, images: score_images(model, images[:150]),
    lambda model, images: score_images(model, np.concatenate((images, images))),
    lambda model, images: score_images(model, images[:1]),
    lambda *_: None,
]


@pytest.mark.parametrize("stored", OTHERS)
def test_others_are_computed_anew(
    stored: Callable[[Model, ImageArray], Scores | None], model: Model, images: ImageArray
) -> None:
    assert same(valid_scores(model, images, stored(model, images)), score_images(model, images))


def test_the_noise_of_an_image_does_not_hang_on_how_many_follow() -> None:
    assert np.array_equal(scoring_noise(7, 3), scoring_noise(9, 3)[:7])
