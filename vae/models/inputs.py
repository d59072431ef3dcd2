"""Checks of the images and latent points that callers pass to a model, and conversion to its type and device.

Shapes: B batch, C channels, S pixels of a side, P = C · S · S values of a picture, Z latent size.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vae import VaeError

Array = Tensor | npt.NDArray[Any]

TOLERANCE = 1e-4  # beyond [0, 1], for what rounding adds


def as_pixels(images: Array, weights: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Images as an encoder reads them: (B, P), (B, C, S, S) or (B, S, S, C) in [0, 1] -> (B, P).

    Images in grey can be (B, S, S), too.

    Args:
        weights: any weights of the model, whose type and device the result has.
        shape: (C, S, S), of the model's pictures.

    Raises VaeError if type, shape or range are others.
    """
    pixels = _as_floats(images, "images", weights)
    channels, side, _ = shape
    row, last = (math.prod(shape),), (side, side, channels)
    known = (row, shape, last) if channels > 1 else (row, (side, side), shape, last)
    if tuple(pixels.shape[1:]) not in known:
        one = tuple(pixels.shape) in known
        shapes = [f"(B, {', '.join(map(str, each))})" for each in (known if channels > 1 else known[:-1])]
        raise VaeError(
            f"The images have the shape {tuple(pixels.shape)}. The model reads {', '.join(shapes[:-1])} or "
            f"{shapes[-1]}." + " Pass images[None] for a single one." * one
        )
    if tuple(pixels.shape[1:]) == last:
        pixels = pixels.movedim(-1, 1)
    low, high = _extremes(pixels)
    if low < -TOLERANCE or high > 1 + TOLERANCE or math.isnan(low):
        raise VaeError(
            f"The images have values from {low:.4g} to {high:.4g}. "
            f"The model reads 0 for black to 1 for white. {_range_advice(low, high)}"
        )
    return pixels.flatten(start_dim=1)


def as_latent_points(z: Array, weights: Tensor, size: int) -> Tensor:
    """Latent points as a decoder reads them: (B, Z).

    Args:
        weights: any weights of the model, whose type and device the result has.
        size: Z.

    Raises VaeError if type or shape are others, or a value is not finite.
    """
    points = _as_floats(z, "z", weights)
    if points.dim() != 2 or points.shape[1] != size:
        one = tuple(points.shape) == (size,)
        raise VaeError(
            f"z has the shape {tuple(points.shape)}. The model reads (B, {size}), a point in each row."
            + " Pass z[None] for a single one." * one
        )
    if not all(map(math.isfinite, _extremes(points))):
        raise VaeError("z holds a value that is infinite or no number. Pass finite values.")
    return points


def _as_floats(values: Array, name: str, weights: Tensor) -> Tensor:
    """Values of a floating-point type as a tensor like `weights`. Raises VaeError for others."""
    if isinstance(values, np.ndarray):
        floating, kind = values.dtype.kind == "f", str(values.dtype)
    elif isinstance(values, Tensor) and values.layout == torch.strided and not values.is_nested:
        floating, kind = values.is_floating_point(), str(values.dtype)
    else:
        kind = type(values).__name__
        if isinstance(values, Tensor):
            kind = "a nested tensor" if values.is_nested else f"a sparse tensor ({values.layout})"
        raise VaeError(f"{name} must be a NumPy array or a dense torch tensor, not {kind}.")
    if not floating:
        advice = (
            "Divide grey levels from 0 to 255 by 255." if name == "images" else "Convert them to float32."
        )
        raise VaeError(f"The values of {name} are {kind}. The model reads floating-point numbers. {advice}")
    if isinstance(values, np.ndarray):
        # A copy, because torch takes no array that is read-only, reversed, or of the other byte order.
        with np.errstate(over="ignore"):  # of longer floats; the caller refuses what is infinite
            values = torch.from_numpy(np.array(values, np.float64, order="C"))
    if values.is_meta and not weights.is_meta:
        raise VaeError(f"{name} has no values, only a shape: it is on the device meta. Pass one with values.")
    if values.is_inference() and not torch.is_inference_mode_enabled():
        values = values.clone()  # autograd refuses the original
    return values.to(weights)


def _extremes(values: Tensor) -> tuple[float, float]:
    """The smallest and the largest value, NaN if there is one; 0 and 0 if they cannot be known.

    They cannot in a function that torch compiles or vectorises, and without values.
    """
    if not values.numel() or torch.compiler.is_compiling():
        return 0.0, 0.0
    try:
        low, high = values.detach().aminmax()
        return low.item(), high.item()
    except RuntimeError:  # under torch.func, or on the meta device
        return 0.0, 0.0


def _range_advice(low: float, high: float) -> str:
    """What to do with images whose values reach from `low` to `high`."""
    if math.isnan(low):
        return "NaN is no number: replace those values."
    if low >= -TOLERANCE and high > 2:
        return "Divide grey levels from 0 to 255 by 255."
    if -1 - TOLERANCE <= low < -0.5 and high <= 1 + TOLERANCE:
        return "If -1 is black, pass (images + 1) / 2."
    if low > -0.5 and high < 1.5:
        return "Clip what an interpolation has added: images.clip(0, 1)."
    return "Undo the standardisation, or rescale them."
