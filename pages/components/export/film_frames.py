"""Films of a training: the map and its manifold, or ten digits, from moment to moment. No Streamlit.

Each moment that is kept takes as long as the next; training keeps them evenly in log time. The points of the
map travel in straight lines from where one moment has them to where the next does. Nothing else is made up:
what is drawn, and what is said, is the nearest moment's.

Shapes: M moments, N points, S pixels a side, Z latent size.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from pages.components.charts.images import tiled
from pages.components.export import film_drawing as drawing
from vae.datasets.pictures import Picture
from vae.export.animation import Frame
from vae.export.pictures import enlarged
from vae.inference.planes import Plane
from vae.inference.scored_set import Floats, Indices
from vae.inference.scoring import decoded
from vae.models.network import VAE
from vae.runs.snapshots import Journey, Moment

FRAME = 50  # milliseconds
BRIEFEST = 20  # milliseconds: browsers show no frame for less
REST = 1500  # milliseconds that the end is seen
POINTS = 10_000  # at most: all of MNIST's test set
RADIUS = 0.0032  # of a dot, in parts of the width
TILE = 36  # pixels of a digit of the manifold; all sizes are multiples
STEPS, OPACITY = 16, 0.4  # of its greys, behind points, which have to be seen
HELD = 0.995  # of all points at all moments: these lie in the window
MARGIN = 1.02  # of the window, so that the dots at its edge are whole
NARROWEST = 2.0  # half a window at least, in standard deviations of the prior: what has collapsed looks so
COLUMNS = 5  # of the ten digits
GAP = 4  # pixels of theirs, from one to the next


class Film(NamedTuple):
    """Frames, to be drawn one after the other, and how long each is shown, in milliseconds."""

    frames: Iterator[Frame]
    milliseconds: Sequence[int]


def map_film(
    journey: Journey,
    captions: Sequence[str],
    plane: Plane,
    labels: Indices,
    names: Sequence[str],
    size: int,
    seconds: int,
) -> Film:
    """The map as it was at each moment.

    Args:
        captions: of the moments (M,).
        plane: what it shows; of a line, the log-variance upwards, as maps do.
        labels, names: the classes of the test set (N,), and what they are called.
        size: pixels across, a multiple of TILE.
    """
    count = (1000 * seconds - REST) // FRAME
    milliseconds = [FRAME] * count
    milliseconds[-1] += 1000 * seconds - sum(milliseconds)
    return Film(_map_frames(journey, captions, plane, labels[:POINTS], names, size, count), milliseconds)


def digit_film(
    journey: Journey,
    captions: Sequence[str],
    pictures: Picture,
    classes: Indices,
    size: int,
    seconds: int,
) -> Film:
    """One picture of each class, over what the model made of it at each moment, if there is time for so many.

    Args:
        captions: of the moments (M,).
        pictures, classes: the first of each class in the test set: (C, S, S), (C,).
        size: pixels across.
    """
    moving = 1000 * seconds - REST
    seen = np.linspace(0, len(journey) - 1, min(len(journey), moving // BRIEFEST)).round().astype(int)
    milliseconds = [moving // len(seen) // 10 * 10] * len(seen)
    milliseconds[-1] += 1000 * seconds - sum(milliseconds)
    return Film(_digit_frames(journey, seen.tolist(), captions, pictures, classes, size), milliseconds)


def window(places: Floats) -> tuple[Floats, float]:
    """The square that holds points (M, N, 2) at all moments, but for the furthest: its middle (2,), and half
    its side."""
    out = (1 - HELD) / 2
    low, high = np.quantile(places.reshape(-1, 2), (out / 2, 1 - out / 2), axis=0)
    half = max(NARROWEST, MARGIN * float((high - low).max()) / 2)
    return ((low + high) / 2).astype(np.float32), half


def _map_frames(
    journey: Journey,
    captions: Sequence[str],
    plane: Plane,
    labels: Indices,
    names: Sequence[str],
    size: int,
    count: int,
) -> Iterator[Frame]:
    places = np.stack([_on_map(moment, plane)[: len(labels)] for moment in journey])
    middle, half = window(places)
    pixels = (places - middle) * np.array((1, -1)) * (size / 2 / half) + size / 2
    legend = drawing.legend(names, size)
    nearest, ground = None, np.empty(0, np.uint8)
    for at in np.linspace(0, len(journey) - 1, count):
        if round(at) != nearest:
            nearest = round(at)
            moment = journey[nearest]
            behind = drawing.in_greys(_manifold(moment.model, plane, middle, half, size), OPACITY, STEPS)
            ground = drawing.over(behind, drawing.caption(captions[nearest], size), legend)
        before = min(int(at), len(journey) - 2)
        share = at - before
        frame = ground.copy()
        between = (1 - share) * pixels[before] + share * pixels[before + 1]
        drawing.draw_dots(frame[:size], between, labels, RADIUS * size)
        yield frame


def _on_map(moment: Moment, plane: Plane) -> Floats:
    """Where the test set lies on the map: (N, 2)."""
    if plane.is_line:
        return np.concatenate((moment.means, moment.logvars), axis=1)
    return plane.coordinates(moment.means)


def _manifold(model: VAE, plane: Plane, middle: Floats, half: float, size: int) -> Picture:
    """What the model draws all over a window of the plane: (size, size)."""
    count = size // TILE
    offsets = ((np.arange(count) + 0.5) / count * 2 - 1) * half
    places = [plane.at(middle[0] + x, middle[1] - y) for y in offsets for x in offsets]
    sheet = Image.fromarray(tiled(decoded(model, np.stack(places)), count))
    return np.asarray(sheet.resize((size, size), Image.Resampling.BILINEAR))


def _digit_frames(
    journey: Journey,
    seen: Sequence[int],
    captions: Sequence[str],
    pictures: Picture,
    classes: Indices,
    size: int,
) -> Iterator[Frame]:
    cell, side = size // COLUMNS, pictures.shape[-1]
    times = cell // (side + GAP)
    gap, drawn = GAP * times // 2, side * times
    high = gap + 2 * (gap + drawn) + gap  # a pair, under a stripe in the colour of its class
    rows = math.ceil(len(classes) / COLUMNS)
    ground = np.zeros((gap + rows * high, size), np.uint8)
    lower = []
    for number, (picture, label) in enumerate(zip(pictures, classes, strict=True)):
        row, column = divmod(number, COLUMNS)
        top, left = gap + row * high, column * cell + (cell - drawn) // 2
        across = slice(left, left + drawn)
        ground[top : top + gap, across] = drawing.in_colour(label)
        ground[top + 2 * gap :, across][:drawn] = drawing.in_greys(enlarged(picture, times))
        lower.append((slice(top + 3 * gap + drawn, top + 3 * gap + 2 * drawn), across))
    for number in seen:
        frame = ground.copy()
        for place, reconstruction in zip(lower, journey[number].reconstructions, strict=True):
            frame[place] = drawing.in_greys(enlarged(reconstruction, times))
        yield drawing.over(frame, drawing.caption(captions[number], size))
