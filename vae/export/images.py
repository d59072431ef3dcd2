"""Images as PNG files, and sequences of grey images as GIF files.

Shapes: F frames, H, W pixels.
"""

import io

import numpy as np
from PIL import Image

from vae.datasets.images import ImageArray

GREYS = bytes(level for level in range(256) for _ in "RGB")  # a palette of all grey levels


def png(picture: ImageArray, dpi: float | None = None) -> bytes:
    """An image, grey (H, W) or RGB (H, W, 3), as a PNG file; `dpi` is its resolution in print."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG", **({} if dpi is None else {"dpi": (dpi, dpi)}))
    return file.getvalue()


def enlarged(pictures: ImageArray, times: int) -> ImageArray:
    """Images with each pixel repeated as a square: (..., H, W) -> (..., times · H, times · W)."""
    return pictures.repeat(times, axis=-2).repeat(times, axis=-1)


def gif(frames: ImageArray, milliseconds: int) -> bytes:
    """Grey images (F, H, W) as a GIF that plays forwards and backwards for ever, all 256 levels unchanged.

    Args:
        milliseconds: of each frame, a multiple of 10; browsers slow down those below 20.
    """
    there_and_back = np.concatenate((frames, frames[-2:0:-1]))  # neither end is shown twice
    first, *others = map(Image.fromarray, there_and_back)
    file = io.BytesIO()
    # One palette for all: Pillow 13 gives frames of fewer levels their own, and reads some back changed.
    animated = {"save_all": True, "append_images": others, "duration": milliseconds, "loop": 0}
    first.save(file, "GIF", palette=GREYS, **animated)
    return file.getvalue()
