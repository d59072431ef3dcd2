"""The frames of films of a training: the map with its manifold, or ten images. Without Streamlit.

A film goes through the snapshots at a steady pace; training writes them at even steps of log time. The points
of the map move in straight lines from one snapshot to the next. Nothing else is interpolated: manifold,
images and caption are those of the nearest snapshot.

A frame holds indices of colours (`vae.export.animation`): GREYS from the background to the ink, then for each
class EDGE from nearly the background to the class's own colour. A film of coloured images has TEXT_GREYS
greys for its text, the same of classes, and PICTURE_COLOURS that Pillow's median cut chooses from images of
SEEN moments, without dithering: one choice for all its frames (`PictureColours`), so that none flickers.

Shapes: M moments, N points, H, W, S pixels, Z latent size, K colours.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import cycle, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor, ImageDraw, ImageFont

from pages.components.charts.images import Ink, tiled
from vae.datasets.images import ImageArray
from vae.export.animation import MAX_COLOURS, Frame, Palette
from vae.export.colours import CLASS_COLOURS, colours_of_classes
from vae.export.images import enlarged
from vae.inference.forward import Model
from vae.inference.planes import Plane
from vae.inference.scored_set import Floats, Indices
from vae.runs.snapshots import ModelAtStep, SnapshotSequence

FRAME = 50  # milliseconds
BRIEFEST = 20  # milliseconds: browsers show no frame for less
REST = 1500  # milliseconds that the last frame stays
POINTS = 10_000  # at most: all of MNIST's test set
RADIUS = 0.0032  # of a dot, as a fraction of the width
TILE = 36  # pixels of an image of the manifold; all sizes are multiples
STEPS, OPACITY = 16, 0.4  # of the manifold's greys, faint so that the points stand out
HELD = 0.995  # fraction of all points of all snapshots that lie in the window
MARGIN = 1.02  # factor of the window, so that dots at its edge are whole
NARROWEST = 2.0  # half a window's side at least, in standard deviations of the prior: shows a collapse as one
COLUMNS = 5  # of the ten images
GAP = 4  # pixels between two images, in pixels of an image
GREYS = 128
COLOURS = len(CLASS_COLOURS["light"])  # of classes; more than these share them in turn
EDGE = 4  # levels of how much of a pixel a dot covers: anti-aliasing
TEXT_GREYS = 16  # of a film of coloured images
PICTURE_COLOURS = MAX_COLOURS - TEXT_GREYS - EDGE * COLOURS
PICTURES = GREYS + EDGE * COLOURS  # the first index of the colours of images, while a frame is drawn
SEEN = 8  # moments from which the colours of images are chosen
SEEN_IMAGES = 40  # of each of them
WITHIN = 4  # positions within a pixel, in each direction, that a dot's centre is rounded to
FINER = 8  # samples a side of a pixel, to find how much of it a dot covers
LETTERS = 1 / 36  # font size as a fraction of the frame's width
LINE = 1.6  # line height in font sizes
TEXT_MARGIN = 0.7  # margin at the left of a line and below the last, in font sizes


# A frame that is being drawn (H, W): of coloured images it may have more indices than a palette has colours.
Drawn = npt.NDArray[np.unsignedinteger[Any]]


class PictureColours:
    """The colours that a film shows coloured images in, one choice for all frames.

    Args:
        examples: images like those of the film, each (H, W, 3); widths may differ.
        opacity: how far the colours stand out from the background.
    """

    def __init__(self, examples: Iterable[ImageArray], opacity: float = 1) -> None:
        strip = np.concatenate([image.reshape(-1, 3) for image in examples])
        self._common = Image.fromarray(strip[None]).quantize(PICTURE_COLOURS)
        self._opacity = opacity

    def indices(self, picture: ImageArray) -> npt.NDArray[np.uint8]:
        """The nearest colour of each pixel of a picture (H, W, 3), 0 to K: (H, W)."""
        image = Image.fromarray(np.ascontiguousarray(picture))
        return np.asarray(image.quantize(palette=self._common, dither=Image.Dither.NONE))

    def on(self, ground: int) -> npt.NDArray[np.float64]:
        """The colours (K, 3) on a background of the level `ground`."""
        colours = np.reshape(self._common.getpalette() or [], (-1, 3))[:PICTURE_COLOURS]
        return ground + (colours - ground) * self._opacity


class Film(NamedTuple):
    """A film.

    Attributes:
        frames: drawn as they are iterated.
        milliseconds: how long each is shown.
        colours: those of the images; None for grey ones.
    """

    frames: Iterator[Frame]
    milliseconds: Sequence[int]
    colours: PictureColours | None = None


def map_film(
    sequence: SnapshotSequence,
    captions: Sequence[str],
    plane: Plane,
    labels: Indices,
    names: Sequence[str],
    size: int,
    seconds: int,
    *,
    coloured: bool = False,
) -> Film:
    """A film of the map.

    Args:
        captions: one for each snapshot (M,).
        plane: the plane of the map; a line has the log-variance as the second axis, as on the page.
        labels, names: the classes of the test set (N,), and their names.
        size: the width in pixels, a multiple of TILE.
        coloured: whether the model draws coloured images.
    """
    count = (1000 * seconds - REST) // FRAME
    milliseconds = [FRAME] * count
    milliseconds[-1] += 1000 * seconds - sum(milliseconds)
    labels = labels[:POINTS]
    colours = None
    if coloured:
        examples = [at.model.decode(at.means[:SEEN_IMAGES]) for at in _spread(sequence)]
        colours = PictureColours(examples, OPACITY)

    def frames() -> Iterator[Frame]:
        places = np.stack([_on_map(model, plane)[: len(labels)] for model in sequence])
        middle, half = window(places)
        pixels = (places - middle) * np.array((1, -1)) * (size / 2 / half) + size / 2
        # Of a single class it would say nothing, and of more than there are colours little.
        listed = [legend(names, size)] if 1 < len(names) <= COLOURS else []
        nearest: int | None = None
        ground: Drawn = np.empty(0, np.uint8)
        for at in np.linspace(0, len(sequence) - 1, count):
            if round(at) != nearest:
                nearest = round(at)
                drawn = _manifold(sequence[nearest].model, plane, middle, half, size)
                sheet = in_greys(drawn, OPACITY, STEPS) if colours is None else _in_colours(drawn, colours)
                ground = over(sheet, caption(captions[nearest], size), *listed)
            before = min(int(at), len(sequence) - 2)
            share = at - before
            frame = ground.copy()
            between = (1 - share) * pixels[before] + share * pixels[before + 1]
            draw_dots(frame[:size], between, labels, RADIUS * size)
            yield frame if colours is None else _with_fewer_greys(frame)

    return Film(frames(), milliseconds, colours)


def image_film(
    sequence: SnapshotSequence,
    captions: Sequence[str],
    pictures: ImageArray,
    labels: Indices | None,
    size: int,
    seconds: int,
) -> Film:
    """A film of a few test images above their reconstructions.

    It shows all snapshots, or evenly chosen ones where the seconds are too few for all.

    Args:
        captions: one for each snapshot (M,).
        pictures, labels: the images (E, S, S) or (E, S, S, 3), and their classes (E,); None for no stripe in
            its colour.
        size: the width in pixels.
    """
    moving = 1000 * seconds - REST
    seen = np.linspace(0, len(sequence) - 1, min(len(sequence), moving // BRIEFEST)).round().astype(int)
    milliseconds = [moving // len(seen) // 10 * 10] * len(seen)
    milliseconds[-1] += 1000 * seconds - sum(milliseconds)
    colours = None
    if pictures.ndim == 4:
        colours = PictureColours([pictures, *(at.reconstructions for at in _spread(sequence))])

    def drawn_as(picture: ImageArray) -> Drawn:
        return in_greys(picture) if colours is None else _in_colours(picture, colours)

    def frames() -> Iterator[Frame]:
        cell, side = size // COLUMNS, pictures.shape[1]
        times = max(1, cell // (side + GAP))
        gap, drawn = GAP * times // 2, side * times
        high = gap + 2 * (gap + drawn) + gap  # height of a pair under a stripe in its class's colour
        rows = math.ceil(len(pictures) / COLUMNS)
        ground: Drawn = np.zeros((gap + rows * high, size), np.uint8 if colours is None else np.uint16)
        lower = []
        for number, picture in enumerate(pictures):
            row, column = divmod(number, COLUMNS)
            top, left = gap + row * high, column * cell + (cell - drawn) // 2
            across = slice(left, left + drawn)
            if labels is not None:
                ground[top : top + gap, across] = in_colour(labels[number])
            ground[top + 2 * gap :, across][:drawn] = drawn_as(enlarged(picture, times))
            lower.append((slice(top + 3 * gap + drawn, top + 3 * gap + 2 * drawn), across))
        for number in seen.tolist():
            frame = ground.copy()
            for place, reconstruction in zip(lower, sequence[number].reconstructions, strict=True):
                frame[place] = drawn_as(enlarged(reconstruction, times))
            whole = over(frame, caption(captions[number], size))
            yield whole if colours is None else _with_fewer_greys(whole)

    return Film(frames(), milliseconds, colours)


def window(places: Floats) -> tuple[Floats, float]:
    """The square that holds `HELD` of the points (M, N, 2) of all snapshots: its centre (2,), and half its
    side."""
    out = (1 - HELD) / 2
    low, high = np.quantile(places.reshape(-1, 2), (out / 2, 1 - out / 2), axis=0)
    half = max(NARROWEST, MARGIN * float((high - low).max()) / 2)
    return ((low + high) / 2).astype(np.float32), half


def _on_map(at: ModelAtStep, plane: Plane) -> Floats:
    """The test set's coordinates on the map: (N, 2)."""
    if plane.is_line:
        return np.concatenate((at.means, at.logvars), axis=1)
    return plane.coordinates(at.means)


def _manifold(model: Model, plane: Plane, middle: Floats, half: float, size: int) -> ImageArray:
    """What the model draws on a grid over the window of the plane: (size, size[, 3])."""
    count = size // TILE
    offsets = ((np.arange(count) + 0.5) / count * 2 - 1) * half
    places = [plane.at(middle[0] + x, middle[1] - y) for y in offsets for x in offsets]
    sheet = Image.fromarray(tiled(model.decode(np.stack(places)), count))
    return np.asarray(sheet.resize((size, size), Image.Resampling.BILINEAR))


def palette(ink: Ink, of_pictures: PictureColours | None = None, *, count: int = COLOURS) -> Palette:
    """The colours of a film with `count` classes."""
    ground, full = (255, 0) if ink == "Black on white" else (0, 255)
    colours = islice(cycle(colours_of_classes(count, "light" if ground else "dark")), COLOURS)
    greys = np.repeat(np.linspace(ground, full, GREYS)[:, None], 3, axis=1)
    share = np.arange(1, EDGE + 1)[:, None] / EDGE
    classes = [ground + (np.array(ImageColor.getrgb(colour)) - ground) * share for colour in colours]
    if of_pictures is None:
        return np.rint(np.concatenate((greys, *classes))).astype(np.uint8)
    few = np.linspace(greys[0], greys[-1], TEXT_GREYS)
    return np.rint(np.concatenate((few, *classes, of_pictures.on(ground)))).astype(np.uint8)


def in_greys(levels: ImageArray, opacity: float = 1, steps: int = GREYS) -> Frame:
    """Grey levels, 0 the background, as a frame; fewer steps make a smaller file."""
    stepped = np.rint(levels / 255 * (steps - 1)) / (steps - 1)
    return np.rint(stepped * opacity * (GREYS - 1)).astype(np.uint8)


def _in_colours(picture: ImageArray, colours: PictureColours) -> Drawn:
    """A coloured picture (H, W, 3) as a part of a frame (H, W), before `_with_fewer_greys`."""
    return colours.indices(picture).astype(np.uint16) + np.uint16(PICTURES)


def _with_fewer_greys(frame: Drawn) -> Frame:
    """A finished frame of a film of coloured images, whose indices fit into a palette."""
    greys = np.rint(np.linspace(0, TEXT_GREYS - 1, GREYS)).astype(np.uint8)
    return np.concatenate((greys, np.arange(TEXT_GREYS, MAX_COLOURS, dtype=np.uint8)))[frame]


def _spread(sequence: SnapshotSequence) -> Iterator[ModelAtStep]:
    """At most `SEEN` moments, evenly chosen, the first and the last among them."""
    count = len(sequence)
    chosen = np.linspace(0, count - 1, min(count, SEEN)).round().astype(int)
    return (sequence[number] for number in chosen.tolist())


def in_colour(label: int, cover: int = EDGE) -> int:
    """The index of a class's colour for a pixel that a dot covers to `cover` / EDGE."""
    return GREYS + EDGE * (label % COLOURS) + cover - 1


def draw_dots(frame: Frame, middles: Floats, labels: Indices, radius: float) -> None:
    """Draws dots in the colours of their classes, without those that would cross the frame's border.

    Args:
        middles: the centres in pixels from the upper left corner, x and y: (N, 2).
        labels: the classes (N,).
        radius: in pixels.
    """
    stencil, reach = _stencil(radius)
    height, width = frame.shape
    corners = np.floor(middles)
    within = ((middles - corners) * WITHIN).astype(int)
    seen = ((corners >= reach) & (corners < np.array((width, height)) - reach)).all(axis=1)
    x, y = corners[seen].astype(int).T
    around = np.arange(-reach, reach + 1)
    pixels = ((y * width + x)[:, None] + (around[:, None] * width + around).ravel()).ravel()
    covers = stencil[within[seen, 1], within[seen, 0]].ravel()
    colours = np.repeat(EDGE * (labels[seen] % COLOURS), len(around) ** 2)
    flat = frame.reshape(-1)
    # Pixels that are covered most are drawn last, so that no dot's edge is drawn onto another dot.
    for cover in range(1, EDGE + 1):
        at = np.flatnonzero(covers == cover)
        flat[pixels[at]] = colours[at] + in_colour(0, cover)


def over(frame: Frame, *texts: Frame) -> Frame:
    """A frame with lines of text below it, and a margin."""
    foot = round(frame.shape[1] * LETTERS * TEXT_MARGIN)
    return np.pad(np.concatenate((frame, *texts)), ((0, foot), (0, 0)))


def caption(text: str, width: int) -> Frame:
    """A line of text, smaller where it would not fit: losses of large images have many digits."""
    letters = width * LETTERS
    room = width - 2 * letters * TEXT_MARGIN
    size = letters
    while _font(size).getlength(text) > room:  # not in proportion to the size, as letters fill whole pixels
        size *= 0.97
    return _written(width, 1, [(letters * TEXT_MARGIN, 0, text)], size)


def legend(names: Sequence[str], width: int) -> Frame:
    """The legend: the names of the classes, each after a dot, in as many lines as they need."""
    letters = width * LETTERS
    font = _font(letters)
    begins: list[tuple[float, int]] = []
    line, x = 0, letters * TEXT_MARGIN
    for name in names:
        length = letters + font.getlength(name)  # the dot and the name
        if begins and x + length > width - letters * TEXT_MARGIN:
            line, x = line + 1, letters * TEXT_MARGIN
        begins.append((x, line))
        x += length + letters
    frame = _written(
        width, line + 1, [(x + letters, line, name) for (x, line), name in zip(begins, names, strict=True)]
    )
    dots = [(x + letters / 2, (line + 0.5) * LINE * letters) for x, line in begins]
    draw_dots(frame, np.array(dots, np.float32), np.arange(len(names)), letters * 0.35)
    return frame


def _written(
    width: int, lines: int, texts: Sequence[tuple[float, int, str]], size: float | None = None
) -> Frame:
    """A frame with lines of text, `size` pixels or LETTERS high.

    Each of `texts` is its x in pixels, its line number, and its letters.
    """
    letters = width * LETTERS
    image = Image.new("L", (width, round(lines * LINE * letters)))
    draw = ImageDraw.Draw(image)
    for x, line, text in texts:
        draw.text(
            (x, (line + 0.5) * LINE * letters), text, fill=255, font=_font(size or letters), anchor="lm"
        )
    return in_greys(np.asarray(image))


@cache
def _font(letters: float) -> ImageFont.FreeTypeFont:
    """Pillow's default font of that size in pixels."""
    font = ImageFont.load_default(letters)
    assert isinstance(font, ImageFont.FreeTypeFont)  # as all wheels of Pillow have FreeType
    return font


@cache
def _stencil(radius: float) -> tuple[ImageArray, int]:
    """How much a dot covers the pixels around it, 0 to EDGE, and how many pixels it reaches.

    For each position of its centre within its pixel, y and x: (WITHIN, WITHIN, pixels).
    """
    reach = math.ceil(radius)
    places = (np.arange(WITHIN) + 0.5) / WITHIN
    around = np.arange(-reach, reach + 1)[:, None] + (np.arange(FINER) + 0.5) / FINER
    away = (around - places[:, None, None]) ** 2  # (WITHIN, pixels, FINER)
    far = away[:, None, :, None, :, None] + away[None, :, None, :, None, :]
    covered = (far < radius**2).mean(axis=(-2, -1))
    return np.rint(covered * EDGE).astype(np.uint8).reshape(WITHIN, WITHIN, -1), reach
