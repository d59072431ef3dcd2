"""Sprites: drawn pictures of simple shapes, of which is known what they were made from.

The factors of a picture are drawn independently, each uniformly within its range:

| factor | unit and range |
| --- | --- |
| x, y | pixels from the left and from the upper border to the shape's centre |
| size | pixels, the diameter of the circle around the shape |
| rotation | clockwise, 0 to 1 of the turn after which the shape looks the same again; 0 for disc and ring |
| hue | degrees on the colour circle, 0 (red) to 360; only in colour |

The kind of the shape, which is the label, is drawn in the same way. No shape is cut off by the border.

The pictures are the same on every computer: the random numbers are those of PCG64 with a fixed seed, sines
and cosines are rounded before they are used, and all else is computed by operations that IEEE 754 defines to
the last bit.

Shapes: N pictures, C channels, S pixels of a side, F factors.
"""

import math
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vae.config import BUILT_IN
from vae.datasets.folder import SPLITS, DatasetWriter
from vae.datasets.images import to_levels
from vae.datasets.registry import BUILT_IN_SETS

DRAWN = 1000  # pictures at once
FACTORS = ("x", "y", "size", "rotation", "hue")
# Of the kinds: square, disc, triangle, star, cross, ring.
TURNS = np.array([1 / 4, 0, 1 / 3, 1 / 5, 1 / 4, 0])  # the least turn after which it looks the same
SIZES = {28: (10.0, 16.0), 32: (11.0, 19.0)}  # least and greatest, by S
BORDER = 1.0  # pixels around the greatest shape, so that its soft edge is whole
ARM = 0.3  # half the width of the cross's arms, as a share of the radius
HOLE = 0.55  # of the ring
_DESCRIPTION = (
    "x, y: pixels from the left and from the upper border to the centre. size: pixels, the diameter of the "
    "circle around the shape. rotation: 0 to 1 of the turn after which the shape looks the same again; "
    "0 for disc and ring, whose turn cannot be seen."
)
Floats = npt.NDArray[np.float64]


class _Sprites(NamedTuple):
    """What pictures are made from: kinds (N,) from 0 on, and factors (N, F)."""

    kinds: npt.NDArray[np.int64]
    factors: Floats


def draw_sprites(path: Path, *, colour: bool) -> Generator[str, None, None]:
    """Writes `sprites` or `sprites-colour` to the folder `path`; yields what is being done, a sentence.

    If the iterator is closed before its end, nothing stays. Raises OSError; FileExistsError if the folder is
    there.
    """
    name = "sprites-colour" if colour else "sprites"
    known, (channels, side) = BUILT_IN_SETS[name], BUILT_IN[name]
    random = np.random.Generator(np.random.PCG64(side))
    done = 0
    with DatasetWriter(path, channels, side) as writer:
        for split, count in zip(SPLITS, known.counts, strict=True):
            for start in range(0, count, DRAWN):
                yield f"Drawing {name}: {100 * done / sum(known.counts):.0f} %."
                some = _choose(random, min(DRAWN, count - start), side, colour)
                writer.add(split, _draw(some, side), some.kinds, some.factors.astype(np.float32))
                done += len(some.kinds)
        writer.finish(
            classes=known.classes,
            source=known.source,
            licence=known.licence,
            preparation=f"{_DESCRIPTION} hue: degrees on the colour circle." if colour else _DESCRIPTION,
            factors=FACTORS if colour else FACTORS[:4],
        )


def _choose(random: np.random.Generator, count: int, side: int, colour: bool) -> _Sprites:
    """Draws kinds and factors of `count` pictures of S = `side`."""
    least, greatest = SIZES[side]
    first, last = greatest / 2 + BORDER, side - greatest / 2 - BORDER
    low = np.array([first, first, least, 0, 0])
    high = np.array([last, last, greatest, 1, 360])
    # Of all methods of a generator, `random` is the simplest, whose numbers newer versions will not change.
    uniform = random.random((count, 1 + len(FACTORS)))
    kinds = (uniform[:, 0] * len(TURNS)).astype(np.int64)
    factors = low + uniform[:, 1:] * (high - low)
    factors[TURNS[kinds] == 0, 3] = 0
    return _Sprites(kinds, factors if colour else factors[:, :4])


def _draw(sprites: _Sprites, side: int) -> npt.NDArray[np.uint8]:
    """Pictures (N, C, S, S), in colour if the factors have a hue."""
    kinds, factors = sprites
    x, y, size, rotation = (factors[:, column, None, None] for column in range(4))
    radius, turn = size / 2, rotation * TURNS[kinds, None, None]
    cosine, sine = _rounded(np.cos(2 * np.pi * turn)), _rounded(np.sin(2 * np.pi * turn))
    middles = np.arange(side) + 0.5  # of the pixels
    right, down = middles - x, middles[:, None] - y
    # Where each pixel lies if the shape is turned upright: (N, S, S).
    u, v = cosine * right + sine * down, cosine * down - sine * right
    distance = np.sqrt(u * u + v * v) - radius  # that of the disc, beyond which no shape goes
    for kind, measure in _MEASURES.items():
        of_kind = kinds == kind
        inner = measure(u[of_kind], v[of_kind], radius[of_kind])
        distance[of_kind] = np.maximum(distance[of_kind], inner)
    # An edge through the middle of a pixel covers half of it.
    cover = np.clip(0.5 - distance, 0, 1)[:, None]
    light = _colours(factors[:, 4]) if factors.shape[1] > 4 else np.ones((len(kinds), 1))
    return to_levels(cover * light[:, :, None, None])


def _colours(hue: Floats) -> Floats:
    """Saturated colours of full value by their hue in degrees: (N,) -> (N, 3), each 0 to 1."""
    sixths = (hue[:, None] / 60 + np.array([0, 4, 2])) % 6
    return np.clip(np.abs(sixths - 3) - 1, 0, 1)


def _rounded(values: Floats) -> Floats:
    """Values without their last bits, in which the sines and cosines of computers differ."""
    return np.rint(values * 2**30) / 2**30


# Signed distances in pixels, negative inside, of points (u, v) from upright shapes in a circle around 0. They
# are exact beside edges, and too small outside of corners, which the circle cuts off.


def _square(u: Floats, v: Floats, radius: Floats) -> Floats:
    return np.maximum(np.abs(u), np.abs(v)) - radius * math.sqrt(0.5)


def _triangle(u: Floats, v: Floats, radius: Floats) -> Floats:
    return _along(u, v, 3).max(0) - radius / 2


def _star(u: Floats, v: Floats, radius: Floats) -> Floats:
    """The pentagram: what is inside of at least four of five lines, each cos(72°) of the radius away."""
    return np.sort(_along(u, -v, 5), 0)[-2] - radius * ((math.sqrt(5) - 1) / 4)


def _cross(u: Floats, v: Floats, radius: Floats) -> Floats:
    along, across = np.maximum(np.abs(u), np.abs(v)), np.minimum(np.abs(u), np.abs(v))
    return np.maximum(along - radius * math.sqrt(1 - ARM**2), across - radius * ARM)


def _ring(u: Floats, v: Floats, radius: Floats) -> Floats:
    return radius * HOLE - np.sqrt(u * u + v * v)


def _along(u: Floats, v: Floats, count: int) -> Floats:
    """How far points lie in each of `count` directions, the first of which is down: (count, N, S, S)."""
    angles = 2 * np.pi * np.arange(count) / count
    sines, cosines = _rounded(np.sin(angles)), _rounded(np.cos(angles))
    return np.stack([u * sine + v * cosine for sine, cosine in zip(sines, cosines, strict=True)])


_MEASURES = {0: _square, 2: _triangle, 3: _star, 4: _cross, 5: _ring}
