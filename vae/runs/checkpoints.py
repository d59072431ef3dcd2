"""Weights with their scores, training state and snapshots as safetensors files. Imports no torch.

Written atomically, and read only if names, shapes and types are those that the config implies. There is no
pickle in them, so that opening an untrusted file runs no code.

Shapes: N test images, E examples among them, Z latent size, P values of a picture.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field, Json, TypeAdapter, ValidationError
from safetensors import safe_open
from safetensors.numpy import save

from vae import VaeError
from vae.config import Beta, LearningRate, Threads, TrainConfig, explain
from vae.inference.forward import Model
from vae.inference.scored_set import EXAMPLES
from vae.inference.scoring import Scores
from vae.models.layers import Shape, decoder_shapes, weight_shapes
from vae.runs.records import Amount, Count, Metrics, ModelMetadata
from vae.runs.run import Run
from vae.storage.atomic import write_atomic
from vae.storage.untrusted import open_tensors, safetensors_limit, shortened

Arrays = dict[str, npt.NDArray[Any]]
Shapes = Mapping[str, Shape]
Loss = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]  # rounding takes a KL of 0 below it

TrainingArrays = Mapping[str, Arrays]  # by the names in TRAINING_PARTS

ADAM_MOMENTS = ("exp_avg", "exp_avg_sq")
TRAINING_PARTS = ("model", *ADAM_MOMENTS)
TEST = "test."  # before the names of the scores, those of the test set
LOSSES = ("test.reconstruction", "test.kl")  # of the scores, what is no posterior
TRAIN_IMAGES, TEST_IMAGES = 240_000, 100_000  # at most, of a data set
SNAPSHOTS = "snapshots"  # the folder
BYTES = {"F32": 4, "F16": 2}
FULL = ("F32",)
HALF = ("F32", "F16")  # of the weights: those of a packed run are in float16
KEPT = ("F16", "I8")  # in a snapshot: a packed one is in int8 where it can be, with scales in float16
SCALE = ".scale"  # after the name of an int8 tensor, that of its scales
LEVELS = 127  # of int8, on either side of 0


class SavedModel(NamedTuple):
    """The content of a file of weights.

    Attributes:
        scores: of the test set by these weights; None in a file of format 1 or 2.
        step, epoch: of the training, after which they were written.
    """

    model: Model
    scores: Scores | None
    step: int
    epoch: float


class TrainingPosition(NamedTuple):
    """Progress and settings of a training, from which it is resumed."""

    step: Count
    updates: Count  # steps of the current optimiser, which a restart replaces
    seconds: Amount
    threads: Threads
    learning_rate: LearningRate
    beta: Beta
    pending: Json[tuple[tuple[Loss, Loss], ...]] = ()  # of batches that are in no line of metrics


class Snapshot(NamedTuple):
    """A model at one step of its training, for the time slider.

    Attributes:
        decoder: the decoder's weights, by their names in a state dict of the whole model.
        mean, logvar: posteriors of the test set: (N, Z).
        reconstructions: of the examples among the test images (`example_indices`): (E, P) in [0, 1].
        metrics: the newest line of metrics at that step; None in a run of an older version.
    """

    decoder: Arrays
    mean: npt.NDArray[Any]
    logvar: npt.NDArray[Any]
    reconstructions: npt.NDArray[Any]
    metrics: Metrics | None


def save_model(path: Path, saved: SavedModel, *, packed: bool = False) -> None:
    """Writes weights and their scores as one file, so that they cannot disagree. Raises OSError.

    Config, step and epoch are its metadata. With `packed` the weights, and the posteriors among the scores,
    are written in float16.
    """
    config = saved.model.config.model_dump_json()
    scores = saved.scores._asdict() if saved.scores else {}
    arrays = dict(saved.model.weights) | {TEST + name: values for name, values in scores.items()}
    if packed:
        arrays |= {name: halved(values) for name, values in arrays.items() if name not in LOSSES}
    _write(path, arrays, {"config": config, "step": str(saved.step), "epoch": str(saved.epoch)})


def load_model(path: Path, config: TrainConfig) -> SavedModel:
    """The weights in `path`, with their scores.

    Raises VaeError if the file is missing, damaged, or does not fit `config`.
    """
    weights = weight_shapes(config)
    with _open_tensors(path, _size(weights | _score_shapes(config))) as file:
        metadata = _model_metadata(file)
        shapes: Shapes = {}  # of the scores
        if f"{TEST}kl" in file.keys():
            (images,) = file.get_slice(f"{TEST}kl").get_shape()[:1] or (0,)
            shapes = _score_shapes(config, images)
        arrays = _read_arrays(file, {**weights, **shapes}, HALF)
        if not all(np.isfinite(values).all() for values in arrays.values()):
            raise ValueError("some of its weights or scores are no numbers")
    arrays = {name: values.astype(np.float32, copy=False) for name, values in arrays.items()}
    scores = Scores(*(arrays.pop(name) for name in shapes)) if shapes else None
    return SavedModel(Model(config, arrays), scores, metadata.step, metadata.epoch)


def save_scores(path: Path, scores: Scores) -> None:
    """Writes scores of the training set. Raises OSError."""
    _write(path, scores._asdict(), {})


def load_scores(path: Path, config: TrainConfig, images: int) -> Scores | None:
    """The scores in `path`, of this many images; None if there are none, or they are damaged.

    That is no error, because a process can compute and write them anew.
    """
    shapes = dict(zip(Scores._fields, _score_shapes(config, images).values(), strict=True))
    with suppress(VaeError, OSError), _open_tensors(path, _size(shapes)) as file:
        scores = Scores(**_read_arrays(file, shapes))
        return scores if scores.finite else None
    return None


def save_training(path: Path, training: TrainingArrays, position: TrainingPosition) -> None:
    """Writes weights, Adam's moments and position, for an exact resumption. Raises OSError.

    Shuffling and noise follow from seed and epoch. The weights are in this file as well as in that of the
    model, which is written less often.
    """
    arrays = {f"{part}.{name}": values for part, of in training.items() for name, values in of.items()}
    metadata = {name: repr(value) for name, value in position._asdict().items()}
    _write(path, arrays, metadata | {"pending": json.dumps(position.pending)})


def load_training(path: Path, config: TrainConfig) -> tuple[TrainingArrays, TrainingPosition]:
    """What `save_training` wrote. Raises VaeError if the file is missing, damaged, or does not fit."""
    weights = weight_shapes(config)
    wanted = _training_shapes(weights)
    with _open_tensors(path, _size(wanted)) as file:
        with _validated_metadata():
            written = file.metadata() or {}
            # Format 1 has not these, and knew neither restarts nor other rates.
            first = {"updates": written.get("step"), **config.rates}
            position = TypeAdapter(TrainingPosition).validate_python(first | written)
        if len(position.pending) > math.ceil(TRAIN_IMAGES / config.batch_size):
            raise ValueError(f"it has losses of {len(position.pending):,} batches, more than an epoch has")
        arrays = _read_arrays(file, wanted)
    parts = {part: {name: arrays[f"{part}.{name}"] for name in weights} for part in TRAINING_PARTS}
    return parts, position


def save_snapshot(path: Path, snapshot: Snapshot, *, packed: bool = False) -> None:
    """Writes a snapshot in float16: half the size, and more precise than a screen. Raises OSError.

    With `packed` the weights, the reconstructions and the log-variances are written in int8, half of that
    again; the means stay in float16, because int8 would show on the map as a grid.
    """
    own = {name: getattr(snapshot, name) for name in ("mean", "logvar", "reconstructions")}
    metadata = {"metrics": snapshot.metrics.model_dump_json()} if snapshot.metrics else {}
    arrays: Arrays = {}
    for name, values in (snapshot.decoder | own).items():
        axis = _scale_axis(name, values.shape) if packed else None
        if axis is not None:
            arrays |= _quantised(name, values, axis)
        else:
            arrays[name] = halved(values)
    _write(path, arrays, metadata)


def load_snapshot(path: Path, config: TrainConfig) -> Snapshot:
    """The snapshot in `path`, in float16, and in float32 where it is stored in int8.

    Raises VaeError if it is damaged or does not fit `config`.
    """
    with _open_tensors(path, _size(_snapshot_shapes(config), "F16")) as file:
        images, examples = (file.get_slice(name).get_shape()[:1] for name in ("mean", "reconstructions"))
        arrays = _read_arrays(file, _snapshot_shapes(config, images, examples), KEPT)
        written = (file.metadata() or {}).get("metrics")
        metrics = None if written is None else Metrics.read(written.encode())
    own = {name: arrays.pop(name) for name in ("mean", "logvar", "reconstructions")}
    return Snapshot(arrays, **own, metrics=metrics)


def halved(values: npt.NDArray[Any]) -> npt.NDArray[np.float16]:
    """An array in float16; infinite, which readers refuse, where that is too small a type."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16)


def _scale_axis(name: str, shape: Shape) -> int | None:
    """The axis along which the values of a packed snapshot's tensor share a scale; None if it has none."""
    if name == "mean" or len(shape) != 2:
        return None
    return 0 if name == "logvar" else 1


def _quantised(name: str, values: npt.NDArray[Any], axis: int) -> Arrays:
    """A matrix as int8 tensor and its scales in float16, by their names in a file.

    Values that differ only along `axis` share a scale: their largest magnitude is LEVELS times it.
    """
    magnitude = np.abs(values.astype(np.float32)).max(axis=axis, keepdims=True)
    scale = halved(magnitude / LEVELS)
    steps = values / np.where(scale > 0, scale.astype(np.float32), 1)
    levels = np.rint(steps).clip(-LEVELS, LEVELS)
    return {name: levels.astype(np.int8), name + SCALE: scale}


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
    weights = weight_shapes(config)
    sizes = (
        _size(weights | _score_shapes(config)),
        _size(_training_shapes(weights)),
        _size(_snapshot_shapes(config), "F16"),
    )
    return SizeLimits(*map(safetensors_limit, sizes))


def _write(path: Path, arrays: Arrays, metadata: dict[str, str]) -> None:
    # safetensors writes the memory of an array as it lies there, whatever its strides.
    write_atomic(path, save({name: np.ascontiguousarray(each) for name, each in arrays.items()}, metadata))


def _training_shapes(weights: Shapes) -> dict[str, Shape]:
    return {f"{part}.{name}": shape for part in TRAINING_PARTS for name, shape in weights.items()}


def _score_shapes(config: TrainConfig, images: int = TEST_IMAGES) -> dict[str, Shape]:
    shapes: tuple[Shape, ...] = (*2 * ((images, config.latent_dim),), *2 * ((images,),))
    return {TEST + name: shape for name, shape in zip(Scores._fields, shapes, strict=True)}


def _snapshot_shapes(
    config: TrainConfig, images: Sequence[int] = (TEST_IMAGES,), examples: Sequence[int] = (EXAMPLES,)
) -> dict[str, Shape]:
    posterior = (*images, config.latent_dim)
    own: dict[str, Shape] = {
        "mean": posterior,
        "logvar": posterior,
        "reconstructions": (*examples, config.pixels),
    }
    return decoder_shapes(config) | own


def _size(shapes: Shapes, kind: str = "F32") -> int:
    return BYTES[kind] * sum(map(math.prod, shapes.values()))


@contextmanager
def _open_tensors(path: Path, most: int) -> Iterator[safe_open]:
    """Opens a safetensors file; every error of opening it and of the block is raised as VaeError."""
    file_name = "/".join(path.parts[-3 if path.parent.name == SNAPSHOTS else -2 :])
    try:
        with open_tensors(path, most) as file:
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


def _model_metadata(file: safe_open) -> ModelMetadata:
    with _validated_metadata():
        return ModelMetadata.model_validate(file.metadata() or {})


def _read_arrays(file: safe_open, wanted: Shapes, kinds: Collection[str] = FULL) -> Arrays:
    """All tensors of `file`, in the order of `wanted`, each of one of the types `kinds`.

    Those in int8 are multiplied with their scales (`_scale_axis`); they become float32.
    Raises ValueError before it reads any if names, shapes or types differ, and if a scale is no number.
    """
    slices = {name: file.get_slice(name) for name in file.keys()}
    found = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in slices.items()}
    scaled = [name for name, (_, kind) in found.items() if kind == "I8" and name in wanted]
    others = found.keys() ^ {*wanted, *(name + SCALE for name in scaled)}
    others |= {name for name in found.keys() & wanted if found[name][0] != wanted[name]}
    others |= {name for name in found.keys() & wanted if found[name][1] not in kinds}
    for name in scaled:
        axis = _scale_axis(name, wanted[name])
        shape = tuple(1 if each == axis else size for each, size in enumerate(wanted[name]))
        if axis is None or found.get(name + SCALE) != (shape, "F16"):
            others.add(name + SCALE)
    if others:
        name = min(others)
        raise ValueError(f"its weights are of other sizes than its config implies, {shortened(name)!r} first")
    arrays = {name: file.get_tensor(name) for name in wanted}
    for name in scaled:
        scale = file.get_tensor(name + SCALE).astype(np.float32)
        if not np.isfinite(scale).all():
            raise ValueError(f"the scales of {shortened(name)!r} are no numbers")
        arrays[name] = arrays[name] * scale
    return arrays
