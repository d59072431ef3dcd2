"""Weights, training state and snapshots as safetensors: written whole, read only if they fit.

Shapes: N test images, Z latent size, P pixels. No pickle: opening a stranger's file runs nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vae.config import TrainConfig
from vae.errors import VaeError
from vae.files import write_whole
from vae.model import VAE

Tensors = dict[str, Tensor]
Shapes = dict[str, torch.Size]

MOMENTS = ("exp_avg", "exp_avg_sq")


class Position(NamedTuple):
    """Where a training stands, and what it goes on with."""

    step: int
    updates: int  # of this optimiser, which a restart replaces
    seconds: float
    threads: int
    learning_rate: float
    beta: float


class Snapshot(NamedTuple):
    """One moment of a training: what time travel needs.

    `decoder` is the decoder's state dict; `mean` and `logvar` (N, Z) are the test set's posteriors;
    `reconstructions` (10, P) in [0, 1] are of the first test image of each class.
    """

    decoder: Tensors
    mean: Tensor
    logvar: Tensor
    reconstructions: Tensor


def save_model(path: Path, model: VAE, config: TrainConfig, step: int, epoch: float) -> None:
    """Writes the weights after `step`, with config and position in the metadata. Raises OSError."""
    position = {"step": str(step), "epoch": str(epoch)}
    _write(path, model.state_dict(), {"config": config.model_dump_json(), **position})


def load_model(path: Path, config: TrainConfig) -> VAE:
    """The model in `path`, in eval mode on the CPU. Raises VaeError if it is torn or of other sizes."""
    model = _empty_model(config)
    tensors, _ = _read(path, _shapes(model.state_dict()))
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False)


def read_position(path: Path) -> tuple[int, float]:
    """Step and epoch of the weights in `path`. Raises VaeError."""
    with _opened(path) as file:
        metadata = file.metadata() or {}
    try:
        return int(metadata["step"]), float(metadata["epoch"])
    except (KeyError, ValueError) as error:
        raise _unusable(path, "it does not say which step it is of") from error


def save_training(path: Path, model: VAE, optimizer: torch.optim.Adam, position: Position) -> None:
    """Writes all that exact resumption needs; shuffling and noise follow from seed and epoch.

    `optimizer` has one parameter: all weights, one after the other. They are in the file once more, because
    two files cannot be replaced at the same instant.
    Raises OSError.
    """
    weights = model.state_dict()
    tensors = {f"model.{name}": tensor for name, tensor in weights.items()}
    (state,) = optimizer.state.values()
    for moment in MOMENTS:
        parts = state[moment].split([tensor.numel() for tensor in weights.values()])
        for (name, tensor), part in zip(weights.items(), parts, strict=True):
            tensors[f"{moment}.{name}"] = part.view_as(tensor)
    _write(path, tensors, {name: repr(value) for name, value in position._asdict().items()})


def load_training(path: Path, model: VAE, optimizer: torch.optim.Adam) -> Position:
    """Puts weights and moments back, and returns the position. Raises VaeError."""
    shapes = _shapes(model.state_dict())
    wanted = {f"{part}.{name}": shape for part in ("model", *MOMENTS) for name, shape in shapes.items()}
    tensors, metadata = _read(path, wanted)
    try:
        position = Position(
            step=int(metadata["step"]),
            updates=int(metadata["updates"]),
            seconds=float(metadata["seconds"]),
            threads=int(metadata["threads"]),
            learning_rate=float(metadata["learning_rate"]),
            beta=float(metadata["beta"]),
        )
    except (KeyError, ValueError) as error:
        raise _unusable(path, "it does not say which step it is of") from error
    model.load_state_dict({name: tensors[f"model.{name}"] for name in shapes})
    moments = {m: torch.cat([tensors[f"{m}.{name}"].flatten() for name in shapes]) for m in MOMENTS}
    state = {0: {"step": torch.tensor(float(position.updates)), **moments}}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return position


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Writes a snapshot in float16, half the size and still finer than a screen. Raises OSError."""
    tensors = {f"decoder.{name}": tensor for name, tensor in snapshot.decoder.items()}
    tensors |= {name: getattr(snapshot, name) for name in ("mean", "logvar", "reconstructions")}
    _write(path, {name: tensor.half() for name, tensor in tensors.items()}, {})


def _empty_model(config: TrainConfig) -> VAE:
    """Names and shapes without memory."""
    with torch.device("meta"):
        return VAE(config)


def _shapes(tensors: Tensors) -> Shapes:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _write(path: Path, tensors: Tensors, metadata: dict[str, str]) -> None:
    write_whole(path, save({name: t.detach().cpu() for name, t in tensors.items()}, metadata))


@contextmanager
def _opened(path: Path) -> Iterator[safe_open]:
    """`path` as safetensors, every way in which that can fail made a sentence."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError as error:
        raise VaeError(
            f"{path.parent.name} has no weights yet: the first come after an epoch, or after ten seconds."
        ) from error
    except (OSError, SafetensorError) as error:
        raise _unusable(path, f"it is damaged: {error}") from error


def _read(path: Path, wanted: Shapes) -> tuple[Tensors, dict[str, str]]:
    """The tensors of `path`, once their names and shapes are seen to be the wanted ones."""
    with _opened(path) as file:
        slices = {name: file.get_slice(name) for name in file.keys()}
        found = {name: torch.Size(part.get_shape()) for name, part in slices.items()}
        if found != wanted or {part.get_dtype() for part in slices.values()} != {"F32"}:
            raise _unusable(path, "its weights are of other sizes than its config says")
        return {name: file.get_tensor(name) for name in found}, file.metadata() or {}


def _unusable(path: Path, why: str) -> VaeError:
    return VaeError(
        f"{path.parent.name}/{path.name} cannot be used: {why}. Choose another run, or delete this one and "
        "train it anew."
    )
