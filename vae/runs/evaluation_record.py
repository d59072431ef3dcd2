"""A run's figures on the test set, kept beside its weights, and read without torch."""

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vae import VaeError
from vae.runs.records import Amount, Count, Record
from vae.runs.run import Run
from vae.storage.atomic import write_atomic
from vae.storage.untrusted import MAX_JSON, MAX_WEIGHTS, open_limited, read_limited, safetensors_limit

_CHUNK = 1_000_000  # bytes read at once
Share = Annotated[float, Field(ge=0, le=1)]
Nats = Annotated[float, Field(ge=-1e15, le=1e15)]


class Evaluation(Record):
    """A run's figures on the test set; losses are means in nats per image.

    `reconstruction`, `kl` and `negative_elbo` are those of the encoder's posterior; `refined_negative_elbo`
    is that of a Gaussian fitted to each image alone (`vae.refine`), and what lies between is what the encoder
    loses at least by serving all images (its amortisation gap, Cremer et al. 2018, arXiv:1801.03558). z is
    sampled `elbo_samples` times for each image.
    `standard_error` is that of `negative_elbo` over the images: their standard deviation by the root of
    their number, so how far the figure would move with other test images. The error that sampling z leaves
    is a seventieth of it, so two runs on the same images compare more sharply than it says.
    `knn_1`, `knn_5` and `knn_20` are the shares of images whose class is that of most of so many neighbours.
    `weights` tells those that were evaluated from all others.
    """

    run: Annotated[str, Field(max_length=200)]
    weights: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    step: Count
    epoch: Amount
    images: Count
    reconstruction: Nats
    kl: Nats
    negative_elbo: Nats
    standard_error: Nats
    refined_negative_elbo: Nats
    refined_standard_error: Nats
    elbo_samples: Count
    nll: Nats
    importance_samples: Count
    active_units: Count
    knn_1: Share
    knn_5: Share
    knn_20: Share


def evaluation_path(run: Run) -> Path:
    """Where the figures of `run` are kept."""
    return run.path / "evaluation.json"


def weights_digest(run: Run) -> str:
    """The SHA-256 of the newest weights' file, in hexadecimal digits; nothing if it cannot be read."""
    try:
        with open_limited(run.model_path, safetensors_limit(MAX_WEIGHTS)) as file:
            digest = hashlib.sha256()
            while content := file.read(_CHUNK):
                digest.update(content)
            return digest.hexdigest()
    except (OSError, ValueError):
        return ""


def save_evaluation(run: Run, evaluation: Evaluation) -> None:
    """Keeps the figures beside the weights, in place of older ones. Raises OSError."""
    write_atomic(evaluation_path(run), evaluation.model_dump_json().encode())


def load_evaluation(run: Run) -> Evaluation | None:
    """The figures of the newest weights; None if these were not evaluated. Raises VaeError if the file is
    damaged."""
    try:
        found = Evaluation.read(read_limited(evaluation_path(run), MAX_JSON))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise VaeError(f"{run.name}/evaluation.json is damaged. Delete that file. ({error})") from error
    return found if found.weights == weights_digest(run) else None
