"""Posterior and losses of each image of a set.

Shapes: N images, Z latent size.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae.inference.latent_space import BATCH, pixels
from vae.models import losses
from vae.models.network import VAE

NOISE_SEED = 0


class Scores(NamedTuple):
    """What a model makes of each image of a set; losses in nats, z sampled once."""

    mean: Tensor  # (N, Z)
    logvar: Tensor  # (N, Z)
    reconstruction: Tensor  # (N,)
    kl: Tensor  # (N,)


@torch.no_grad()
def score_set(model: VAE, images: Tensor) -> Scores:
    """Posterior and losses of each image, in one pass: (N, 28, 28) uint8.

    The noise is the same at every call, so that two evaluations of the same weights agree.
    """
    generator = torch.Generator().manual_seed(NOISE_SEED)
    batches = []
    for batch in images.split(BATCH):
        x = pixels(batch)
        mean, logvar = model.encode(x)
        noise = torch.randn(mean.shape, generator=generator).to(mean.device)
        logits = model.decoder(model.reparameterize(mean, logvar, noise))
        batches.append((mean, logvar, losses.reconstruction(logits, x), losses.kl(mean, logvar)))
    return Scores(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
