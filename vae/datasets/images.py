"""Images as arrays of levels, their values as models read them, and PNG and JPEG files read as such.

A model reads a picture as a row of its values, channel by channel: C planes of S · S. Everything else has
it as an image: (S, S) in grey, (S, S, 3) in colour.

Shapes: N images, H, W pixels, C channels, S pixels of a side, P = C · S · S values.
"""

import io
import math
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from vae import VaeError

MAX_LEVEL = 255  # white; a model reads levels as shares of it
ImageArray = npt.NDArray[np.uint8]  # (H, W) or (H, W, 3), 0 is black

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
FORMAT_NAMES = "PNG, JPEG, WebP, GIF, BMP or TIFF"
MAX_PIXELS = 40_000_000  # enough for the default photo of any telephone; reading it takes up to 450 MB
LARGE = 16_000_000  # pixels; larger pictures are decoded one at a time
ENOUGH_PIXELS = 1024  # of the longer side: about 50 for each of the 20 pixels of a digit in MNIST
MAX_ASPECT = 50  # of the longer side to the shorter one: such a strip stays large however it is reduced
NO_PICTURE, TOO_LARGE, BROKEN = "no picture that can be read", "more than 40 megapixels", "damaged"
THIN = f"more than {MAX_ASPECT} times as long as wide"
# What Pillow raises for damaged files.
DAMAGED = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, EOFError),
    *(RuntimeError, AttributeError, AssertionError, MemoryError, struct.error, zlib.error),
)
_SENTENCES = {
    NO_PICTURE: f"This file is not a {FORMAT_NAMES} picture that can be read. "
    "Save the picture as PNG or JPEG, and try again.",
    TOO_LARGE: "This picture has more than 40 megapixels, which is more than this page reads. "
    "Make it smaller, or cut out the part that matters, and try again.",
    THIN: f"This picture is {THIN}, and little of it would be seen. Cut out the part that matters, and try "
    "again.",
    BROKEN: "This picture is damaged: a part of the file is missing or was changed. "
    "Save or copy it again, and try once more.",
}
_large_picture = threading.RLock()
# Pillow warns of damaged and of very large files; here both are refused.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
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


def to_levels(pixels: npt.NDArray[np.floating[Any]]) -> ImageArray:
    """Pixel values in [0, 1] as levels 0 to `MAX_LEVEL`, of any shape."""
    return np.rint(pixels * MAX_LEVEL).astype(np.uint8)


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


def read_image(content: bytes, channels: int = 1) -> ImageArray:
    """Decodes a picture that somebody chose: grey levels (H, W), or (H, W, 3) with 3 channels.

    It is upright, and reduced so that each side has at most 2,047 pixels. As for formats, see `decode`.

    Raises VaeError if it is no picture in one of `FORMATS`, is damaged, too large or too thin.
    """
    try:
        return decode(content, channels, ENOUGH_PIXELS)
    except ValueError as error:
        raise VaeError(_SENTENCES[str(error)]) from error


def decode(
    content: bytes, channels: int, enough: int, side: Callable[[tuple[int, int]], int] = max
) -> ImageArray:
    """Decodes a picture in one of `FORMATS` to grey levels (H, W), or (H, W, 3) with 3 channels, upright.

    Of several frames or pages it is the first; 16 bits are read as 8. A transparent image is drawn on black
    or white, whichever its content contrasts with.

    Args:
        enough: pixels of a side, towards which a larger picture is reduced by a whole factor.
        side: which side that is, `max` for the longer or `min` for the shorter one.

    Raises ValueError with `NO_PICTURE`, `TOO_LARGE`, `THIN` or `BROKEN`.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.mode == "F":  # nothing says what is white
            raise ValueError(NO_PICTURE)
    except Image.DecompressionBombError as error:
        raise ValueError(TOO_LARGE) from error
    except DAMAGED as error:
        raise ValueError(NO_PICTURE) from error
    if image.width * image.height > MAX_PIXELS:  # from the header; nothing is decoded yet
        raise ValueError(TOO_LARGE)
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise ValueError(THIN)
    try:
        with _large_picture if image.width * image.height > LARGE else nullcontext():
            # JPEG is then decoded at 1/2, 1/4 or 1/8 of its size; other formats ignore this.
            image.draft("L" if channels == 1 else "RGB", (enough, enough))
            image.load()
            small = with_channels(image, channels, max(1, side(image.size) // enough))
            turn = TURNS.get(_orientation(image))
            return np.asarray(small if turn is None else small.transpose(turn))
    except DAMAGED as error:
        raise ValueError(BROKEN) from error


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1, upright, if there is none or it is damaged."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except DAMAGED:
        return 1


def with_channels(image: Image.Image, channels: int, factor: int = 1) -> Image.Image:
    """Converts an image of any mode to grey or RGB without transparency, reduced by `factor`."""
    mode = "L" if channels == 1 else "RGB"
    if image.mode.startswith("I"):  # 16 bits; Pillow would cut them off at 255
        levels = np.right_shift(np.asarray(image), 8).clip(0, 255).astype(np.uint8)
        return Image.fromarray(levels).convert(mode).reduce(factor)
    if not image.has_transparency_data:
        converted = image.convert(mode)
        return converted if factor == 1 else converted.reduce(factor)
    layers = (image if image.mode == "RGBA" else image.convert("RGBA")).reduce(factor)
    grey, alpha = (np.asarray(part, np.float32) for part in (layers.convert("L"), layers.getchannel("A")))
    background = 0 if (grey * alpha).sum() > 127.5 * alpha.sum() else 255
    levels = grey if channels == 1 else np.asarray(layers.convert("RGB"), np.float32)
    opacity = alpha / 255 if channels == 1 else alpha[..., None] / 255
    return Image.fromarray(np.rint(background + (levels - background) * opacity).astype(np.uint8))
