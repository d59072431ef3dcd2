"""Text for latent coordinates and numbers: axis names, decimals with a minus sign, units of a loss."""

import math

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


def bits_per_dimension(nats: float, values: int) -> float:
    """A loss of a picture, in nats, as bits for each of its values: `nats` / (`values` · log 2)."""
    return nats / (values * math.log(2))
