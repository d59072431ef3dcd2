"""What the frames of a film are drawn with: greys, dots with soft edges, lines of text. No Streamlit.

A frame holds numbers of colours (`vae.films`): GREYS from the ground to the ink, and then for each class
EDGE from nearly the ground to the class's own colour.

Shapes: H, W pixels; N points.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from pages.components.charts.images import Ink
from pages.components.charts.scatter import LABEL_COLOURS
from vae.datasets.pictures import Picture
from vae.export.animation import Frame, Palette
from vae.inference.scored_set import Floats, Indices

GREYS = 128
EDGE = 4  # by how much of a pixel a dot covers
WITHIN = 4  # places within a pixel, in each direction, that a dot may have its middle at
FINER = 8  # rows and columns of each pixel that are looked at to see how much of it is covered
LETTERS = 1 / 36  # of the frame's width: how large they are
LINE = 1.6  # of them, from line to line
MARGIN = 0.7  # of them, before a line and below the last


def palette(ink: Ink) -> Palette:
    """The colours of a film."""
    ground, full = (255, 0) if ink == "Black on white" else (0, 255)
    greys = np.repeat(np.linspace(ground, full, GREYS)[:, None], 3, axis=1)
    share = np.arange(1, EDGE + 1)[:, None] / EDGE
    classes = [ground + (np.array(ImageColor.getrgb(colour)) - ground) * share for colour in LABEL_COLOURS]
    return np.rint(np.concatenate((greys, *classes))).astype(np.uint8)


def in_greys(levels: Picture, opacity: float = 1, steps: int = GREYS) -> Frame:
    """Grey levels, of which 0 is the ground, as a frame; in fewer steps it makes a smaller file."""
    stepped = np.rint(levels / 255 * (steps - 1)) / (steps - 1)
    return np.rint(stepped * opacity * (GREYS - 1)).astype(np.uint8)


def in_colour(label: int, cover: int = EDGE) -> int:
    """The number of a class's colour, where a dot covers so much of a pixel."""
    return GREYS + EDGE * label + cover - 1


def draw_dots(frame: Frame, middles: Floats, labels: Indices, radius: float) -> None:
    """Draws dots in the colours of their classes; those that would cross the border are left out.

    Args:
        middles: in pixels from the upper left corner, x and y: (N, 2).
        labels: (N,)
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
    colours = np.repeat(EDGE * labels[seen], len(around) ** 2)
    flat = frame.reshape(-1)
    # What is covered most is drawn last: among dots that touch no edge is seen, only around all of them.
    for cover in range(1, EDGE + 1):
        at = np.flatnonzero(covers == cover)
        flat[pixels[at]] = colours[at] + in_colour(0, cover)


def over(frame: Frame, *texts: Frame) -> Frame:
    """A frame with lines of text below it."""
    foot = round(frame.shape[1] * LETTERS * MARGIN)
    return np.pad(np.concatenate((frame, *texts)), ((0, foot), (0, 0)))


def caption(text: str, width: int) -> Frame:
    """A line of text."""
    letters = width * LETTERS
    return _written(width, 1, [(letters * MARGIN, 0, text)])


def legend(names: Sequence[str], width: int) -> Frame:
    """The names of the classes, each beside a dot, in as many lines as they need."""
    letters = width * LETTERS
    font = _font(letters)
    begins: list[tuple[float, int]] = []
    line, x = 0, letters * MARGIN
    for name in names:
        length = letters + font.getlength(name)  # the dot's and its own
        if begins and x + length > width - letters * MARGIN:
            line, x = line + 1, letters * MARGIN
        begins.append((x, line))
        x += length + letters
    frame = _written(
        width, line + 1, [(x + letters, line, name) for (x, line), name in zip(begins, names, strict=True)]
    )
    dots = [(x + letters / 2, (line + 0.5) * LINE * letters) for x, line in begins]
    draw_dots(frame, np.array(dots, np.float32), np.arange(len(names)), letters * 0.35)
    return frame


def _written(width: int, lines: int, texts: Sequence[tuple[float, int, str]]) -> Frame:
    """A frame of so many lines, with texts that begin so far from the left, in a line each."""
    letters = width * LETTERS
    image = Image.new("L", (width, round(lines * LINE * letters)))
    draw = ImageDraw.Draw(image)
    for x, line, text in texts:
        draw.text((x, (line + 0.5) * LINE * letters), text, fill=255, font=_font(letters), anchor="lm")
    return in_greys(np.asarray(image))


@cache
def _font(letters: float) -> ImageFont.FreeTypeFont:
    """Pillow's own."""
    font = ImageFont.load_default(letters)
    assert isinstance(font, ImageFont.FreeTypeFont)  # all its wheels have FreeType
    return font


@cache
def _stencil(radius: float) -> tuple[Picture, int]:
    """By how much a dot covers the pixels around it, 0 to EDGE, and how many pixels it reaches.

    By the place of its middle within its pixel, y and x: (WITHIN, WITHIN, pixels).
    """
    reach = math.ceil(radius)
    places = (np.arange(WITHIN) + 0.5) / WITHIN
    around = np.arange(-reach, reach + 1)[:, None] + (np.arange(FINER) + 0.5) / FINER
    away = (around - places[:, None, None]) ** 2  # (WITHIN, pixels, FINER)
    far = away[:, None, :, None, :, None] + away[None, :, None, :, None, :]
    covered = (far < radius**2).mean(axis=(-2, -1))
    return np.rint(covered * EDGE).astype(np.uint8).reshape(WITHIN, WITHIN, -1), reach
