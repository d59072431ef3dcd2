"""The scores of a run's weights on the test set, stored in its `evaluation.json`; needs no torch."""

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vae import VaeError
from vae.runs.records import Amount, Count, Record
from vae.runs.run import Run
from vae.storage.atomic import write_atomic
from vae.storage.untrusted import MAX_JSON, MAX_WEIGHTS, open_limited, read_limited, safetensors_limit

Share = Annotated[float, Field(ge=0, le=1)]
Nats = Annotated[float, Field(ge=-1e15, le=1e15)]


class Evaluation(Record):
    """Scores on the test set; losses are means in nats per image, lower is better.

    Attributes:
        weights: SHA-256 of the file of the evaluated weights.
        reconstruction, kl, negative_elbo: of the encoder's posterior, z sampled once: the stored scores.
        refined_negative_elbo: of a Gaussian fitted to each image separately (`vae.evaluation.refine`), z
            sampled `elbo_samples` times. The difference is a lower bound of the encoder's amortisation gap
            (Cremer et al. 2018, arXiv:1801.03558).
        standard_error, refined_standard_error: the standard deviation over the images, divided by the square
            root of their number: how far the loss would vary with other test images. The error of sampling z
            is a sixteenth of it or less, so that the difference of two runs on the same images is more exact.
            None of a single image.
        nll: an importance-weighted estimate with `importance_samples` samples of z.
        active_units: the number of latent dimensions that vary with the image; None of a single image.
        knn_1, knn_5, knn_20: shares of images with the class of most of their 1, 5 or 20 nearest neighbours;
            None of a set without classes, or of at most 20 images.
    """

    run: Annotated[str, Field(max_length=200)]
    weights: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    step: Count
    epoch: Amount
    images: Count
    reconstruction: Nats
    kl: Nats
    negative_elbo: Nats
    standard_error: Nats | None
    refined_negative_elbo: Nats
    refined_standard_error: Nats | None
    elbo_samples: Count
    nll: Nats
    importance_samples: Count
    active_units: Count | None = None
    knn_1: Share | None = None
    knn_5: Share | None = None
    knn_20: Share | None = None


def evaluation_path(run: Run) -> Path:
    """The file of the evaluation of `run`."""
    return run.path / "evaluation.json"


def weights_digest(run: Run) -> str:
    """The SHA-256 of the newest weights' file, in hexadecimal digits; empty if it cannot be read."""
    try:
        with open_limited(run.model_path, safetensors_limit(MAX_WEIGHTS)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def save_evaluation(run: Run, evaluation: Evaluation) -> None:
    """Writes the evaluation, in place of an older one. Raises OSError."""
    write_atomic(evaluation_path(run), evaluation.model_dump_json().encode())


def load_evaluation(run: Run) -> Evaluation | None:
    """The evaluation of the newest weights; None if these were not evaluated.

    Raises VaeError if the file is damaged.
    """
    try:
        found = Evaluation.read(read_limited(evaluation_path(run), MAX_JSON))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise VaeError(f"{run.name}/evaluation.json is damaged. Delete that file. ({error})") from error
    return found if found.weights == weights_digest(run) else None
