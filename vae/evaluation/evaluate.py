"""Evaluation of a model on its test set, by measures that are published for other models, too.

Shapes: N images, Z latent size.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from vae import VaeError
from vae.config import CLASSES
from vae.datasets.registry import load
from vae.evaluation.bounds import (
    Progress,
    negative_log_likelihood,
    no_progress,
    refined_posterior,
    sampled_reconstruction,
)
from vae.evaluation.refine import STEPS
from vae.inference.latent_space import BATCH, encode_set
from vae.inference.scored_set import Floats, Indices
from vae.models import losses
from vae.runs.checkpoints import read_position
from vae.runs.evaluation_record import Evaluation, weights_digest
from vae.runs.run import Run

IMPORTANCE_SAMPLES = 500
ELBO_SAMPLES = 16
NEIGHBOURS = (1, 5, 20)
# Burda et al. 2015: a unit is active if the variance of its mean over the data exceeds this.
ACTIVE_VARIANCE = 0.01


def active_units(means: Tensor) -> int:
    """The number of latent dimensions whose means vary with the image: (N, Z) -> 0 to Z."""
    return int((means.var(dim=0) > ACTIVE_VARIANCE).sum())


def neighbours_agreement(
    means: Tensor, labels: Tensor, counts: tuple[int, ...] = NEIGHBOURS
) -> tuple[float, ...]:
    """Accuracy of a k-nearest-neighbour classifier of the latent means, for each k of `counts`.

    The neighbours are the nearest other images of the same set; a tie goes to the nearer ones.
    (N, Z), (N,) -> 0 to 1 each. N must be above each count.
    """
    # A nearer neighbour's vote weighs a little more: enough to break ties, too little for anything else.
    weights = 1 - 1e-3 * torch.arange(max(counts), dtype=torch.float32, device=means.device)
    correct = dict.fromkeys(counts, 0)
    for start in range(0, len(means), BATCH):
        rows = means[start : start + BATCH]
        # The default way, a matrix product, rounds away small distances between points far from 0.
        distances = torch.cdist(rows, means, compute_mode="donot_use_mm_for_euclid_dist")
        numbers = torch.arange(len(rows), device=means.device)
        distances[numbers, start + numbers] = torch.inf
        nearest = distances.topk(max(counts), largest=False).indices
        votes = (functional.one_hot(labels[nearest], CLASSES) * weights[:, None]).cumsum(dim=1)
        for count in counts:
            chosen = votes[:, count - 1].argmax(dim=1)
            correct[count] += int((chosen == labels[start : start + BATCH]).sum())
    return tuple(correct[count] / len(means) for count in counts)


def neighbourhood(means: Floats, labels: Indices) -> dict[str, float]:
    """Active units of means (N, Z), and accuracies by nearest neighbours of labels (N,), named as in
    `Evaluation`; N must be above each of NEIGHBOURS."""
    torch.set_num_threads(1)  # see `vae.inference.scoring`
    shares = neighbours_agreement(torch.from_numpy(means), torch.from_numpy(labels))
    knn = {f"knn_{count}": share for count, share in zip(NEIGHBOURS, shares, strict=True)}
    return {"active_units": active_units(torch.from_numpy(means)), **knn}


def evaluate(run: Run, samples: int = IMPORTANCE_SAMPLES, progress: Progress = no_progress) -> Evaluation:
    """Evaluates a run on its whole test set, NLL with `samples` importance samples.

    Calls `progress` with the share done, 0 to 1. Raises VaeError if the run's weights cannot be used.
    """
    weights = weights_digest(run)  # before they are loaded: while the run trains, newer ones may replace them
    model = run.load_model()
    step, epoch = read_position(run.model_path)
    images, labels = map(torch.tensor, load(run.config.dataset, train=False))
    encoded = encode_set(model, images)
    # Costs in decodings: each refining step also computes a column of the Jacobian for each latent dimension.
    refining = STEPS * (1 + run.config.latent_dim)
    share = refining / (refining + samples)
    refined = refined_posterior(model, images, encoded, lambda done: progress(share * done))
    reconstruction, own = (
        sampled_reconstruction(model, images, posterior, ELBO_SAMPLES).double()
        for posterior in (encoded, refined)
    )
    kl = losses.kl(*encoded).double()
    bound, refined_bound = reconstruction + kl, own + losses.kl(*refined)
    nll = negative_log_likelihood(
        model, images, refined, samples, lambda done: progress(share + (1 - share) * done)
    )
    agreement = neighbours_agreement(encoded.mean, labels)
    fields = {
        "run": run.name,
        "weights": weights,
        "step": step,
        "epoch": epoch,
        "images": len(images),
        "reconstruction": reconstruction.mean().item(),
        "kl": kl.mean().item(),
        "negative_elbo": bound.mean().item(),
        "standard_error": _standard_error(bound),
        "refined_negative_elbo": refined_bound.mean().item(),
        "refined_standard_error": _standard_error(refined_bound),
        "elbo_samples": ELBO_SAMPLES,
        "nll": nll.double().mean().item(),
        "importance_samples": samples,
        "active_units": active_units(encoded.mean),
        **{f"knn_{count}": share for count, share in zip(NEIGHBOURS, agreement, strict=True)},
    }
    try:
        return Evaluation.of(fields)
    except ValueError as error:
        raise VaeError(
            f"Some figures of {run.name} are no numbers: its weights have diverged. Train it again with a "
            f"third of its learning rate. ({error})"
        ) from error


def _standard_error(values: Tensor) -> float:
    return values.std().item() / math.sqrt(len(values))
