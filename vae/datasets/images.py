"""Images as arrays of levels, their values as models read them, and PNG and JPEG files read as such.

A model reads a picture as a row of its values, channel by channel: C planes of S · S. Everything else has
it as an image: (S, S) in grey, (S, S, 3) in colour.

Shapes: N images, H, W pixels, C channels, S pixels of a side, P = C · S · S values.
"""

import io
import math
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from vae import VaeError

ImageArray = npt.NDArray[np.uint8]  # (H, W) or (H, W, 3), 0 is black

MAX_PIXELS = 40_000_000  # enough for the default photo of any telephone; reading it takes up to 450 MB
ENOUGH_PIXELS = 1024  # of the longer side: about 50 for each of the 20 pixels of a digit in MNIST
# What Pillow raises for damaged files.
DAMAGED = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, EOFError),
    *(struct.error, zlib.error),
)
# The inverse of each EXIF orientation but 1, which is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def to_levels(pixels: npt.NDArray[np.float32]) -> ImageArray:
    """Pixel values in [0, 1] as levels 0 to 255, of any shape."""
    return np.rint(pixels * 255).astype(np.uint8)


def as_images(planes: ImageArray) -> ImageArray:
    """Images by their planes, (N, C, S, S) -> (N, S, S), or (N, S, S, 3) in colour; a view."""
    return planes[:, 0] if planes.shape[1] == 1 else planes.transpose(0, 2, 3, 1)


def rows_as_images(rows: ImageArray, channels: int) -> ImageArray:
    """Rows of values as images: (N, P) -> (N, S, S), or (N, S, S, 3) in colour; a view."""
    side = math.isqrt(rows.shape[1] // channels)
    return as_images(rows.reshape(-1, channels, side, side))


def as_rows(images: ImageArray) -> ImageArray:
    """Images as rows of their values: (N, S, S) or (N, S, S, 3) -> (N, P); a view if they are stored so."""
    planes = images.transpose(0, 3, 1, 2) if images.ndim == 4 else images
    return planes.reshape(len(images), math.prod(planes.shape[1:]))


def read_image(content: bytes) -> ImageArray:
    """Decodes a PNG or JPEG file to grey levels (H, W), upright, each side at most 2,047 pixels.

    Of an animated PNG, the first frame. A transparent image is drawn on black or white, whichever its content
    contrasts with.

    Raises VaeError if it is not a PNG or JPEG, is damaged, or has more than 40 megapixels.
    """
    too_large = VaeError(
        "This picture has more than 40 megapixels, which is more than this page reads. "
        "Make it smaller, or cut out the part that shows the digit, and try again."
    )
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
    except Image.DecompressionBombError as error:
        raise too_large from error
    except DAMAGED as error:
        raise VaeError(
            "This file is not a PNG or JPEG picture that can be read. "
            "Save the picture as PNG or JPEG, and try again."
        ) from error
    if image.width * image.height > MAX_PIXELS:  # from the header; nothing is decoded yet
        raise too_large
    try:
        # JPEG is then decoded at 1/2, 1/4 or 1/8 of its size; PNG ignores this.
        image.draft("L", (ENOUGH_PIXELS, ENOUGH_PIXELS))
        image.load()
    except DAMAGED as error:
        raise VaeError(
            "This picture is damaged: a part of the file is missing or was changed. "
            "Save or copy it again, and try once more."
        ) from error
    small = _to_grey(image)
    if (turn := TURNS.get(_orientation(image))) is not None:
        small = small.transpose(turn)
    return np.asarray(small)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1, upright, if there is none or it is damaged."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except DAMAGED:
        return 1


def _to_grey(image: Image.Image) -> Image.Image:
    """Converts an image of any mode to grey without transparency, reduced towards `ENOUGH_PIXELS`."""
    factor = max(1, max(image.size) // ENOUGH_PIXELS)
    if image.mode.startswith("I"):  # 16 bits; Pillow would cut them off at 255
        levels = np.right_shift(np.asarray(image), 8).clip(0, 255).astype(np.uint8)
        return Image.fromarray(levels).reduce(factor)
    if not image.has_transparency_data:
        return image.convert("L").reduce(factor)
    layers = (image if image.mode == "RGBA" else image.convert("RGBA")).reduce(factor)
    levels, alpha = (np.asarray(part, np.float32) for part in (layers.convert("L"), layers.getchannel("A")))
    background = 0 if (levels * alpha).sum() > 127.5 * alpha.sum() else 255
    return Image.fromarray(np.rint(background + (levels - background) * alpha / 255).astype(np.uint8))
