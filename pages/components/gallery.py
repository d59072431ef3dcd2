"""Pictures beside their reconstructions, as HTML. Nothing here knows Streamlit."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from PIL import ImageColor

from vae.pictures import Picture, png

# Pixels stay squares when they are enlarged: nothing is drawn that the model did not say.
_STYLE = """
<style>
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 0.75rem; }
.pairs figure { margin: 0; }
.pairs img { width: 100%; image-rendering: pixelated; border-radius: 4px; display: block; }
.pairs figcaption { font-size: 0.8rem; opacity: 0.75; padding-top: 0.15rem; }
</style>
"""

ENLARGED = 4  # so that a browser that stretches it keeps the pixels sharp


class Pair(NamedTuple):
    """A picture beside its reconstruction, and the line beneath them."""

    picture: Picture
    reconstruction: Picture
    caption: str


def data_url(picture: Picture) -> str:
    """A picture, grey (H, W) or coloured (H, W, 3), as the address of itself."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


def row_of_pairs(pictures: Picture, reconstructions: Picture, colours: Sequence[str]) -> Picture:
    """Pictures (C, H, W) in a row, each over its reconstruction and under its colour: (., ., 3)."""
    gap = 2
    pairs = []
    for picture, reconstruction, colour in zip(pictures, reconstructions, colours, strict=False):
        pair = np.pad(np.vstack((picture, reconstruction)), ((gap, gap), (gap, gap)))
        stripe = np.full((3, pair.shape[1], 3), ImageColor.getrgb(colour), np.uint8)
        stripe[:, [0, -1]] = 0
        pairs.append(np.vstack((stripe, pair[:, :, None].repeat(3, axis=2))))
    return np.hstack(pairs).repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)


def gallery(pairs: Iterable[Pair]) -> str:
    """HTML of pairs in as many columns as the page is wide for."""
    figures = []
    for picture, reconstruction, caption in pairs:
        figures.append(
            f'<figure><img src="{data_url(np.hstack((picture, reconstruction)))}" '
            f'alt="{escape(caption)}, beside its reconstruction">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    return f'{_STYLE}<div class="pairs">{"".join(figures)}</div>'
