"""Grey pictures: what a decoder says, as grey levels and as files; and files of any picture as grey levels.

Shapes: H, W pixels.
"""

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from vae import VaeError

ImageArray = npt.NDArray[np.uint8]  # (H, W) or (H, W, 3), 0 is black

MAX_PIXELS = 40_000_000  # pixels: a photo of any telephone's default, and up to 450 MB while it is read
ENOUGH_PIXELS = 1024  # pixels of the longer side: fifty for each of the box's twenty
# What Pillow raises on files that are torn, changed or blown up; its warnings are errors in the tests only.
DAMAGED = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, EOFError),
    *(struct.error, zlib.error, UserWarning),
)
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # what undoes each EXIF orientation


def grey_levels(pixels: npt.NDArray[np.float32]) -> ImageArray:
    """Values in [0, 1] to grey levels 0 to 255."""
    return np.rint(pixels * 255).astype(np.uint8)


def read_image(content: bytes) -> ImageArray:
    """A PNG or JPEG file as grey levels (H, W), turned upright; neither side is longer than 2,047 pixels.

    Of an animated PNG, the first frame. A transparent picture is put on the background that its ink
    stands out from.

    Raises VaeError if it is no PNG or JPEG, is damaged, or has more than 40 megapixels.
    """
    too_large = VaeError(
        "This picture has more than 40 megapixels, which is more than this page reads. "
        "Make it smaller, or cut out the part that shows the digit, and try again."
    )
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
    except BOMB as error:
        raise too_large from error
    except DAMAGED as error:
        raise VaeError(
            "This file is not a PNG or JPEG picture that can be read. "
            "Save the picture as PNG or JPEG, and try again."
        ) from error
    if image.width * image.height > MAX_PIXELS:  # known from the header: nothing is decoded yet
        raise too_large
    try:
        image.draft(
            "L", (ENOUGH_PIXELS, ENOUGH_PIXELS)
        )  # lets JPEG decode at a half, quarter or eighth; others ignore it
        image.load()
    except DAMAGED as error:
        raise VaeError(
            "This picture is damaged: a part of the file is missing or was changed. "
            "Save or copy it again, and try once more."
        ) from error
    small = _opaque(image)
    if (turn := TURNS.get(_orientation(image))) is not None:
        small = small.transpose(turn)
    return np.asarray(small)


def _orientation(image: Image.Image) -> int:
    """What EXIF says of how the camera was held; damaged EXIF should not cost the picture."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except DAMAGED:
        return 1


def _opaque(image: Image.Image) -> Image.Image:
    """An image of any mode in grey, and no larger than it has to be."""
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
