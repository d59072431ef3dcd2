"""Images as PNG files, and sequences of images as GIF files.

Shapes: H, W pixels.
"""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from vae.datasets.images import ImageArray

GREYS = bytes(level for level in range(256) for _ in "RGB")  # a palette of all grey levels


def png(picture: ImageArray, dpi: float | None = None) -> bytes:
    """An image, grey (H, W) or RGB (H, W, 3), as a PNG file; `dpi` is its resolution in print."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG", **({} if dpi is None else {"dpi": (dpi, dpi)}))
    return file.getvalue()


def enlarged(picture: ImageArray, times: int) -> ImageArray:
    """An image with each pixel repeated as a square: (H, W[, 3]) -> (times · H, times · W[, 3])."""
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def sized(picture: ImageArray, width: int) -> ImageArray:
    """An image `enlarged` to a width of about `width` pixels, but not reduced."""
    return enlarged(picture, max(1, round(width / picture.shape[1])))


def gif(frames: Sequence[ImageArray], milliseconds: int) -> bytes:
    """Images (H, W) or (H, W, 3) as a GIF that plays forwards and backwards for ever.

    All 256 grey levels stay unchanged; colours become the 256 that are nearest to them.

    Args:
        milliseconds: of each frame, a multiple of 10; browsers slow down those below 20.
    """
    there_and_back = [*frames, *frames[-2:0:-1]]  # neither end is shown twice
    images = [Image.fromarray(frame) for frame in there_and_back]
    palette = GREYS
    if images[0].mode == "RGB":
        common = Image.fromarray(np.concatenate(frames)).quantize(256)
        images = [image.quantize(palette=common, dither=Image.Dither.NONE) for image in images]
        palette = bytes(common.getpalette() or ())
    first, *others = images
    file = io.BytesIO()
    # One palette for all: Pillow 13 gives frames of fewer levels their own, and reads some back changed.
    animated = {"save_all": True, "append_images": others, "duration": milliseconds, "loop": 0}
    first.save(file, "GIF", palette=palette, **animated)
    return file.getvalue()
