"""The latent space of a model: where a set of pictures lies in it.

Shapes: N images, P pixels, Z latent size.
"""

import torch
from torch import Tensor

from vae.model import VAE

# Large enough that the matrix products are busy, small enough that a batch stays in the cache.
BATCH = 500


def pixels(images: Tensor) -> Tensor:
    """What the model reads: (N, 28, 28) uint8 -> (N, P) float32 in [0, 1]."""
    return images.flatten(start_dim=1).float().div_(255)


@torch.no_grad()
def encode_set(model: VAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """Posterior means and log-variances of a set: (N, 28, 28) uint8 -> (N, Z), (N, Z)."""
    encoded = [model.encode(pixels(batch)) for batch in images.split(BATCH)]
    means, logvars = zip(*encoded, strict=True)
    return torch.cat(means), torch.cat(logvars)


def plane(means: Tensor, logvars: Tensor) -> Tensor:
    """The two coordinates that maps draw: (N, Z), (N, Z) -> (N, 2).

    The first two of the mean; where the latent space is a line, mean and log-variance.
    """
    return means[:, :2] if means.shape[1] > 1 else torch.cat((means, logvars), dim=1)
