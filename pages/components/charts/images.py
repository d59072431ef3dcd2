"""Arrangements of pictures, and pictures as data URLs. Independent of Streamlit."""

import base64
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import ImageColor

from vae.datasets.images import ImageArray
from vae.export.images import png

Ink = Literal["Black on white", "White on black"]
INKS: tuple[Ink, ...] = ("Black on white", "White on black")
ENLARGED = 4  # so that pixels stay sharp when a browser scales the picture


def data_url(picture: ImageArray) -> str:
    """The data URL of a picture, grey (H, W) or coloured (H, W, 3)."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


def tiled(pictures: ImageArray, columns: int) -> ImageArray:
    """Pictures (N, H, W) in rows, as one picture (N / columns · H, columns · W)."""
    count, height, width = pictures.shape
    rows = count // columns
    return (
        pictures.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    )


def row_of_pairs(pictures: ImageArray, reconstructions: ImageArray, colours: Sequence[str]) -> ImageArray:
    """Pictures (C, H, W) in a row, each over its reconstruction, under a stripe of its colour: (., ., 3)."""
    gap = 2
    pairs = []
    for picture, reconstruction, colour in zip(pictures, reconstructions, colours, strict=False):
        pair = np.pad(np.vstack((picture, reconstruction)), ((gap, gap), (gap, gap)))
        stripe = np.full((3, pair.shape[1], 3), ImageColor.getrgb(colour), np.uint8)
        stripe[:, [0, -1]] = 0
        pairs.append(np.vstack((stripe, pair[:, :, None].repeat(3, axis=2))))
    return np.hstack(pairs).repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
