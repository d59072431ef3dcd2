"""Grey pictures: what a decoder says, as grey levels and as files.

Shapes: H, W pixels.
"""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.uint8]  # (H, W) or (H, W, 3), 0 is black


def grey(pixels: npt.NDArray[np.float32]) -> Picture:
    """Values in [0, 1] to grey levels 0 to 255."""
    return np.rint(pixels * 255).astype(np.uint8)


def png(picture: Picture) -> bytes:
    """A picture, grey (H, W) or coloured (H, W, 3), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    return file.getvalue()
