"""The form of a data set's pictures, and how a picture of any size is brought to it.

Shapes: H, W pixels of the picture, S pixels of a side of the result.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from vae import VaeError
from vae.config import MAX_SIDE, MIN_SIDE
from vae.datasets.images import MAX_LEVEL, ImageArray, with_channels

Fit = Literal["crop", "pad", "stretch"]
FITS: dict[Fit, str] = {
    "crop": "the largest centred square",
    "pad": "the whole picture, with the colour of its border beside it",
    "stretch": "the whole picture, stretched to a square",
}
# It averages over all pixels that it shrinks, without ringing, and leaves pictures of the right size alone.
FILTER = Image.Resampling.HAMMING
REDUCING_GAP = 3.0  # large pictures are averaged in blocks first, to this many times the size


@dataclass(frozen=True)
class Form:
    """The form of all pictures of a data set. Raises VaeError for a side that no data set has.

    Attributes:
        side: S, 8 to 64.
        channels: 1 for grey, 3 for colour.
        fit: what becomes of a picture that is no square.
        invert: whether black and white change places.
    """

    side: int
    channels: Literal[1, 3] = 1
    fit: Fit = "crop"
    invert: bool = False

    def __post_init__(self) -> None:
        if not MIN_SIDE <= self.side <= MAX_SIDE:
            raise VaeError(
                f"Pictures of {self.side} x {self.side} pixels are not possible: choose a side from "
                f"{MIN_SIDE} to {MAX_SIDE}."
            )

    def __str__(self) -> str:
        """What is taken of a picture and its form: "the largest centred square, 28 × 28, grey, inverted"."""
        inverted = ", inverted" if self.invert else ""
        return f"{FITS[self.fit]}, {form_in_words(self.side, self.channels)}{inverted}"


def form_in_words(side: int, channels: int) -> str:
    """The form of pictures in words, such as "28 × 28, grey"."""
    return f"{side} × {side}, {'grey' if channels == 1 else 'colour'}"


def fitted(image: ImageArray, form: Form) -> ImageArray:
    """Brings a picture to a form: (H, W) or (H, W, 3), uint8 -> (S, S) or (S, S, 3)."""
    picture = Image.fromarray(image)
    if image.ndim != (2 if form.channels == 1 else 3):
        picture = with_channels(picture, form.channels)
    levels = np.asarray(_squared(picture, form.side, form.fit))
    return MAX_LEVEL - levels if form.invert else levels


def _squared(picture: Image.Image, side: int, fit: Fit) -> Image.Image:
    """The picture as a square of `side` pixels."""
    width, height = picture.size
    if fit == "stretch" or width == height:
        return _resized(picture, (side, side))
    if fit == "crop":
        length = min(width, height)
        left, top = (width - length) // 2, (height - length) // 2
        # Cropped first: a filter with a box takes in what lies beside it.
        return _resized(picture.crop((left, top, left + length, top + length)), (side, side))
    scale = side / max(width, height)
    small = _resized(picture, (max(1, round(width * scale)), max(1, round(height * scale))))
    # Not black: the ground goes on beside the picture, so that there is no edge for a model to learn.
    ground = Image.new(picture.mode, (side, side), _border_colour(np.asarray(small)))
    ground.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return ground


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, FILTER, reducing_gap=REDUCING_GAP)


def _border_colour(image: ImageArray) -> int | tuple[int, ...]:
    """The median of the pixels at the border, for each channel."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    median = np.median(border, axis=0).astype(int).tolist()
    return tuple(median) if isinstance(median, list) else median
