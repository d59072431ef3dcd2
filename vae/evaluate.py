"""How good a model is, in figures that are published of others too.

Shapes: N images, B batch, K importance samples, P pixels, Z latent size.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from vae import losses
from vae.checkpoints import read_position
from vae.data import load
from vae.forecast import cores
from vae.latent import BATCH, encode_set, pixels
from vae.model import VAE
from vae.runs import Run

# A bound that tightens slowly: on the project's run 50, 100, 200 and 500 samples give 136.43, 136.30, 136.21
# and 136.10 nats, in time that grows alike.
IMPORTANCE_SAMPLES = 500
ELBO_SAMPLES = 16
NEIGHBOURS = (1, 5, 20)
# Decoded at a time: the logits, 1.6 MB, stay in the cache.
POINTS = 500
# Burda et al. 2015: a unit is active if the variance of its mean over the data exceeds this.
ACTIVE_VARIANCE = 0.01
NOISE_SEED = 0


T = TypeVar("T")
# Hears which share of the images is done, 0 to 1.
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Evaluation:
    """A run's figures on the test set; losses are means in nats per image.

    `reconstruction` and `negative_elbo` are means over `elbo_samples` samples of z for each image.
    `standard_error` is that of `negative_elbo` over the images: their standard deviation by the root of
    their number, so how far the figure would move with other test images. The error that sampling z leaves
    is a fiftieth of it, so two runs on the same images compare more sharply than it says.
    `knn_1`, `knn_5` and `knn_20` are the shares of images whose class is that of most of so many neighbours.
    """

    run: str
    step: int
    epoch: float
    images: int
    reconstruction: float
    kl: float
    negative_elbo: float
    standard_error: float
    elbo_samples: int
    nll: float
    importance_samples: int
    active_units: int
    knn_1: float
    knn_5: float
    knn_20: float


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


class Draws(NamedTuple):
    """Samples of z from the posterior of each image of a batch, and what they are worth; nats."""

    log_likelihood: Tensor  # (B, K): log p(x|z)
    log_ratio: Tensor  # (B, K): log p(z) - log q(z|x)
    kl: Tensor  # (B,)


@torch.no_grad()
def draw(model: VAE, images: Tensor, samples: int, seed: int = NOISE_SEED) -> Draws:
    """Samples z for each image: (B, 28, 28) uint8."""
    x = pixels(images)
    mean, logvar = model.encode(x)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(x), samples, mean.shape[1], generator=generator).to(mean.device)
    z = model.reparameterize(mean[:, None], logvar[:, None], noise)
    logits = model.decoder(z)
    # The cross-entropy with its two terms apart: the data's is a matrix product.
    log_likelihood = torch.bmm(logits, x[:, :, None])[..., 0]
    log_likelihood -= functional.softplus(logits).sum(dim=-1)
    # The constants log(2 pi) of prior and posterior cancel.
    log_ratio = 0.5 * (noise.square() + logvar[:, None] - z.square()).sum(dim=-1)
    return Draws(log_likelihood, log_ratio, losses.kl(mean, logvar))


def sampled_losses(model: VAE, images: Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """Reconstruction, mean over so many samples of z, and KL of each image: (N, 28, 28) -> (N,), (N,)."""

    def both(drawn: Draws) -> tuple[Tensor, Tensor]:
        return -drawn.log_likelihood.mean(dim=1), drawn.kl

    reconstruction, kl = zip(*_each_batch(model, images, samples, both), strict=True)
    return torch.cat(reconstruction), torch.cat(kl)


def negative_log_likelihood(model: VAE, images: Tensor, samples: int, tell: Tell | None = None) -> Tensor:
    """-log p(x) of each image by importance sampling: (N, 28, 28) uint8 -> (N,), nats.

    log p(x) is about log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x), with z_k from q(z|x): a lower bound in
    expectation, the tighter the larger K; computed in log space. Burda et al. 2015, equation (8).
    """

    def estimate(drawn: Draws) -> Tensor:
        return math.log(samples) - torch.logsumexp(drawn.log_likelihood + drawn.log_ratio, dim=-1)

    return torch.cat(_each_batch(model, images, samples, estimate, tell))


def _each_batch(
    model: VAE, images: Tensor, samples: int, reduce: Callable[[Draws], T], tell: Tell | None = None
) -> list[T]:
    """What `reduce` makes of the samples of each batch, in order; batches go to one thread for each core.

    torch's own threads wait for each other in every operation: where another program has one of the cores,
    two of them take three times as long as these (docs/LOG.md). Each batch has noise of its own seed, so the
    figures are the same however many threads there are.
    """
    batches = images.split(max(1, POINTS // samples))

    def work(number: int) -> T:
        return reduce(draw(model, batches[number], samples, NOISE_SEED + number))

    results = []
    workers = ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        for result in workers.map(work, range(len(batches))):
            results.append(result)
            if tell is not None:
                tell(len(results) / len(batches))
    finally:
        # What was not begun is dropped: Ctrl-C would wait for all of it.
        workers.shutdown(cancel_futures=True)
        # The workers' wish became what threads to come begin with; this one still has its own.
        torch.set_num_threads(torch.get_num_threads())
    return results


def active_units(means: Tensor) -> int:
    """How many latent dimensions carry something: (N, Z) -> 0 to Z."""
    return int((means.var(dim=0) > ACTIVE_VARIANCE).sum())


def neighbours_agreement(
    means: Tensor, labels: Tensor, counts: tuple[int, ...] = NEIGHBOURS
) -> tuple[float, ...]:
    """For each count, the share of images whose class is that of most of so many nearest neighbours.

    The neighbours are the nearest other images of the same set; a tie goes to the nearer ones.
    (N, Z), (N,) -> 0 to 1 each. N must be above each count.
    """
    # A nearer neighbour's vote weighs a little more: enough to break ties, too little to make them.
    weights = 1 - 1e-3 * torch.arange(max(counts))
    right = dict.fromkeys(counts, 0)
    for start in range(0, len(means), BATCH):
        rows = means[start : start + BATCH]
        # By default distances come from a matrix product, which rounds those of neighbours far from 0 away.
        distances = torch.cdist(rows, means, compute_mode="donot_use_mm_for_euclid_dist")
        numbers = torch.arange(len(rows))
        distances[numbers, start + numbers] = torch.inf
        nearest = distances.topk(max(counts), largest=False).indices
        votes = (functional.one_hot(labels[nearest], 10) * weights[:, None]).cumsum(dim=1)
        for count in counts:
            chosen = votes[:, count - 1].argmax(dim=1)
            right[count] += int((chosen == labels[start : start + BATCH]).sum())
    return tuple(right[count] / len(means) for count in counts)


def evaluate(run: Run, samples: int = IMPORTANCE_SAMPLES, tell: Tell | None = None) -> Evaluation:
    """Evaluates a run on its whole test set, NLL with so many importance samples.

    `tell` hears which share is done, 0 to 1. Raises VaeError if the run's weights cannot be used.
    """
    model = run.load_model()
    step, epoch = read_position(run.model_path)
    images, labels = load(run.config.dataset, train=False)
    means, _ = encode_set(model, images)
    agreement = neighbours_agreement(means, labels)
    reconstruction, kl = (term.double() for term in sampled_losses(model, images, ELBO_SAMPLES))
    return Evaluation(
        run=run.name,
        step=step,
        epoch=epoch,
        images=len(images),
        reconstruction=reconstruction.mean().item(),
        kl=kl.mean().item(),
        negative_elbo=(reconstruction + kl).mean().item(),
        standard_error=(reconstruction + kl).std().item() / math.sqrt(len(images)),
        elbo_samples=ELBO_SAMPLES,
        nll=negative_log_likelihood(model, images, samples, tell).double().mean().item(),
        importance_samples=samples,
        active_units=active_units(means),
        knn_1=agreement[0],
        knn_5=agreement[1],
        knn_20=agreement[2],
    )
