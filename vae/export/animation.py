"""Films as files, GIF or WebP, made of frames that are drawn one after the other; none is kept.

Shapes: H, W pixels; C colours.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import GifImagePlugin, Image

Format = Literal["GIF", "WebP"]
Frame = npt.NDArray[np.uint8]  # (H, W), numbers of colours
Palette = npt.NDArray[np.uint8]  # (C, 3), red, green and blue

MOST_COLOURS = 255  # of a film
_AS_BEFORE = MOST_COLOURS  # one more: where a frame leaves what the one before it shows
_KEEP = 1  # how GIF says that the next frame is laid over this one


def film(frames: Iterable[Frame], milliseconds: Sequence[int], palette: Palette, kind: Format) -> bytes:
    """A film that is shown over and over; its colours are kept.

    Args:
        frames: as many as there are `milliseconds`, all of one size.
        milliseconds: how long each is shown, multiples of 10; browsers show what is below 20 slower.
        palette: at most `MOST_COLOURS`.
    """
    write = _gif if kind == "GIF" else _webp
    return write(iter(frames), milliseconds, palette)


def _gif(frames: Iterator[Frame], milliseconds: Sequence[int], palette: Palette) -> bytes:
    # By the parts that Pillow offers for it, as its `save` holds all frames before it writes one, and a film
    # has hundreds. One palette for all, which it would choose anew for each.
    colours = np.zeros((_AS_BEFORE + 1, 3), np.uint8)
    colours[: len(palette)] = palette
    before = next(frames)
    first = _numbered(before, colours)
    parts = GifImagePlugin.getheader(first, colours.tobytes(), {"loop": 0})[0]
    parts += GifImagePlugin.getdata(first, duration=milliseconds[0], disposal=_KEEP)
    for frame, duration in zip(frames, milliseconds[1:], strict=True):
        corner, changed = _changed(before, frame)
        parts += GifImagePlugin.getdata(
            _numbered(changed, colours), corner, duration=duration, disposal=_KEEP, transparency=_AS_BEFORE
        )
        before = frame
    return b"".join((*parts, b";"))


def _numbered(frame: Frame, colours: Palette) -> Image.Image:
    image = Image.frombytes("P", frame.shape[::-1], frame.tobytes())
    image.putpalette(colours.tobytes())
    return image


def _changed(before: Frame, frame: Frame) -> tuple[tuple[int, int], Frame]:
    """The smallest part of a frame that holds all that has changed, and its upper left corner, x and y."""
    differs = before != frame
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    if not len(rows):  # it lasts all the same
        return (0, 0), np.full((1, 1), _AS_BEFORE, np.uint8)
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    changed = np.where(differs[part], frame[part], np.uint8(_AS_BEFORE))
    return (int(columns[0]), int(rows[0])), changed


def _webp(frames: Iterator[Frame], milliseconds: Sequence[int], palette: Palette) -> bytes:
    coloured = (Image.fromarray(palette[frame]) for frame in frames)
    first = next(coloured)
    file = io.BytesIO()
    # Lossless, and no larger than a lossy one: few colours, sharp edges. No key frame but the first (kmax),
    # as nobody winds such a film. With less effort (quality, method) it is larger; more saves nothing.
    first.save(
        file,
        "WEBP",
        save_all=True,
        append_images=[_Following(coloured, len(milliseconds) - 1)],
        duration=list(milliseconds),
        loop=0,
        lossless=True,
        quality=50,
        method=3,
        kmin=0,
        kmax=0,
    )
    return file.getvalue()


class _Following(Image.Image):
    """Those after the first, as Pillow reads an image of several frames: each is made when it is sought."""

    def __init__(self, images: Iterator[Image.Image], count: int) -> None:
        super().__init__()
        self._images, self.n_frames = images, count

    def seek(self, frame: int) -> None:  # noqa: ARG002 (they are sought in order, each once)
        image = next(self._images)
        self.im, self._mode, self._size = image.im, image.mode, image.size
