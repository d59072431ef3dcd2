"""Evaluation of a model on its test set, by measures that are published for other models, too.

Shapes: N images, Z latent size.
"""

import math

import numpy as np
import numpy.typing as npt
import torch

from vae import VaeError
from vae.datasets.images import as_rows
from vae.datasets.registry import load_for
from vae.evaluation.bounds import (
    Progress,
    negative_log_likelihood,
    no_progress,
    refined_posterior,
    sampled_reconstruction,
)
from vae.evaluation.refine import STEPS
from vae.inference.neighbours import neighbourhood
from vae.inference.scoring import valid_scores
from vae.models import losses
from vae.models.network import load_vae
from vae.runs.evaluation_record import Evaluation, weights_digest
from vae.runs.run import Run
from vae.training.scoring import Posterior

IMPORTANCE_SAMPLES = 500
ELBO_SAMPLES = 16  # of the refined posteriors


def evaluate(run: Run, samples: int = IMPORTANCE_SAMPLES, progress: Progress = no_progress) -> Evaluation:
    """Evaluates a run on its whole test set, NLL with `samples` importance samples.

    Calls `progress` with the share done, 0 to 1. Raises VaeError if the run's weights cannot be used.
    """
    weights = weights_digest(run)  # before they are loaded: while the run trains, newer ones may replace them
    saved = run.saved_model()
    model = load_vae(run.config, saved.model.weights)
    pictures, labels = load_for(run.config, train=False)
    scores = valid_scores(saved.model, pictures, saved.scores)
    images = torch.tensor(as_rows(pictures))
    encoded = Posterior(torch.from_numpy(scores.mean), torch.from_numpy(scores.logvar))
    # Costs in decodings: each refining step also computes a column of the Jacobian for each latent dimension.
    refining = STEPS * (1 + run.config.latent_dim)
    share = refining / (refining + samples)
    refined = refined_posterior(model, images, encoded, lambda done: progress(share * done))
    bound = scores.reconstruction.astype(np.float64) + scores.kl
    refined_bound = sampled_reconstruction(model, images, refined, ELBO_SAMPLES).double() + losses.kl(
        *refined
    )
    nll = negative_log_likelihood(
        model, images, refined, samples, lambda done: progress(share + (1 - share) * done)
    )
    fields = {
        "run": run.name,
        "weights": weights,
        "step": saved.step,
        "epoch": saved.epoch,
        "images": len(images),
        "reconstruction": float(scores.reconstruction.mean(dtype=np.float64)),
        "kl": float(scores.kl.mean(dtype=np.float64)),
        "negative_elbo": float(bound.mean()),
        "standard_error": _standard_error(bound),
        "refined_negative_elbo": refined_bound.mean().item(),
        "refined_standard_error": _standard_error(refined_bound.numpy()),
        "elbo_samples": ELBO_SAMPLES,
        "nll": nll.double().mean().item(),
        "importance_samples": samples,
        **neighbourhood(scores.mean, labels),
    }
    try:
        return Evaluation.of(fields)
    except ValueError as error:
        raise VaeError(
            f"Some figures of {run.name} are no numbers: its weights have diverged. Train it again with a "
            f"third of its learning rate. ({error})"
        ) from error


def _standard_error(values: npt.NDArray[np.float64]) -> float | None:
    """Of the mean of the values, (N,); None of a single one."""
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
