"""The latent space of a model: where pictures lie in it, and where the prior does.

Shapes: N images, P pixels, Z latent size.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae.models.network import VAE

# Large enough that the matrix products are busy, small enough that a batch stays in the cache.
BATCH = 500


class Posterior(NamedTuple):
    """q(z|x), a Gaussian for each image."""

    mean: Tensor  # (N, Z)
    logvar: Tensor  # (N, Z)


def pixels(images: Tensor) -> Tensor:
    """What the model reads: (N, 28, 28) uint8 -> (N, P) float32 in [0, 1]."""
    return images.flatten(start_dim=1).float().div_(255)


@torch.no_grad()
def encode_set(model: VAE, images: Tensor) -> Posterior:
    """What the encoder makes of each image of a set: (N, 28, 28) uint8."""
    encoded = [model.encode(pixels(batch)) for batch in images.split(BATCH)]
    return Posterior(*(torch.cat(part) for part in zip(*encoded, strict=True)))


def plane(means: Tensor, logvars: Tensor) -> Tensor:
    """The two coordinates that maps draw: (N, Z), (N, Z) -> (N, 2).

    The first two of the mean; where the latent space is a line, mean and log-variance.
    """
    return means[:, :2] if means.shape[1] > 1 else torch.cat((means, logvars), dim=1)


def prior_grid(count: int) -> Tensor:
    """Places of the plane as a map shows them, row, column -> x, y: (count, count, 2) float64.

    In both directions they are quantiles of the prior N(0, 1), each in the middle of a part of the same
    probability. The top row has the largest y.
    """
    quantiles = torch.special.ndtri((torch.arange(count, dtype=torch.float64) + 0.5) / count)
    y, x = torch.meshgrid(quantiles.flip(0), quantiles, indexing="ij")
    return torch.stack((x, y), dim=-1)
