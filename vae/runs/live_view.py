"""The live view of a training: test images, their reconstructions and map positions. Imports no torch.

Shapes: E examples, M points, S pixels of a side, Z latent size.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from vae import VaeError
from vae.config import BUILT_IN, MAX_LATENT_DIM, MAX_SIDE, TrainConfig
from vae.datasets.registry import classes_of
from vae.inference.planes import Directions, axis_directions
from vae.inference.scored_set import EXAMPLES
from vae.runs.records import TensorMetadata
from vae.storage.atomic import write_atomic
from vae.storage.untrusted import open_tensors, read_unsynced, safetensors_limit

MAX_POINTS = 1000  # enough to see the classes separate, and quickly encoded
TYPES = {"pictures": "U8", "reconstructions": "U8", "points": "F32", "labels": "U8"}
ADDED_TYPES = {"kl": "F32", "axes": "U8"}  # not in the files of older versions
MAX_BYTES = 2 * EXAMPLES * 3 * MAX_SIDE**2 + MAX_POINTS * (2 * 4 + 1) + MAX_LATENT_DIM * 4 + 2  # bytes


class LiveView(NamedTuple):
    """A few test images at one step of the training, with their reconstructions and map positions.

    Attributes:
        pictures: the examples among the test images (`example_indices`): (E, S, S) or (E, S, S, 3).
        reconstructions: the same, decoded from the posterior means.
        points: map positions of the first M test images (`Directions.map_coordinates`): (M, 2).
        labels: their classes: (M,).
        kl: the mean KL of each latent dimension over these images, in nats: (Z,); None in older files.
        axes: the dimensions that the map shows, across and upwards: (2,); None in older files, for 0 and 1.
    """

    step: int
    pictures: npt.NDArray[np.uint8]
    reconstructions: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]
    kl: npt.NDArray[np.float32] | None = None
    axes: npt.NDArray[np.uint8] | None = None

    def directions(self, latent_dim: int) -> Directions:
        """The directions of the map's axes, in a latent space of `latent_dim` dimensions."""
        return axis_directions(latent_dim, *((0, 1) if self.axes is None else self.axes.tolist()))


def save_view(path: Path, view: LiveView) -> None:
    """Writes a view atomically. Raises OSError."""
    given = {name: getattr(view, name) for name in TYPES | ADDED_TYPES}
    arrays = {name: np.ascontiguousarray(array) for name, array in given.items() if array is not None}
    write_atomic(path, save(arrays, {"step": str(view.step)}), durable=False)


def load_view(path: Path, config: TrainConfig) -> LiveView | None:
    """The view in `path`; None if there is none yet.

    Raises VaeError if it is damaged, or its latent dimensions are not those of `config`.
    """
    try:
        read_unsynced(path, safetensors_limit(MAX_BYTES))
        with open_tensors(path, MAX_BYTES) as file:
            parts = {name: file.get_slice(name) for name in file.keys()}
            types = TYPES | (ADDED_TYPES if parts.keys() & ADDED_TYPES.keys() else {})
            if {name: part.get_dtype() for name, part in parts.items()} != types:
                raise ValueError("its arrays are of other types")
            shapes = {name: tuple(part.get_shape()) for name, part in parts.items()}
            # Checked before tensors are read: an untrusted file may declare any size.
            examples, points = shapes["pictures"][:1], shapes["labels"][:1]
            picture = (config.side, config.side, *((3,) if config.channels == 3 else ()))
            if shapes != {
                "pictures": (*examples, *picture),
                "reconstructions": (*examples, *picture),
                "points": (*points, 2),
                "labels": points,
                **({"kl": (config.latent_dim,), "axes": (2,)} if "kl" in shapes else {}),
            } or not ((1,) <= examples <= (EXAMPLES,) and (1,) <= points <= (MAX_POINTS,)):
                raise ValueError(f"its shapes are {shapes}")
            view = LiveView(
                TensorMetadata.of(file.metadata()).step, **{name: file.get_tensor(name) for name in types}
            )
        if not np.isfinite(view.points).all():
            raise ValueError("its points are not finite")
        if view.labels.max() >= len(classes_of(config)):
            if config.dataset in BUILT_IN:
                raise ValueError("its labels are of no class")
            # Without the data set nothing has a class.
            view = view._replace(labels=np.zeros_like(view.labels))
        if view.kl is not None and view.axes is not None:
            if not np.isfinite(view.kl).all() or view.axes.max() >= len(view.kl):
                raise ValueError("its KL is not finite, or its axes are no dimensions")
            if len(view.kl) > 1 and view.axes[0] == view.axes[1]:
                raise ValueError("its two axes are one")
        return view
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise VaeError(
            f"{path.parent.name}/{path.name} is damaged ({error}). Delete that file: training makes it anew."
        ) from error
