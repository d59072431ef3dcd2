"""What a trainer shows of its model while it trains. Read and written without torch.

Shapes: C classes, M points, S = 28 pixels.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vae.errors import VaeError
from vae.files import write_whole

MAX_POINTS = 1000  # enough to see the classes drift apart, cheap to encode twice a second
SHAPES = {
    "pictures": (10, 28, 28),
    "reconstructions": (10, 28, 28),
    "points": (MAX_POINTS, 2),
    "labels": (MAX_POINTS,),
}


class View(NamedTuple):
    """A moment of a training, small enough to be written twice a second.

    `pictures` and `reconstructions` (C, S, S) are grey levels of the first test image of each class and of
    what the model makes of it from its mean; `points` (M, 2) is where the first test images lie on the
    plane that maps draw, `labels` (M,) their classes.
    """

    step: int
    pictures: npt.NDArray[np.uint8]
    reconstructions: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]


def save_view(path: Path, view: View) -> None:
    """Writes a view. Raises OSError."""
    arrays = {name: np.ascontiguousarray(getattr(view, name)) for name in SHAPES}
    write_whole(path, save(arrays, {"step": str(view.step)}), durable=False)


def load_view(path: Path) -> View | None:
    """The view in `path`, or None if there is none yet. Raises VaeError if it is damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            for name, most in SHAPES.items():
                shape = file.get_slice(name).get_shape()
                # Before memory is taken: a stranger's file may promise any size.
                fits = len(shape) == len(most) and all(map(int.__le__, shape, most))
                if not fits:
                    raise ValueError(f"{name} has the shape {shape}")
            return View(int(file.metadata()["step"]), *(file.get_tensor(name) for name in SHAPES))
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise VaeError(
            f"{path.parent.name}/{path.name} is damaged ({error}). Delete that file: training makes it anew."
        ) from error
