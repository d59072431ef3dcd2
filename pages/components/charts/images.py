"""Arrangements of pictures, and pictures as data URLs. Independent of Streamlit."""

import base64
from typing import Literal

from vae.datasets.images import ImageArray
from vae.export.images import png

Ink = Literal["Black on white", "White on black"]
INKS: tuple[Ink, ...] = ("Black on white", "White on black")


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
