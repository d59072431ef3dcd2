"""Text for latent coordinates and numbers: axis names, decimals with a minus sign, units of a loss."""

import math
from typing import Any, TypeVar

import numpy.typing as npt

Nats = TypeVar("Nats", float, npt.NDArray[Any])

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def coordinate_name(dimension: int) -> str:
    """The name of a latent dimension, counted from 0: `z₁` for 0."""
    return f"z{str(dimension + 1).translate(SUBSCRIPTS)}"


def axis_names(latent_dim: int) -> tuple[str, str]:
    """The names of a map's two axes (`planes.Directions.map_coordinates`)."""
    return coordinate_name(0), coordinate_name(1) if latent_dim > 1 else "log-variance of z₁"


def format_number(value: float, *, thousands: str = "") -> str:
    """A number with two decimals, with a minus sign instead of a hyphen, and without −0."""
    return f"{value:z{thousands}.2f}".replace("-", "−")


def bits_per_dimension(nats: Nats, values: int) -> Nats:
    """Losses of a picture, in nats, as bits for each of its values: `nats` / (`values` · log 2)."""
    return nats / (values * math.log(2))


def bits_text(nats: float, values: int | None) -> str:
    """`, 6.274 bits/dim`, to follow a −ELBO; empty without `values` (`TrainConfig.density_values`)."""
    return "" if values is None else f", {bits_per_dimension(nats, values):.3f} bits/dim"
