"""Encoding, decoding and scoring of NumPy images with a torch model.

Streamlit runs each page in a new thread, in which torch would start worker threads of its own. For a few
images these take twenty times as long as the decoder (measured: 16 ms and 0.8 ms). So the functions here that
pages call limit torch to one thread.

Shapes: B or N images, S pixels a side, Z latent size.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae.datasets.images import ImageArray, grey_levels
from vae.inference.latent_space import BATCH, pixels
from vae.inference.scored_set import Floats, Indices, ScoredSet
from vae.models import losses
from vae.models.network import VAE

NOISE_SEED = 0


class Scores(NamedTuple):
    """Posteriors and losses of a set of images; losses in nats, z sampled once."""

    mean: Tensor  # (N, Z)
    logvar: Tensor  # (N, Z)
    reconstruction: Tensor  # (N,)
    kl: Tensor  # (N,)


@torch.no_grad()
def score_set(model: VAE, images: Tensor, before_batch: Callable[[], object] = lambda: None) -> Scores:
    """Posteriors and losses of a set of images, (N, 28, 28) uint8, in one pass.

    The noise is the same at every call, so that two evaluations of the same weights agree. `before_batch` is
    called before every BATCH images; what it raises ends the pass.
    """
    generator = torch.Generator().manual_seed(NOISE_SEED)
    batches = []
    for batch in images.split(BATCH):
        before_batch()
        x = pixels(batch)
        mean, logvar = model.encoder(x)
        noise = torch.randn(mean.shape, generator=generator, dtype=x.dtype, device="cpu").to(mean.device)
        logits = model.decoder(model.reparameterize(mean, logvar, noise))
        batches.append((mean, logvar, losses.reconstruction(logits, x), losses.kl(mean, logvar)))
    return Scores(*(torch.cat(parts) for parts in zip(*batches, strict=True)))


def make_scored_set(model: VAE, images: ImageArray, labels: Indices, *, decoding: bool = True) -> ScoredSet:
    """Images (B, S, S) and their classes (B,) with the model's scores.

    Args:
        decoding: whether the set is to hold the images decoded from the means.
    """
    torch.set_num_threads(1)
    scores = score_set(model, torch.from_numpy(images))
    means = scores.mean.numpy()
    return ScoredSet(
        images=images,
        labels=labels,
        means=means,
        logvars=scores.logvar.numpy(),
        reconstruction=scores.reconstruction.numpy(),
        kl=scores.kl.numpy(),
        decoded=decode_places(model, means) if decoding else np.empty((len(means), 0, 0), np.uint8),
    )


def decode_places(model: VAE, places: Floats) -> ImageArray:
    """The images that a model decodes from latent points: (B, Z) -> (B, S, S)."""
    torch.set_num_threads(1)
    batches = torch.from_numpy(places).split(BATCH)
    return np.concatenate([grey_levels(model.decoder.mean_images(batch)[:, 0].numpy()) for batch in batches])


def loss_from_mean(model: VAE, one: ScoredSet) -> float:
    """The reconstruction loss of one image decoded from its posterior's mean, in nats.

    Args:
        one: a set of a single image.
    """
    torch.set_num_threads(1)
    x = pixels(torch.from_numpy(one.images))
    return losses.reconstruction(model.decoder(torch.from_numpy(one.means)), x).item()
