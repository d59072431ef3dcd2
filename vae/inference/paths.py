"""Paths from one place of the latent space to another.

Shapes: Z latent size.
"""

from typing import Literal

import torch
from torch import Tensor

from vae.inference.scored_set import Floats

Way = Literal["straight", "spherical"]

COUNT = 61  # places: a frame of the GIF each
# The sine of the angle below which two directions count as one line: float32 knows them no better.
PARALLEL = 1e-6


def straight(start: Tensor, end: Tensor, count: int) -> Tensor:
    """Places on the line from `start` to `end`, equally far apart: (Z,), (Z,) -> (count, Z).

    The ends are those given, to the bit.

    Args:
        count: at least 2.
    """
    # torch's lerp counts from the nearer end, so that both are exact.
    return torch.lerp(start, end, torch.linspace(0, 1, count, dtype=start.dtype)[:, None])


def spherical(start: Tensor, end: Tensor, count: int) -> Tensor:
    """Places on the arc around the origin from `start` to `end`: (Z,), (Z,) -> (count, Z).

    The direction turns by equal angles the shorter way round, in the plane of both ends: slerp (Shoemake
    1985, "Animating rotation with quaternion curves"). White (2016, arXiv:1609.04468) takes it for latent
    spaces: a normal distribution of many dimensions lies near a sphere, whose empty inside a straight line
    crosses.

    Slerp is meant for unit vectors. White applies its weights to ends of any length; where these differ,
    that path can swing out far beyond both, without bound towards opposite ends. So here the distance from
    the origin changes evenly from one end's to the other's. For ends of equal length it is the same.

    Opposite ends are joined by many half circles. This one turns anticlockwise, seen in the plane of the
    two axes that `start` is longest in. Where nothing turns the path is straight: both ends in the same
    direction, an end at the origin, or a latent space of one dimension.

    The ends are those given, to the bit.

    Args:
        count: at least 2.
    """
    radii = torch.stack((start, end)).double().norm(dim=1)
    if len(start) == 1 or not radii.all():
        return straight(start, end, count)
    first, last = start.double() / radii[0], end.double() / radii[1]
    angle = 2 * torch.atan2((first - last).norm(), (first + last).norm())  # acos is blunt near 0 and π
    across = last - (last @ first) * first
    if across.norm() < PARALLEL:
        if angle < 1:
            return straight(start, end, count)
        across = _quarter_turn(first)
    turned = angle * torch.linspace(0, 1, count, dtype=torch.float64)[:, None]
    # Shoemake's sin((1 - t) ω) / sin ω and sin(t ω) / sin ω, in terms of two directions at a right angle.
    directions = turned.cos() * first + turned.sin() * across / across.norm()
    places = (straight(radii[:1], radii[1:], count) * directions).to(start.dtype)
    places[0], places[-1] = start, end
    return places


def _quarter_turn(direction: Tensor) -> Tensor:
    """A vector at a right angle: `direction` turned in the plane of its two longest axes: (Z,) -> (Z,)."""
    x, y = direction.abs().topk(2).indices.sort().values
    turned = torch.zeros_like(direction)
    turned[x], turned[y] = -direction[y], direction[x]
    return turned


def places(start: Floats, end: Floats, way: Way, count: int = COUNT) -> Floats:
    """The path's places, both ends among them, as they are: (Z,), (Z,) -> (count, Z)."""
    along = spherical if way == "spherical" else straight
    return along(torch.from_numpy(start), torch.from_numpy(end), count).numpy()
