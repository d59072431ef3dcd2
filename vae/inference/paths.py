"""Paths between two points of the latent space: straight lines and arcs around the origin.

Shapes: Z latent size.
"""

from typing import Literal

import torch
from torch import Tensor

from vae.inference.scored_set import Floats

PathKind = Literal["straight", "spherical"]

COUNT = 61  # points of a path, one for each frame of its GIF
PARALLEL = 1e-6  # sine of an angle; two directions closer than this are the same in float32


def straight(start: Tensor, end: Tensor, count: int) -> Tensor:
    """Equally spaced points on the line from `start` to `end`: (Z,), (Z,) -> (count, Z).

    The first and last point equal `start` and `end` bit for bit.

    Args:
        count: at least 2.
    """
    # torch's lerp starts from the nearer end, so that both ends are exact.
    return torch.lerp(start, end, torch.linspace(0, 1, count, dtype=start.dtype)[:, None])


def spherical(start: Tensor, end: Tensor, count: int) -> Tensor:
    """Points on the arc around the origin from `start` to `end`: (Z,), (Z,) -> (count, Z).

    The direction turns by equal angles, the shorter way round, in the plane of both ends: slerp (Shoemake
    1985, "Animating rotation with quaternion curves"). White (2016, arXiv:1609.04468) uses it in latent
    spaces: a normal distribution of many dimensions lies near a sphere, and a straight line crosses the
    empty inside.

    Slerp is defined for unit vectors. White applies its weights to ends of any length; where the lengths
    differ, that path can swing out far beyond both ends, without bound as the ends become opposite. Here the
    distance from the origin changes linearly from one end's to the other's, which is the same for ends of
    equal length.

    Opposite ends are joined by infinitely many half circles. This one turns anticlockwise in the plane of the
    two axes on which `start` has its largest coordinates. The path is straight if there is no angle to turn:
    both ends in the same direction, an end at the origin, or Z = 1.

    The first and last point equal `start` and `end` bit for bit.

    Args:
        count: at least 2.
    """
    radii = torch.stack((start, end)).double().norm(dim=1)
    if len(start) == 1 or not radii.all():
        return straight(start, end, count)
    first, last = start.double() / radii[0], end.double() / radii[1]
    angle = 2 * torch.atan2((first - last).norm(), (first + last).norm())  # acos is inexact near 0 and π
    across = last - (last @ first) * first
    if across.norm() < PARALLEL:
        if angle < 1:
            return straight(start, end, count)
        across = _quarter_turn(first)
    angles = angle * torch.linspace(0, 1, count, dtype=torch.float64)[:, None]
    # Shoemake's sin((1 - t) ω) / sin ω and sin(t ω) / sin ω, in terms of two orthogonal directions.
    directions = angles.cos() * first + angles.sin() * across / across.norm()
    points = (straight(radii[:1], radii[1:], count) * directions).to(start.dtype)
    points[0], points[-1] = start, end
    return points


def _quarter_turn(direction: Tensor) -> Tensor:
    """`direction` turned by 90° in the plane of its two largest coordinates: (Z,) -> (Z,)."""
    x, y = direction.abs().topk(2).indices.sort().values
    turned = torch.zeros_like(direction)
    turned[x], turned[y] = -direction[y], direction[x]
    return turned


def path_places(start: Floats, end: Floats, kind: PathKind, count: int = COUNT) -> Floats:
    """The points of a path, both ends included: (Z,), (Z,) -> (count, Z)."""
    along = spherical if kind == "spherical" else straight
    return along(torch.from_numpy(start), torch.from_numpy(end), count).numpy()
