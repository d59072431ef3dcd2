"""Bounds of the likelihood of each image of a set, estimated by samples of z.

Shapes: N images, B batch, K importance samples, Z latent size.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from vae.evaluation.refine import joint_loss, refine
from vae.inference.latent_space import Posterior, pixels
from vae.inference.scoring import NOISE_SEED
from vae.models.network import VAE
from vae.training.forecast import cores

# Decoded at a time: the logits, 1.6 MB, stay in the cache.
POINTS = 500
# −ELBO of an earlier `best` (batch 128) on the test set: 127.74 from each image's own mean alone, 126.60,
# 126.30, 126.20 and 126.15 with those of 500, 2,000, 5,000 and 10,000 images.
STARTS = 5000

T = TypeVar("T")
# Hears which share of the work is done, 0 to 1.
Tell = Callable[[float], None]


def nobody(_: float) -> None:
    """Hears what nobody asked for."""


class Draws(NamedTuple):
    """Samples of z from the posterior of each image of a batch, and what they are worth; nats."""

    log_likelihood: Tensor  # (B, K): log p(x|z)
    log_ratio: Tensor  # (B, K): log p(z) - log q(z|x)


@torch.no_grad()
def draw(model: VAE, images: Tensor, posterior: Posterior, samples: int, seed: int = NOISE_SEED) -> Draws:
    """Samples z for each image: (B, 28, 28) uint8."""
    x = pixels(images)
    mean, logvar = (part[:, None] for part in posterior)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(x), samples, mean.shape[-1], generator=generator).to(mean.device)
    z = model.reparameterize(mean, logvar, noise)
    logits = model.decoder(z)
    # The cross-entropy with its two terms apart: the data's is a matrix product.
    log_likelihood = torch.bmm(logits, x[:, :, None])[..., 0]
    log_likelihood -= functional.softplus(logits).sum(dim=-1)
    # The constants log(2 pi) of prior and posterior cancel.
    log_ratio = 0.5 * (noise.square() + logvar - z.square()).sum(dim=-1)
    return Draws(log_likelihood, log_ratio)


def sampled_reconstruction(model: VAE, images: Tensor, posterior: Posterior, samples: int) -> Tensor:
    """-log p(x|z) of each image, mean over so many samples of z: (N, 28, 28) uint8 -> (N,), nats."""
    return _sampled(model, images, posterior, samples, lambda drawn: -drawn.log_likelihood.mean(dim=1))


def negative_log_likelihood(
    model: VAE, images: Tensor, posterior: Posterior, samples: int, tell: Tell = nobody
) -> Tensor:
    """-log p(x) of each image by importance sampling: (N, 28, 28) uint8 -> (N,), nats.

    log p(x) is about log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x), with z_k from q(z|x), which is `posterior`: a
    lower bound in expectation, the tighter the larger K and the nearer q; computed in log space. Burda et al.
    2015, equation (8).
    """

    def estimate(drawn: Draws) -> Tensor:
        return math.log(samples) - torch.logsumexp(drawn.log_likelihood + drawn.log_ratio, dim=-1)

    return _sampled(model, images, posterior, samples, estimate, tell)


@torch.no_grad()
def refined_posterior(model: VAE, images: Tensor, start: Posterior, tell: Tell = nobody) -> Posterior:
    """A Gaussian fitted to each image alone, where `start` is the encoder's: (N, 28, 28) uint8.

    p(x, z) has many maxima in z, and often the encoder's mean lies at the foot of a lower one. So each image
    begins at the best of its own mean and those of other images: where the data lie, the decoder has been.
    """
    size = max(1, POINTS // start.mean.shape[1])
    batches, means = images.split(size), start.mean.split(size)
    places = start.mean[:STARTS]
    logits = model.decoder(places)
    # The same loss for all pairs of them, its two terms apart: the data's is a matrix product.
    constant = functional.softplus(logits).sum(dim=1) + places.square().sum(dim=1) / 2

    def work(number: int) -> Posterior:
        x, own = pixels(batches[number]), means[number]
        others = (constant - x @ logits.t()).min(dim=1)
        loss = joint_loss(model.decoder(own), x, own)
        best = torch.where((others.values < loss)[:, None], places[others.indices], own)
        return refine(model, x, best)

    return Posterior(*(torch.cat(part) for part in zip(*_in_order(work, len(batches), tell), strict=True)))


def _sampled(
    model: VAE,
    images: Tensor,
    posterior: Posterior,
    samples: int,
    reduce: Callable[[Draws], Tensor],
    tell: Tell = nobody,
) -> Tensor:
    """What `reduce` makes of the samples of each batch, put together.

    Each batch has noise of its own seed, so the figures are the same however many threads there are.
    """
    size = max(1, POINTS // samples)
    batches = [part.split(size) for part in (images, *posterior)]

    def work(number: int) -> Tensor:
        own, mean, logvar = (part[number] for part in batches)
        return reduce(draw(model, own, Posterior(mean, logvar), samples, NOISE_SEED + number))

    return torch.cat(_in_order(work, len(batches[0]), tell))


def _in_order(work: Callable[[int], T], count: int, tell: Tell) -> list[T]:
    """What `work` makes of 0 to `count` - 1, which go to one thread for each core.

    torch's own threads wait for each other in every operation: where another program has one of the cores,
    two of them take three times as long as these (docs/LOG.md).
    """
    results = []
    workers = ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        for result in workers.map(work, range(count)):
            results.append(result)
            tell(len(results) / count)
    finally:
        # What was not begun is dropped: Ctrl-C would wait for all of it.
        workers.shutdown(cancel_futures=True)
        # The workers' wish became what threads to come begin with; this one still has its own.
        torch.set_num_threads(torch.get_num_threads())
    return results
