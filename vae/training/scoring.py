"""Scores of image sets by the torch model: posteriors and losses, as `vae.inference.scoring` by NumPy.

Shapes: N images, P values of a picture, Z latent size.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vae.datasets.images import MAX_LEVEL
from vae.inference.forward import BATCH
from vae.inference.scoring import scoring_noise
from vae.models import losses
from vae.models.network import VAE


class Posterior(NamedTuple):
    """q(z|x), a diagonal Gaussian for each image."""

    mean: Tensor  # (N, Z)
    logvar: Tensor  # (N, Z)


class TensorScores(NamedTuple):
    """As `vae.inference.scoring.Scores`, on the model's device."""

    mean: Tensor  # (N, Z)
    logvar: Tensor  # (N, Z)
    reconstruction: Tensor  # (N,)
    kl: Tensor  # (N,)


def pixels(images: Tensor) -> Tensor:
    """Rows of values as the model reads them: (N, P) uint8 -> float32 in [0, 1]."""
    return images.float().div_(MAX_LEVEL)


@torch.no_grad()
def encode_set(model: VAE, images: Tensor) -> Posterior:
    """The posteriors of a set of images, (N, P) uint8, encoded in batches."""
    encoded = [model.encoder(pixels(batch)) for batch in images.split(BATCH)]
    return Posterior(*(torch.cat(part) for part in zip(*encoded, strict=True)))


@torch.no_grad()
def score_set(model: VAE, images: Tensor, before_batch: Callable[[], object] = lambda: None) -> TensorScores:
    """Posteriors and losses of a set of images, (N, P) uint8, in one pass; z sampled once.

    The noise is the same at every call, so that two evaluations of the same weights agree. `before_batch` is
    called before every BATCH images; what it raises ends the pass.
    """
    noise = torch.from_numpy(scoring_noise(len(images), model.decoder.latent_dim)).to(images.device)
    batches = []
    for batch, drawn in zip(images.split(BATCH), noise.split(BATCH), strict=True):
        before_batch()
        x = pixels(batch)
        mean, logvar = model.encoder(x)
        logits = model.decoder(model.reparameterize(mean, logvar, drawn))
        batches.append((mean, logvar, model.likelihood.loss(logits, x), losses.kl(mean, logvar)))
    return TensorScores(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
