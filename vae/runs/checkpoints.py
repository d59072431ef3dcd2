"""Weights, training state and snapshots as safetensors files.

Written atomically, and read only if names, shapes and types are those that the config implies. There is no
pickle in them, so that opening an untrusted file runs no code.

Shapes: N test images, C classes, Z latent size, P pixels.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from vae import VaeError
from vae.config import CLASSES, PIXELS, Beta, LearningRate, Threads, TrainConfig, explain
from vae.models.network import VAE
from vae.runs.records import Amount, Count, Metrics, ModelMetadata
from vae.runs.run import Run
from vae.storage.atomic import write_atomic
from vae.storage.untrusted import MAX_WEIGHTS, open_tensors, safetensors_limit, shortened

Tensors = dict[str, Tensor]
Shapes = dict[str, torch.Size]

ADAM_MOMENTS = ("exp_avg", "exp_avg_sq")
TEST_IMAGES = 40_000  # of the largest data set, EMNIST's digits
SNAPSHOTS = "snapshots"  # the folder
BYTES = {"F32": 4, "F16": 2}


class TrainingPosition(NamedTuple):
    """Progress and settings of a training, from which it is resumed."""

    step: Count
    updates: Count  # steps of the current optimiser, which a restart replaces
    seconds: Amount
    threads: Threads
    learning_rate: LearningRate
    beta: Beta


class Snapshot(NamedTuple):
    """A model at one step of its training, for the time slider.

    Attributes:
        decoder: the decoder's state dict.
        mean, logvar: posteriors of the test set: (N, Z).
        reconstructions: of the first test image of each class: (C, P) in [0, 1].
        metrics: the newest line of metrics at that step; None in a run of an older version.
    """

    decoder: Tensors
    mean: Tensor
    logvar: Tensor
    reconstructions: Tensor
    metrics: Metrics | None


def save_model(path: Path, model: VAE, config: TrainConfig, step: int, epoch: float) -> None:
    """Writes the weights after `step`, with config, step and epoch as metadata. Raises OSError."""
    metadata = {"config": config.model_dump_json(), "step": str(step), "epoch": str(epoch)}
    _write(path, model.state_dict(), metadata)


def load_model(path: Path, config: TrainConfig) -> VAE:
    """The model in `path`, in eval mode on the CPU.

    Raises VaeError if the file is missing, damaged, or does not fit `config`.
    """
    model = _empty_model(config)
    wanted = _shapes(model.state_dict())
    with _open_tensors(path, _size(wanted)) as file:
        tensors = _read_tensors(file, wanted)
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise ValueError("some of its weights are no numbers")
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False)


def read_position(path: Path) -> tuple[int, float]:
    """Step and epoch of the weights in `path`. Raises VaeError if the file is damaged or missing."""
    with _open_tensors(path, MAX_WEIGHTS) as file, _validated_metadata():
        weights = ModelMetadata.model_validate(file.metadata() or {})
    return weights.step, weights.epoch


def save_training(path: Path, model: VAE, optimizer: torch.optim.Adam, position: TrainingPosition) -> None:
    """Writes weights, Adam's moments and position, for an exact resumption. Raises OSError.

    Shuffling and noise follow from seed and epoch. The weights are in this file as well as in that of the
    model, because two files cannot be replaced at the same instant.

    Args:
        optimizer: of one parameter, all weights of the model one after the other.
    """
    weights = model.state_dict()
    tensors = {f"model.{name}": tensor for name, tensor in weights.items()}
    (state,) = optimizer.state.values()
    for moment in ADAM_MOMENTS:
        parts = state[moment].split([tensor.numel() for tensor in weights.values()])
        for (name, tensor), part in zip(weights.items(), parts, strict=True):
            tensors[f"{moment}.{name}"] = part.view_as(tensor)
    _write(path, tensors, {name: repr(value) for name, value in position._asdict().items()})


def load_training(path: Path, model: VAE, optimizer: torch.optim.Adam) -> TrainingPosition:
    """Restores weights and Adam's moments; returns the position. Raises VaeError if the file does not fit."""
    shapes = _shapes(model.state_dict())
    tensors, position = _read_training(path, shapes)
    model.load_state_dict({name: tensors[f"model.{name}"] for name in shapes})
    moments = {m: torch.cat([tensors[f"{m}.{name}"].flatten() for name in shapes]) for m in ADAM_MOMENTS}
    state = {0: {"step": torch.tensor(float(position.updates), dtype=torch.float32, device="cpu"), **moments}}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return position


def check_training(path: Path, config: TrainConfig) -> None:
    """Raises VaeError if `load_training` would, for a model of `config`."""
    _read_training(path, _shapes(_empty_model(config).state_dict()))


def _read_training(path: Path, shapes: Shapes) -> tuple[Tensors, TrainingPosition]:
    wanted = _training_shapes(shapes)
    with _open_tensors(path, _size(wanted)) as file:
        with _validated_metadata():
            position = TypeAdapter(TrainingPosition).validate_python(file.metadata() or {})
        return _read_tensors(file, wanted), position


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Writes a snapshot in float16: half the size, and more precise than a screen. Raises OSError."""
    tensors = {f"decoder.{name}": tensor for name, tensor in snapshot.decoder.items()}
    tensors |= {name: getattr(snapshot, name) for name in ("mean", "logvar", "reconstructions")}
    metadata = {"metrics": snapshot.metrics.model_dump_json()} if snapshot.metrics else {}
    _write(path, {name: tensor.half() for name, tensor in tensors.items()}, metadata)


def load_snapshot(path: Path, config: TrainConfig) -> Snapshot:
    """The snapshot in `path`, in float16. Raises VaeError if it is damaged or does not fit `config`."""
    with _open_tensors(path, _size(_snapshot_shapes(config), "F16")) as file:
        images, classes = (file.get_slice(name).get_shape()[:1] for name in ("mean", "reconstructions"))
        tensors = _read_tensors(file, _snapshot_shapes(config, images, classes), "F16")
        written = (file.metadata() or {}).get("metrics")
        metrics = None if written is None else Metrics.read(written.encode())
    own = {name: tensors.pop(name) for name in ("mean", "logvar", "reconstructions")}
    return Snapshot(
        {name.removeprefix("decoder."): tensor for name, tensor in tensors.items()}, **own, metrics=metrics
    )


def snapshot_bytes(config: TrainConfig, images: int) -> int:
    """The bytes of a snapshot with this many test images, without its header."""
    return _size(_snapshot_shapes(config, (images,)), "F16")


class SizeLimits(NamedTuple):
    """The maximum bytes of each kind of tensor file."""

    model: int
    training: int
    snapshot: int


def size_limits(config: TrainConfig) -> SizeLimits:
    """The size limits of the tensor files in a run of `config`."""
    shapes = _shapes(_empty_model(config).state_dict())
    tensors = (_size(shapes), _size(_training_shapes(shapes)), _size(_snapshot_shapes(config), "F16"))
    return SizeLimits(*map(safetensors_limit, tensors))


def _empty_model(config: TrainConfig) -> VAE:
    """A model on the meta device: names and shapes without memory."""
    with torch.device("meta"):
        return VAE(config)


def _shapes(tensors: Tensors) -> Shapes:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _write(path: Path, tensors: Tensors, metadata: dict[str, str]) -> None:
    write_atomic(path, save({name: t.detach().cpu() for name, t in tensors.items()}, metadata))


def _training_shapes(model: Shapes) -> Shapes:
    return {f"{part}.{name}": shape for part in ("model", *ADAM_MOMENTS) for name, shape in model.items()}


def _snapshot_shapes(
    config: TrainConfig, images: Sequence[int] = (TEST_IMAGES,), classes: Sequence[int] = (CLASSES,)
) -> Shapes:
    decoder = _shapes(_empty_model(config).decoder.state_dict())
    posterior = torch.Size((*images, config.latent_dim))
    return {f"decoder.{name}": shape for name, shape in decoder.items()} | {
        "mean": posterior,
        "logvar": posterior,
        "reconstructions": torch.Size((*classes, PIXELS)),
    }


def _size(shapes: Shapes, kind: str = "F32") -> int:
    return BYTES[kind] * sum(shape.numel() for shape in shapes.values())


@contextmanager
def _open_tensors(path: Path, most: int) -> Iterator[safe_open]:
    """Opens a safetensors file; every error of opening it and of the block is raised as VaeError."""
    file_name = "/".join(path.parts[-3 if path.parent.name == SNAPSHOTS else -2 :])
    try:
        with open_tensors(path, "pt", most) as file:
            yield file
    except FileNotFoundError as error:
        run = Run(path.parent)
        missing = f"{file_name} is missing. Choose another run, or train this one anew."
        raise VaeError(run.why_no_weights() if path == run.model_path else missing) from error
    except ValueError as error:
        raise VaeError(
            f"{file_name} cannot be used: {error}. Choose another run, or delete this one and train it anew."
        ) from error


@contextmanager
def _validated_metadata() -> Iterator[None]:
    """Raises the ValidationError of metadata in the block as a ValueError."""
    try:
        yield
    except ValidationError as error:
        raise ValueError(f"its metadata have no valid step ({explain(error).rstrip('.')})") from error


def _read_tensors(file: safe_open, wanted: Shapes, kind: str = "F32") -> Tensors:
    """All tensors of `file`. Raises ValueError before it reads any if names, shapes or types differ."""
    slices = {name: file.get_slice(name) for name in file.keys()}
    found = {name: (torch.Size(part.get_shape()), part.get_dtype()) for name, part in slices.items()}
    others = found.items() ^ {name: (shape, kind) for name, shape in wanted.items()}.items()
    if others:
        name, _ = min(others)
        raise ValueError(f"its weights are of other sizes than its config implies, {shortened(name)!r} first")
    # Copied, as these tensors are the mapped file itself, which Windows does not let a trainer replace.
    return {name: file.get_tensor(name).clone() for name in found}
