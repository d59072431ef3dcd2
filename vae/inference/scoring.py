"""Scores of image sets by NumPy: posteriors and losses.

Shapes: N images, S pixels a side, Z latent size.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from vae import VaeError
from vae.datasets.images import ImageArray
from vae.inference.forward import BATCH, Model, kl, pixels
from vae.inference.scored_set import Floats, Indices, ScoredSet

NOISE_SEED = 0
CHECKED = 10  # images, of which stored scores are compared with computed ones
TOLERANCE = 1e-2, 1e-3  # absolute and relative: devices sum in other orders


class Scores(NamedTuple):
    """Posteriors and losses of a set of images; losses in nats, z sampled once."""

    mean: Floats  # (N, Z)
    logvar: Floats  # (N, Z)
    reconstruction: Floats  # (N,)
    kl: Floats  # (N,)

    @property
    def finite(self) -> bool:
        """Whether all values are finite."""
        return all(bool(np.isfinite(values).all()) for values in self)


def scoring_noise(count: int, latent_dim: int) -> Floats:
    """The noise with which the z of `count` images are sampled, the same at every call: (N, Z).

    The trainer scores with the same, so that its scores and those of the pages agree.
    """
    return np.random.default_rng(NOISE_SEED).standard_normal((count, latent_dim), np.float32)


def score_images(
    model: Model, images: ImageArray, progress: Callable[[float], object] = lambda _: None
) -> Scores:
    """Posteriors and losses of images (N, S, S); calls `progress` with the share done, 0 to 1."""
    noise = scoring_noise(len(images), model.config.latent_dim)
    batches = [slice(start, start + BATCH) for start in range(0, len(images), BATCH)]
    parts = []
    for batch in batches:
        parts.append(_score(model, images[batch], noise[batch]))
        progress(min(1, batch.stop / len(images)))
    return Scores(*(np.concatenate(part) for part in zip(*parts, strict=True)))


@np.errstate(over="ignore", invalid="ignore")  # of weights that have diverged, which callers refuse
def _score(model: Model, images: ImageArray, noise: Floats) -> Scores:
    x = pixels(images)
    mean, logvar = model.encode(x)
    deviation: Floats = np.exp(logvar * np.float32(0.5))
    logits = model.logits(mean + deviation * noise)
    return Scores(mean, logvar, model.reconstruction_loss(logits, x), kl(mean, logvar))


def scores_match(scores: Scores, model: Model, images: ImageArray) -> bool:
    """Whether scores are those of this model and these images (N, S, S): some are scored to compare."""
    if len(scores.mean) != len(images):
        return False
    few = np.linspace(0, len(images) - 1, min(CHECKED, len(images))).astype(int)
    computed = _score(model, images[few], scoring_noise(len(images), model.config.latent_dim)[few])
    absolute, relative = TOLERANCE
    # NaN equals NaN: the scores of weights that have diverged need not be computed again.
    return all(
        np.allclose(found[few], expected, rtol=relative, atol=absolute, equal_nan=True)
        for found, expected in zip(scores, computed, strict=True)
    )


def valid_scores(model: Model, images: ImageArray, stored: Scores | None) -> Scores:
    """The stored scores of images (N, S, S) if they are those of this model and these images, else new ones.

    Scores are missing in files of earlier versions; they are those of other images where the data set has
    been replaced.
    """
    return (
        stored if stored is not None and scores_match(stored, model, images) else score_images(model, images)
    )


def diverged(run: str, which: str) -> VaeError:
    """The error that scores of a run's training or test pictures are not finite, and what to do.

    Args:
        run: its name.
        which: "training" or "test".
    """
    return VaeError(
        f"The loss of some {which} pictures is no number under the weights of {run}: they have diverged. "
        "Choose another run, or train it again with a third of its learning rate."
    )


def scored_set(images: ImageArray, labels: Indices, scores: Scores) -> ScoredSet:
    """Images (N, S, S) and their classes (N,) with their scores."""
    return ScoredSet(images, labels, scores.mean, scores.logvar, scores.reconstruction, scores.kl)


def loss_from_mean(model: Model, one: ScoredSet) -> float:
    """The reconstruction loss of one image decoded from its posterior's mean, in nats.

    Args:
        one: a set of a single image.
    """
    return float(model.reconstruction_loss(model.logits(one.means), pixels(one.images))[0])
