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
DTYPES = {"pictures": np.uint8, "reconstructions": np.uint8, "points": np.float32, "labels": np.uint8}


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
    arrays = {name: np.ascontiguousarray(getattr(view, name)) for name in DTYPES}
    write_whole(path, save(arrays, {"step": str(view.step)}), durable=False)


def load_view(path: Path) -> View | None:
    """The view in `path`, or None if there is none yet. Raises VaeError if it is damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in DTYPES}
            classes, points = shapes["pictures"][0], shapes["labels"][0]
            # Before memory is taken: a stranger's file may promise any size.
            if not (0 < classes <= 10 and 0 < points <= MAX_POINTS) or shapes != {
                "pictures": (classes, 28, 28),
                "reconstructions": (classes, 28, 28),
                "points": (points, 2),
                "labels": (points,),
            }:
                raise ValueError(f"its shapes are {shapes}")
            view = View(int(file.metadata()["step"]), *(file.get_tensor(name) for name in DTYPES))
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, ValueError, KeyError, IndexError, TypeError) as error:
        raise _damaged(path, error) from error
    if any(getattr(view, name).dtype != dtype for name, dtype in DTYPES.items()):
        raise _damaged(path, "its numbers are of another kind")
    if not np.isfinite(view.points).all() or view.labels.max() > 9:
        raise _damaged(path, "its points are nowhere")
    return view


def _damaged(path: Path, why: object) -> VaeError:
    return VaeError(
        f"{path.parent.name}/{path.name} is damaged ({why}). Delete that file: training makes it anew."
    )
