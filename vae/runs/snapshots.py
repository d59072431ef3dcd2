"""The models of a training in the order of their steps: its snapshots, then the model being explored.

Shapes: N test images, E examples among them (`example_indices`), S pixels of a side, Z latent size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.config import TrainConfig
from vae.datasets.images import ImageArray, rows_as_images, to_levels
from vae.inference.forward import Model
from vae.runs.checkpoints import Snapshot, load_snapshot
from vae.runs.run import Run


class ModelAtStep(NamedTuple):
    """A model at one step of its training.

    Attributes:
        model: for decoding only; a snapshot holds no encoder.
        means, logvars: posteriors of the test set: (N, Z).
        reconstructions: of the examples among the test images: (E, S, S) or (E, S, S, 3) uint8.
    """

    step: int
    model: Model
    means: npt.NDArray[np.float32]
    logvars: npt.NDArray[np.float32]
    reconstructions: ImageArray


def load_valid_snapshot(path: Path, config: TrainConfig, images: int, classes: int) -> Snapshot:
    """Loads a snapshot, and checks that it fits the test set.

    Args:
        config: of the snapshot's run.
        images, classes: how many the test set has.

    Raises VaeError if it is gone, damaged, not finite, of another test set, or has losses of a later step.
    """
    name = "/".join(path.parts[-3:])
    if not path.exists():
        raise VaeError(f"{name} is gone: it was deleted. Choose another run.")
    snapshot = load_snapshot(path, config)
    # An earlier step is valid: that of the newest line of metrics when the snapshot was written.
    if snapshot.metrics is not None and snapshot.metrics.step > int(path.stem):
        raise VaeError(
            f"{name} is damaged: it has the losses of step {snapshot.metrics.step:,}. Choose another run."
        )
    found = len(snapshot.mean), len(snapshot.reconstructions)
    if found != (images, classes):
        raise VaeError(
            f"{name} is of a test set of {found[0]:,} pictures and {found[1]} classes; the one that is here "
            f"has {images:,} and {classes}. Bring the data that the run was trained on."
        )
    arrays = (*snapshot.decoder.values(), snapshot.mean, snapshot.logvar, snapshot.reconstructions)
    if not all(np.isfinite(array).all() for array in arrays):
        raise VaeError(
            f"{name} holds what is no number: the weights have diverged. Choose another run, or train this "
            "one again with a third of its learning rate."
        )
    return snapshot


@dataclass(frozen=True)
class SnapshotSequence:
    """Models of `run` in the order of their steps, each loaded when it is accessed.

    Attributes:
        paths: the files of the snapshots, all but the last model.
        last: the model being explored; its test set is that of all models.
    """

    run: Run
    paths: Sequence[Path]
    last: ModelAtStep

    def __len__(self) -> int:
        return len(self.paths) + 1

    def __iter__(self) -> Iterator[ModelAtStep]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> ModelAtStep:
        """The model at an index. Raises VaeError as `load_valid_snapshot` does."""
        if number == len(self.paths):
            return self.last
        path = self.paths[number]
        snapshot = load_valid_snapshot(
            path, self.run.config, len(self.last.means), len(self.last.reconstructions)
        )
        decoder = {name: values.astype(np.float32) for name, values in snapshot.decoder.items()}
        return ModelAtStep(
            int(path.stem),
            Model(self.run.config, decoder),
            snapshot.mean.astype(np.float32),
            snapshot.logvar.astype(np.float32),
            rows_as_images(to_levels(snapshot.reconstructions.astype(np.float32)), self.run.config.channels),
        )
