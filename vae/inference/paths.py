"""Paths between two points of the latent space: straight lines and arcs around the origin.

Shapes: Z latent size.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from vae.inference.scored_set import Floats

PathKind = Literal["straight", "spherical"]
Float64s = npt.NDArray[np.float64]

COUNT = 61  # points of a path, one for each frame of its GIF
PARALLEL = 1e-6  # sine of an angle; two directions closer than this are the same in float32


def straight(start: Floats, end: Floats, count: int) -> Floats:
    """Equally spaced points on the line from `start` to `end`: (Z,), (Z,) -> (count, Z).

    The first and last point equal `start` and `end` bit for bit.

    Args:
        count: at least 2.
    """
    share = np.linspace(0, 1, count, dtype=start.dtype)[:, None]
    # From the nearer end, so that both ends are exact.
    return np.where(share < 0.5, start + share * (end - start), end - (1 - share) * (end - start))


def spherical(start: Floats, end: Floats, count: int) -> Floats:
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
    radii = np.linalg.norm(np.stack((start, end)).astype(np.float64), axis=1)
    if len(start) == 1 or not radii.all():
        return straight(start, end, count)
    first, last = start / radii[0], end / radii[1]  # float64
    # The arc cosine is inexact near 0 and π.
    angle = 2 * np.arctan2(np.linalg.norm(first - last), np.linalg.norm(first + last))
    across = last - (last @ first) * first
    if np.linalg.norm(across) < PARALLEL:
        if angle < 1:
            return straight(start, end, count)
        across = _quarter_turn(first)
    angles = angle * np.linspace(0, 1, count)[:, None]
    # Shoemake's sin((1 - t) ω) / sin ω and sin(t ω) / sin ω, in terms of two orthogonal directions.
    directions = np.cos(angles) * first + np.sin(angles) * across / np.linalg.norm(across)
    points = (straight(radii[:1], radii[1:], count) * directions).astype(start.dtype)
    points[0], points[-1] = start, end
    return points


def _quarter_turn(direction: Float64s) -> Float64s:
    """`direction` turned by 90° in the plane of its two largest coordinates: (Z,) -> (Z,)."""
    x, y = np.sort(np.argsort(-np.abs(direction), kind="stable")[:2])
    turned = np.zeros_like(direction)
    turned[x], turned[y] = -direction[y], direction[x]
    return turned


def path_places(start: Floats, end: Floats, kind: PathKind, count: int = COUNT) -> Floats:
    """The points of a path, both ends included: (Z,), (Z,) -> (count, Z)."""
    along = spherical if kind == "spherical" else straight
    return along(start, end, count)
