"""Weights, training state and snapshots as safetensors: written whole, read only if they fit.

Shapes: N test images, Z latent size, P pixels. No pickle: opening a stranger's file runs nothing.
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
from vae.config import PIXELS, Beta, LearningRate, Threads, TrainConfig, explain
from vae.models.network import VAE
from vae.runs.records import Amount, Count, Metrics, ModelMetadata
from vae.storage.atomic import write_atomic
from vae.storage.untrusted import MAX_WEIGHTS, open_tensors, safetensors_limit, shortened

Tensors = dict[str, Tensor]
Shapes = dict[str, torch.Size]

ADAM_MOMENTS = ("exp_avg", "exp_avg_sq")
CLASSES = 10
TEST_IMAGES = 40_000  # of the largest data set, EMNIST's digits
SNAPSHOTS = "snapshots"  # the folder
BYTES = {"F32": 4, "F16": 2}


class TrainingPosition(NamedTuple):
    """Where a training stands, and what it goes on with."""

    step: Count
    updates: Count  # of this optimiser, which a restart replaces
    seconds: Amount
    threads: Threads
    learning_rate: LearningRate
    beta: Beta


class Snapshot(NamedTuple):
    """One moment of a training: what time travel needs.

    `decoder` is the decoder's state dict; `mean` and `logvar` (N, Z) are the test set's posteriors;
    `reconstructions` (C, P) in [0, 1] are of the first test image of each class; `metrics` is the newest
    line of the log at that moment; None in a run of an older version.
    """

    decoder: Tensors
    mean: Tensor
    logvar: Tensor
    reconstructions: Tensor
    metrics: Metrics | None


def save_model(path: Path, model: VAE, config: TrainConfig, step: int, epoch: float) -> None:
    """Writes the weights after `step`, with config and position in the metadata. Raises OSError."""
    position = {"step": str(step), "epoch": str(epoch)}
    _write(path, model.state_dict(), {"config": config.model_dump_json(), **position})


def load_model(path: Path, config: TrainConfig) -> VAE:
    """The model in `path`, in eval mode on the CPU. Raises VaeError if it is torn or of other sizes."""
    model = _empty_model(config)
    wanted = _shapes(model.state_dict())
    with _open_tensors(path, _size(wanted)) as file:
        tensors = _fitting(file, wanted)
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise ValueError("some of its weights are no numbers")
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False)


def read_position(path: Path) -> tuple[int, float]:
    """Step and epoch of the weights in `path`. Raises VaeError."""
    with _open_tensors(path, MAX_WEIGHTS) as file, _position():
        weights = ModelMetadata.model_validate(file.metadata() or {})
    return weights.step, weights.epoch


def save_training(path: Path, model: VAE, optimizer: torch.optim.Adam, position: TrainingPosition) -> None:
    """Writes all that exact resumption needs; shuffling and noise follow from seed and epoch.

    `optimizer` has one parameter: all weights, one after the other. They are in the file once more, because
    two files cannot be replaced at the same instant.
    Raises OSError.
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
    """Puts weights and moments back, and returns the position. Raises VaeError."""
    shapes = _shapes(model.state_dict())
    tensors, position = _read_training(path, shapes)
    model.load_state_dict({name: tensors[f"model.{name}"] for name in shapes})
    moments = {m: torch.cat([tensors[f"{m}.{name}"].flatten() for name in shapes]) for m in ADAM_MOMENTS}
    state = {0: {"step": torch.tensor(float(position.updates)), **moments}}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return position


def check_training(path: Path, config: TrainConfig) -> None:
    """Raises VaeError if `load_training` would for a model of `config`."""
    _read_training(path, _shapes(_empty_model(config).state_dict()))


def _read_training(path: Path, shapes: Shapes) -> tuple[Tensors, TrainingPosition]:
    wanted = _training_shapes(shapes)
    with _open_tensors(path, _size(wanted)) as file:
        with _position():
            position = TypeAdapter(TrainingPosition).validate_python(file.metadata() or {})
        return _fitting(file, wanted), position


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Writes a snapshot in float16, half the size and still finer than a screen. Raises OSError."""
    tensors = {f"decoder.{name}": tensor for name, tensor in snapshot.decoder.items()}
    tensors |= {name: getattr(snapshot, name) for name in ("mean", "logvar", "reconstructions")}
    said = {"metrics": snapshot.metrics.model_dump_json()} if snapshot.metrics else {}
    _write(path, {name: tensor.half() for name, tensor in tensors.items()}, said)


def load_snapshot(path: Path, config: TrainConfig) -> Snapshot:
    """The snapshot in `path`, still in float16. Raises VaeError if it is torn or of other sizes."""
    with _open_tensors(path, _size(_snapshot_shapes(config), "F16")) as file:
        images, classes = (file.get_slice(name).get_shape()[:1] for name in ("mean", "reconstructions"))
        tensors = _fitting(file, _snapshot_shapes(config, images, classes), "F16")
        metrics = _metrics(file)
    own = {name: tensors.pop(name) for name in ("mean", "logvar", "reconstructions")}
    return Snapshot(
        {name.removeprefix("decoder."): tensor for name, tensor in tensors.items()}, **own, metrics=metrics
    )


def snapshot_bytes(config: TrainConfig, images: int) -> int:
    """How large a snapshot of a test set of so many images is, without its header."""
    return _size(_snapshot_shapes(config, (images,)), "F16")


class SizeLimits(NamedTuple):
    """Bytes that each file of a run may have."""

    model: int
    training: int
    snapshot: int


def size_limits(config: TrainConfig) -> SizeLimits:
    """Those of the largest files that a run of `config` has reason to hold."""
    shapes = _shapes(_empty_model(config).state_dict())
    tensors = (_size(shapes), _size(_training_shapes(shapes)), _size(_snapshot_shapes(config), "F16"))
    return SizeLimits(*map(safetensors_limit, tensors))


def _empty_model(config: TrainConfig) -> VAE:
    """Names and shapes without memory."""
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
    """`path` as safetensors, every way in which that can fail, in the block too, made a sentence."""
    try:
        with open_tensors(path, "pt", most) as file:
            yield file
    except FileNotFoundError as error:
        raise VaeError(
            f"{path.parent.name} has no weights yet: the first come after an epoch, or after ten seconds."
        ) from error
    except ValueError as error:
        raise VaeError(
            f"{_within_run(path)} cannot be used: {error}. Choose another run, or delete this one and train "
            "it anew."
        ) from error


def _within_run(path: Path) -> str:
    folders = path.parts[-3:] if path.parent.name == SNAPSHOTS else path.parts[-2:]
    return "/".join(folders)


def _metrics(file: safe_open) -> Metrics | None:
    """Those of a snapshot. Raises ValueError if they are none."""
    said = (file.metadata() or {}).get("metrics")
    return None if said is None else Metrics.read(said.encode())


@contextmanager
def _position() -> Iterator[None]:
    """What is not said in the block, or no number, is said to be missing."""
    try:
        yield
    except ValidationError as error:
        raise ValueError(f"it does not say which step it is of ({explain(error).rstrip('.')})") from error


def _fitting(file: safe_open, wanted: Shapes, kind: str = "F32") -> Tensors:
    """The tensors of `file`, once names, shapes and types are seen to be the wanted ones; or ValueError."""
    slices = {name: file.get_slice(name) for name in file.keys()}
    found = {name: (torch.Size(part.get_shape()), part.get_dtype()) for name, part in slices.items()}
    others = found.items() ^ {name: (shape, kind) for name, shape in wanted.items()}.items()
    if others:
        name, _ = min(others)
        raise ValueError(f"its weights are of other sizes than its config says, {shortened(name)!r} first")
    return {name: file.get_tensor(name) for name in found}
