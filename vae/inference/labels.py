"""How coordinates of the latent space, and numbers, are written for people."""

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def coordinate_name(dimension: int) -> str:
    """What a coordinate of the latent space is called, counted from 0."""
    return f"z{str(dimension + 1).translate(SUBSCRIPTS)}"


def axis_names(latent_dim: int) -> tuple[str, str]:
    """What the two axes of a map are called (`vae.latent.plane`)."""
    return coordinate_name(0), coordinate_name(1) if latent_dim > 1 else "log-variance of z₁"


def decimal(value: float, *, thousands: str = "") -> str:
    """A number to 0.01 as people read it: with a minus sign, not a hyphen, and no −0."""
    return f"{value:z{thousands}.2f}".replace("-", "−")
