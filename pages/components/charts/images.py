"""Arrangements of pictures, and pictures as data URLs. Independent of Streamlit."""

import base64
from typing import Literal

from vae.datasets.images import ImageArray, as_rows
from vae.export.images import png

Ink = Literal["Black on white", "White on black"]
INKS: tuple[Ink, ...] = ("Black on white", "White on black")


def data_url(picture: ImageArray) -> str:
    """The data URL of a picture, grey (H, W) or coloured (H, W, 3)."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


def levels_text(pictures: ImageArray) -> str:
    """The levels of pictures (N, S, S) or (N, S, S, 3), as `stores/pictures/levels.js` reads them; base64."""
    return base64.b64encode(as_rows(pictures).tobytes()).decode()


def tiled(pictures: ImageArray, columns: int) -> ImageArray:
    """Pictures (N, H, W) or (N, H, W, 3) in rows, as one picture (N / columns · H, columns · W[, 3])."""
    count, height, width, *channels = pictures.shape
    rows = count // columns
    cells = pictures.reshape(rows, columns, height, width, *channels)
    return cells.swapaxes(1, 2).reshape(rows * height, columns * width, *channels)
