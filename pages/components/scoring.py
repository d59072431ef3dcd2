"""Arrays through a model and back: what the pages ask of torch.

Each run of a page is a new thread, in which torch would start threads of its own: for a few pictures that
takes twenty times as long as the decoder (16 ms to 0.8, measured). So each function here asks for one.

Shapes: B pictures, S pixels a side, Z latent size.
"""

import numpy as np
import torch

from pages.components.selection import Floats, Indices, ScoredSet
from vae.datasets.pictures import Picture, grey
from vae.evaluation.evaluate import NEIGHBOURS, active_units, neighbours_agreement
from vae.inference import latent_space
from vae.inference.scores import score_set
from vae.models import losses
from vae.models.network import VAE


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
    batches = torch.from_numpy(places).split(latent_space.BATCH)
    return np.concatenate([grey(model.decode(batch)[:, 0].numpy()) for batch in batches])


def loss_from_mean(model: VAE, one: ScoredSet) -> float:
    """Reconstruction loss of a picture decoded from its posterior's mean, in nats."""
    torch.set_num_threads(1)
    pixels = latent_space.pixels(torch.from_numpy(one.images))
    return losses.reconstruction(model.decoder(torch.from_numpy(one.means)), pixels).item()


def neighbourhood(means: Floats, labels: Indices) -> dict[str, float]:
    """Active units of means (N, Z), and the shares of pictures whose neighbours are of their class (N,),
    under the names that `Evaluation` gives them; N above the most neighbours."""
    torch.set_num_threads(1)
    shares = neighbours_agreement(torch.from_numpy(means), torch.from_numpy(labels))
    knn = {f"knn_{count}": share for count, share in zip(NEIGHBOURS, shares, strict=True)}
    return {"active_units": active_units(torch.from_numpy(means)), **knn}


def plane(means: Floats, logvars: Floats) -> Floats:
    """The two coordinates that maps draw (`vae.latent.plane`): (B, Z), (B, Z) -> (B, 2)."""
    return latent_space.plane(torch.from_numpy(means), torch.from_numpy(logvars)).numpy()
