"""A small MNIST, and configs that train on it in a second."""

import functools
import gzip
import hashlib
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import PACKED
from vae.config import TrainConfig
from vae.datasets.folder import RECORD, SPLITS, DatasetWriter, read_record
from vae.datasets.registry import class_names, load
from vae.inference.forward import Model
from vae.inference.scoring import score_images
from vae.models.network import VAE
from vae.runs import checkpoints
from vae.runs.records import Metrics, State, Status
from vae.runs.run import Run

TRAIN_IMAGES, TEST_IMAGES = 600, 200
# Fields of a small config with convolutions.
SMALL_CONV: dict[str, object] = {"network": "conv", "width": 2, "hidden_dims": (16,), "pixel_dropout": 0.1}


def write_small_mnist(root: Path, train: int = TRAIN_IMAGES, test: int = TEST_IMAGES) -> Path:
    """Writes the first images of MNIST as a packed data set under `root`, which is returned."""
    packed = root / "mnist"
    packed.mkdir(parents=True)
    for name, content in _small_mnist(train, test).items():
        (packed / name).write_bytes(content)
    return root


@functools.cache
def _small_mnist(train: int, test: int) -> dict[str, bytes]:
    """The files of such a data set; to unpack the whole of MNIST takes half a second."""
    files, sums = {}, {}
    for split, count in (("train", train), ("t10k", test)):
        for kind, header, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
            name = f"{split}-{kind}-ubyte"
            whole = gzip.decompress((PACKED / f"{name}.gz").read_bytes())
            content = whole[:4] + np.array([count], ">i4").tobytes() + whole[8 : header + count * size]
            files[f"{name}.gz"] = gzip.compress(content)
            sums[name] = hashlib.sha256(content).hexdigest()
    changes = {"counts": {"train": train, "test": test}, "arrays": sums}
    files[RECORD] = read_record(PACKED).model_copy(update=changes).model_dump_json().encode()
    return files


def write_mirrored_mnist(path: Path) -> Path:
    """Writes MNIST as it is loaded now, mirrored, as the data set in the folder `path`, which is returned."""
    with DatasetWriter(path, 1, 28) as writer:
        for split in SPLITS:
            images, labels = load("mnist", train=split == "train")
            writer.add(split, images[:, None, :, ::-1], labels)
        writer.finish(classes=class_names("mnist"))
    return path


def small_config(**changes: object) -> TrainConfig:
    """A config that trains on the small MNIST in a second."""
    fields = {"hidden_dims": (24, 16), "epochs": 3, "batch_size": 50, "threads": 1, "device": "cpu"}
    return TrainConfig.model_validate({**fields, **changes})


def with_numpy(model: VAE, config: TrainConfig) -> Model:
    """The same model, run by NumPy; its weights are copies."""
    return Model(config, {name: values.numpy().copy() for name, values in model.state_dict().items()})


def save_model(path: Path, model: VAE, config: TrainConfig, step: int, epoch: float) -> None:
    """Writes a file of weights without scores, as that of an older format."""
    checkpoints.save_model(path, checkpoints.SavedModel(with_numpy(model, config), None, step, epoch))


def score_training_set(run: Run) -> None:
    """Writes the scores that the map of the training set shows, as `python -m vae score` does."""
    images = load(run.config.dataset, train=True).images
    checkpoints.save_scores(run.training_scores_path, score_images(run.saved_model().model, images))


def stop_within_first_epoch(run: Run, epoch: float = 0.85, negative_elbo: float = 547.76) -> None:
    """Writes the files of a run that was tested at step 0 and stopped before its first epoch ended."""
    steps = 100  # of an epoch
    numbers = dict.fromkeys(Metrics.model_fields, 0.0) | {"split": "test", "step": 0, "elbo": -negative_elbo}
    run.append_metrics(Metrics.model_validate(numbers))
    step = round(epoch * steps)
    run.write_status(Status(state="stopped", step=step, epoch=epoch, total_steps=steps * run.config.epochs))


def interrupt_when(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends this process a SIGINT, once, when a training in it has written this state."""
    written = Run.write_status
    signals = [signal.SIGINT]  # one

    def interrupted(self: Run, status: Status) -> None:
        written(self, status)
        if status.state == state and signals:
            signal.raise_signal(signals.pop())

    monkeypatch.setattr(Run, "write_status", interrupted)
