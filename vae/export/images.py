"""Pictures as PNG files, and grey ones that move as GIF files.

Shapes: H, W pixels.
"""

import io

import numpy as np
from PIL import Image

from vae.datasets.images import ImageArray

GREYS = bytes(level for level in range(256) for _ in "RGB")  # the palette of grey levels


def png(picture: ImageArray, dpi: float | None = None) -> bytes:
    """A picture, grey (H, W) or coloured (H, W, 3), as a PNG file; `dpi` says how large it is in print."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG", **({} if dpi is None else {"dpi": (dpi, dpi)}))
    return file.getvalue()


def enlarged(pictures: ImageArray, times: int) -> ImageArray:
    """Each pixel of pictures (..., H, W) as a square: (..., times · H, times · W)."""
    return pictures.repeat(times, axis=-2).repeat(times, axis=-1)


def gif(frames: ImageArray, milliseconds: int) -> bytes:
    """Grey pictures (F, H, W) as a GIF that moves there and back for ever, each frame as long; the levels
    are kept, all 256.

    Args:
        milliseconds: a multiple of 10; browsers show what is below 20 slower.
    """
    there_and_back = np.concatenate((frames, frames[-2:0:-1]))  # neither end stands twice as long
    first, *others = map(Image.fromarray, there_and_back)
    file = io.BytesIO()
    # One palette for all: Pillow 13 gives frames of fewer levels their own, and reads some of them back
    # changed.
    animated = {"save_all": True, "append_images": others, "duration": milliseconds, "loop": 0}
    first.save(file, "GIF", palette=GREYS, **animated)
    return file.getvalue()
