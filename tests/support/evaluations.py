"""Figures of a run as an evaluation keeps them, made up."""

from vae.runs.evaluation_record import Evaluation, weights_digest
from vae.runs.run import Run


def evaluation_of(run: Run, **figures: object) -> Evaluation:
    """Of its newest weights; all that is not given is some number."""
    saved = run.saved_model()
    counts = {
        "step": saved.step,
        "images": 200,
        "elbo_samples": 16,
        "importance_samples": 500,
        "active_units": 2,
    }
    shares = {"knn_1": 0.5, "knn_5": 0.6, "knn_20": 0.7}
    losses = {
        "reconstruction": 132.0,
        "kl": 6.8,
        "negative_elbo": 138.8,
        "standard_error": 0.5,
        "refined_negative_elbo": 135.0,
        "refined_standard_error": 0.4,
        "nll": 134.0,
    }
    known = {"run": run.name, "weights": weights_digest(run), "step": saved.step, "epoch": saved.epoch}
    return Evaluation.of({**known, **counts, **shares, **losses, **figures})
