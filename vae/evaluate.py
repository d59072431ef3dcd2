"""How good a model is, in figures that are published of others too.

Shapes: N images, B batch, K importance samples, P pixels, Z latent size.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vae import losses
from vae.checkpoints import read_position
from vae.data import load
from vae.latent import BATCH, pixels
from vae.model import VAE
from vae.runs import Run

# A bound that tightens slowly: on the project's run 50, 100, 200 and 500 samples give 136.43, 136.30, 136.21
# and 136.10 nats, in time that grows alike.
IMPORTANCE_SAMPLES = 100
NEIGHBOURS = 5
# Burda et al. 2015: a unit is active if the variance of its mean over the data exceeds this.
ACTIVE_VARIANCE = 0.01
NOISE_SEED = 0


@dataclass(frozen=True)
class Evaluation:
    """A run's figures on the test set; losses are means in nats per image."""

    run: str
    step: int
    epoch: float
    images: int
    reconstruction: float
    kl: float
    negative_elbo: float
    nll: float
    importance_samples: int
    active_units: int
    knn_accuracy: float


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


@torch.no_grad()
def negative_log_likelihood(model: VAE, images: Tensor, samples: int) -> Tensor:
    """-log p(x) of each image by importance sampling: (N, 28, 28) uint8 -> (N,), nats.

    log p(x) is about log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x), with z_k from q(z|x): a lower bound in
    expectation, the tighter the larger K; computed in log space. Burda et al. 2015, equation (8).
    """
    generator = torch.Generator().manual_seed(NOISE_SEED)
    estimates = []
    # Bounds the memory of the logits (B, K, P) to about 60 MB.
    for batch in images.split(max(1, 20_000 // samples)):
        x = pixels(batch)
        mean, logvar = model.encode(x)
        noise = torch.randn(len(x), samples, mean.shape[1], generator=generator).to(mean.device)
        z = model.reparameterize(mean[:, None], logvar[:, None], noise)
        logits = model.decoder(z)
        # The cross-entropy with its two terms apart: the data's is a matrix product.
        log_likelihood = torch.bmm(logits, x[:, :, None])[..., 0]
        log_likelihood -= functional.softplus(logits).sum(dim=-1)
        # The constants log(2 pi) of prior and posterior cancel.
        log_prior = -0.5 * z.square().sum(dim=-1)
        log_posterior = -0.5 * (noise.square() + logvar[:, None]).sum(dim=-1)
        log_weights = log_likelihood + log_prior - log_posterior
        estimates.append(math.log(samples) - torch.logsumexp(log_weights, dim=-1))
    return torch.cat(estimates)


def active_units(means: Tensor) -> int:
    """How many latent dimensions carry something: (N, Z) -> 0 to Z."""
    return int((means.var(dim=0) > ACTIVE_VARIANCE).sum())


def knn_accuracy(means: Tensor, labels: Tensor) -> float:
    """Share of images whose class is that of most of their 5 nearest neighbours: (N, Z), (N,) -> 0 to 1.

    The neighbours are the other images of the same set; a tie goes to the nearer ones.
    """
    # A nearer neighbour's vote weighs a little more: enough to break ties, too little to make them.
    weights = 1 - 1e-3 * torch.arange(NEIGHBOURS)
    right = 0
    for start in range(0, len(means), BATCH):
        distances = torch.cdist(means[start : start + BATCH], means)
        rows = torch.arange(len(distances))
        distances[rows, start + rows] = torch.inf
        nearest = distances.topk(NEIGHBOURS, largest=False).indices
        votes = functional.one_hot(labels[nearest], 10) * weights[:, None]
        right += int((votes.sum(dim=1).argmax(dim=1) == labels[start : start + BATCH]).sum())
    return right / len(means)


def evaluate(run: Run, samples: int = IMPORTANCE_SAMPLES) -> Evaluation:
    """Evaluates a run on its whole test set. Raises VaeError if its weights cannot be used."""
    model = run.load_model()
    step, epoch = read_position(run.model_path)
    images, labels = load(run.config.dataset, train=False)
    scores = score_set(model, images)
    reconstruction, kl = (term.double().mean().item() for term in (scores.reconstruction, scores.kl))
    return Evaluation(
        run=run.name,
        step=step,
        epoch=epoch,
        images=len(images),
        reconstruction=reconstruction,
        kl=kl,
        negative_elbo=reconstruction + kl,
        nll=negative_log_likelihood(model, images, samples).mean().item(),
        importance_samples=samples,
        active_units=active_units(scores.mean),
        knn_accuracy=knn_accuracy(scores.mean, labels),
    )
