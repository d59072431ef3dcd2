"""Arrays through a model and back: what the pages ask of torch.

Each run of a page is a new thread, in which torch would start threads of its own: for a few pictures that
takes twenty times as long as the decoder (16 ms to 0.8, measured). So each function here asks for one.

Shapes: B pictures, S pixels a side, Z latent size.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae.datasets.pictures import Picture, grey
from vae.inference import latent_space
from vae.inference.latent_space import BATCH, pixels
from vae.inference.scored_set import Floats, Indices, ScoredSet
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


def scored(model: VAE, images: Picture, labels: Indices, *, decoding: bool = True) -> ScoredSet:
    """Pictures (B, S, S) and their classes (B,) as a model sees them; decoded too, unless nobody looks."""
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
        decoded=decoded(model, means) if decoding else np.empty((len(means), 0, 0), np.uint8),
    )


def decoded(model: VAE, places: Floats) -> Picture:
    """What a model draws at places of its latent space: (B, Z) -> (B, S, S)."""
    torch.set_num_threads(1)
    batches = torch.from_numpy(places).split(BATCH)
    return np.concatenate([grey(model.decode(batch)[:, 0].numpy()) for batch in batches])


def loss_from_mean(model: VAE, one: ScoredSet) -> float:
    """Reconstruction loss of a picture decoded from its posterior's mean, in nats."""
    torch.set_num_threads(1)
    x = pixels(torch.from_numpy(one.images))
    return losses.reconstruction(model.decoder(torch.from_numpy(one.means)), x).item()


def plane(means: Floats, logvars: Floats) -> Floats:
    """The two coordinates that maps draw (`vae.latent.plane`): (B, Z), (B, Z) -> (B, 2)."""
    return latent_space.plane(torch.from_numpy(means), torch.from_numpy(logvars)).numpy()
