"""Pictures beside their reconstructions, as HTML. Nothing here knows Streamlit."""

import base64
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

import numpy as np

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


class Pair(NamedTuple):
    """A picture beside its reconstruction, and the line beneath them."""

    picture: Picture
    reconstruction: Picture
    caption: str


def gallery(pairs: Iterable[Pair]) -> str:
    """HTML of pairs in as many columns as the page is wide for."""
    figures = []
    for picture, reconstruction, caption in pairs:
        source = base64.b64encode(png(np.hstack((picture, reconstruction)))).decode()
        figures.append(
            f'<figure><img src="data:image/png;base64,{source}" '
            f'alt="{escape(caption)}, beside its reconstruction">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    return f'{_STYLE}<div class="pairs">{"".join(figures)}</div>'
