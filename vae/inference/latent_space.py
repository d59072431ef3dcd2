"""Posteriors of image sets, and a grid of latent points that follows the prior (torch).

Shapes: N images, P pixels, Z latent size.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae.models.network import VAE

# Large enough to keep the matrix products busy, small enough for the processor's cache.
BATCH = 500


class Posterior(NamedTuple):
    """q(z|x), a diagonal Gaussian for each image."""

    mean: Tensor  # (N, Z)
    logvar: Tensor  # (N, Z)


def pixels(images: Tensor) -> Tensor:
    """Images as the model reads them: (N, 28, 28) uint8 -> (N, P) float32 in [0, 1]."""
    return images.flatten(start_dim=1).float().div_(255)


@torch.no_grad()
def encode_set(model: VAE, images: Tensor) -> Posterior:
    """The posteriors of a set of images, (N, 28, 28) uint8, encoded in batches."""
    encoded = [model.encoder(pixels(batch)) for batch in images.split(BATCH)]
    return Posterior(*(torch.cat(part) for part in zip(*encoded, strict=True)))


def prior_grid(count: int) -> Tensor:
    """A square grid of map positions x, y, by row and column: (count, count, 2) float64.

    In both directions the positions are quantiles of the prior N(0, 1), each at the median of one of `count`
    intervals of equal probability. The top row has the largest y.
    """
    quantiles = torch.special.ndtri((torch.arange(count, dtype=torch.float64) + 0.5) / count)
    y, x = torch.meshgrid(quantiles.flip(0), quantiles, indexing="ij")
    return torch.stack((x, y), dim=-1)
