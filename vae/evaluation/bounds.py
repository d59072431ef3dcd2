"""Bounds of the likelihood of each image, estimated from samples of z.

Shapes: N images, B batch, M places, P values of a picture, K importance samples, Z latent size.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import torch
from torch import Tensor

from vae.evaluation.refine import joint_loss, refine
from vae.inference.scoring import NOISE_SEED
from vae.models.network import VAE
from vae.training.forecast import cores
from vae.training.scoring import Posterior, pixels

POINTS = 500  # samples of z of a batch of images; places that are compared with all images at once
# Of pictures that a thread decodes at once, so that memory does not grow with their size: as many as 500 of
# 28 x 28 have, whose logits, 1.6 MB, fit into the processor's cache.
VALUES = POINTS * 28 * 28
LEAST_IMAGES = 6  # refined at once: of 64 x 64 x 3 with 8 latent dimensions, 3 at once take a sixth longer
# Starting points of the search in `refined_posterior`. −ELBO of an earlier `best` (batch 128) on the test
# set: 127.74 from each image's own mean alone, 126.60, 126.30, 126.20 and 126.15 with the means of 500,
# 2,000, 5,000 and 10,000 images.
STARTS = 5000

Progress = Callable[[float], None]  # called with the share of the work that is done, 0 to 1


def no_progress(_: float) -> None:
    """Reports no progress."""


class Draws(NamedTuple):
    """Log densities of samples of z from the posterior of each image of a batch; nats."""

    log_likelihood: Tensor  # (B, K): log p(x|z)
    log_ratio: Tensor  # (B, K): log p(z) - log q(z|x)


@torch.no_grad()
def draw(model: VAE, images: Tensor, posterior: Posterior, samples: int, seed: int = NOISE_SEED) -> Draws:
    """Draws samples of z for each image: (B, P) uint8."""
    x = pixels(images)
    mean, logvar = (part[:, None] for part in posterior)
    generator = torch.Generator().manual_seed(seed)
    shape = len(x), samples, mean.shape[-1]
    noise = torch.randn(shape, generator=generator, dtype=x.dtype, device="cpu").to(mean.device)
    z = model.reparameterize(mean, logvar, noise)
    some_samples = z.split(max(1, VALUES // x.numel()), dim=1)
    parts = [model.likelihood.loss_of_samples(model.decoder(some), x) for some in some_samples]
    # The constants log(2 pi) of prior and posterior cancel.
    log_ratio = 0.5 * (noise.square() + logvar - z.square()).sum(dim=-1)
    return Draws(-torch.cat(parts, dim=1), log_ratio)


def sampled_reconstruction(model: VAE, images: Tensor, posterior: Posterior, samples: int) -> Tensor:
    """-log p(x|z) of each image, mean over `samples` samples of z: (N, P) uint8 -> (N,), nats."""
    return _estimate(model, images, posterior, samples, lambda draws: -draws.log_likelihood.mean(dim=1))


def negative_log_likelihood(
    model: VAE, images: Tensor, posterior: Posterior, samples: int, progress: Progress = no_progress
) -> Tensor:
    """-log p(x) of each image by importance sampling: (N, P) uint8 -> (N,), nats.

    log p(x) is about log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x), with z_k from q(z|x), which is `posterior`: a
    lower bound in expectation, the tighter the larger K and the nearer q; computed in log space. Burda et al.
    2015, equation (8).
    """

    def bound(draws: Draws) -> Tensor:
        return math.log(samples) - torch.logsumexp(draws.log_likelihood + draws.log_ratio, dim=-1)

    return _estimate(model, images, posterior, samples, bound, progress)


@torch.no_grad()
def refined_posterior(
    model: VAE, images: Tensor, start: Posterior, progress: Progress = no_progress
) -> Posterior:
    """A Gaussian fitted to each image separately; images (N, P) uint8, `start` the encoder's posteriors.

    p(x, z) has many maxima in z, and the encoder's mean often lies near a lower one. So the search for each
    image starts from the best of its own mean and those of other images, where the decoder was trained.
    """
    least = torch.full_like(start.mean[:, 0], math.inf)
    others = start.mean
    for places in start.mean[:STARTS].split(POINTS):
        found, nearest = _least_loss(model, images, places)
        others = torch.where((found < least)[:, None], places[nearest], others)
        least = torch.minimum(found, least)
    size = max(LEAST_IMAGES, VALUES // (images.shape[1] * start.mean.shape[1]))
    refined = Posterior(torch.empty_like(start.mean), torch.empty_like(start.logvar))
    batches = [part.split(size) for part in (images, start.mean, others, *refined)]

    def work(number: int) -> None:
        image, own, other, mean, logvar = (part[number] for part in batches)
        x = pixels(image)
        here, there = (joint_loss(model, model.decoder(z), x, z) for z in (own, other))
        found = refine(model, x, torch.where((there < here)[:, None], other, own))
        mean.copy_(found.mean)
        logvar.copy_(found.logvar)

    _run_in_threads(work, len(batches[0]), progress)
    return refined


def _least_loss(model: VAE, images: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The least joint loss of each image, but for what depends on it alone, and at which of the places.

    (N, P), (M, Z) -> (N,), (N,) indices of `places`.
    """
    size = max(1, VALUES // images.shape[1])
    factors, constant = model.likelihood.factors(torch.cat([model.decoder(z) for z in places.split(size)]))
    constant += places.square().sum(dim=1) / 2
    loss, place = factors.new_empty(len(images)), torch.empty(len(images), dtype=torch.long)
    batches = [part.split(size) for part in (images, loss, place)]

    def work(number: int) -> None:
        x, least, index = (part[number] for part in batches)
        torch.min(constant - pixels(x) @ factors.t(), dim=1, out=(least, index))

    _run_in_threads(work, len(batches[0]), no_progress)
    return loss, place


def _estimate(
    model: VAE,
    images: Tensor,
    posterior: Posterior,
    samples: int,
    reduce: Callable[[Draws], Tensor],
    progress: Progress = no_progress,
) -> Tensor:
    """`reduce` of the samples of each batch, concatenated.

    The noise of each batch has a seed of its own, so the result does not depend on the number of threads.
    """
    size = max(1, POINTS // samples)
    estimates = torch.empty_like(posterior.mean[:, 0])
    batches = [part.split(size) for part in (images, *posterior, estimates)]

    def work(number: int) -> None:
        own, mean, logvar, estimate = (part[number] for part in batches)
        estimate.copy_(reduce(draw(model, own, Posterior(mean, logvar), samples, NOISE_SEED + number)))

    _run_in_threads(work, len(batches[0]), progress)
    return estimates


def _run_in_threads(work: Callable[[int], None], count: int, progress: Progress) -> None:
    """Runs `work` for 0 to `count` - 1 in one thread for each core.

    It writes its results into arrays that are there before: small new ones, made between large ones that are
    freed, would scatter the heap (docs/LOG.md).

    torch's own threads wait for each other in every operation: if another program uses one of two cores, they
    take three times as long as these threads (docs/LOG.md).
    """
    workers = ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        for done, _ in enumerate(workers.map(work, range(count)), 1):
            progress(done / count)
    finally:
        # Cancels what has not begun: Ctrl-C would wait for all of it.
        workers.shutdown(cancel_futures=True)
        # The workers also changed the thread count of new threads, which becomes that of this thread again.
        torch.set_num_threads(torch.get_num_threads())
