"""GIF and WebP animations from frames of palette indices.

Pillow's public `save` holds all frames before it writes a GIF, and an animation has hundreds. So frames are
written one by one through parts of Pillow that are not public, as of Pillow 13. Where a later Pillow lacks
these parts, `film` falls back to `save`.

Shapes: H, W pixels; C colours.
"""

import io
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import GifImagePlugin, Image

Format = Literal["GIF", "WebP"]
Frame = npt.NDArray[np.uint8]  # (H, W), indices into the palette
Palette = npt.NDArray[np.uint8]  # (C, 3), red, green and blue

MAX_COLOURS = 255
UNCHANGED = MAX_COLOURS  # the transparent index of a GIF: the previous frame shows through
_KEEP = 1  # GIF's disposal method: the next frame is drawn over this one
# Lossless, and no larger than a lossy one: few colours, sharp edges. No key frame but the first (kmax), as
# no viewer seeks in such an animation. Less effort (quality, method) makes it larger; more saves nothing.
WEBP_OPTIONS = {"lossless": True, "quality": 50, "method": 3, "kmin": 0, "kmax": 0}


def film(frames: Iterable[Frame], milliseconds: Sequence[int], palette: Palette, kind: Format) -> bytes:
    """An animation that repeats for ever, all colours unchanged, as the content of a file.

    No more than two frames are held at once, if this Pillow allows it.

    Args:
        frames: as many as `milliseconds`, all of one size (H, W).
        milliseconds: how long each is shown, multiples of 10; browsers slow down those below 20.
        palette: (C, 3), at most `MAX_COLOURS` colours.
    """
    if usable(kind):
        return WRITERS[kind](iter(frames), milliseconds, palette)
    if kind == "WebP":
        first, *others = [Image.fromarray(palette[frame]) for frame in frames]
        return _save(kind, first, others, milliseconds, **WEBP_OPTIONS)
    colours = gif_colours(palette)
    first, *others = [gif_frame(frame, colours) for frame in frames]
    return _save(kind, first, others, milliseconds, palette=colours)


@cache
def usable(kind: Format) -> bool:
    """Whether this Pillow can write frame by frame; tested once, by reading back two small frames."""
    frames = [np.array([levels], np.uint8) for levels in ((0, 1), (1, 1))]
    palette = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    try:
        with Image.open(io.BytesIO(WRITERS[kind](iter(frames), [20, 20], palette))) as image:
            for number, frame in enumerate(frames):
                image.seek(number)
                if not np.array_equal(np.asarray(image.convert("RGB")), palette[frame]):
                    raise ValueError(f"frame {number} was read back changed")
    except Exception as error:  # noqa: BLE001 (a part that is gone or changed can fail in any way)
        logging.getLogger(__name__).warning(
            "%s animations take more memory: this Pillow writes them only as a whole (%r).", kind, error
        )
        return False
    return True


def gif_colours(palette: Palette) -> bytes:
    """A GIF's palette of 256 colours, black after those of `palette`."""
    colours = np.zeros((MAX_COLOURS + 1, 3), np.uint8)
    colours[: len(palette)] = palette
    return colours.tobytes()


def gif_frame(frame: Frame, colours: bytes) -> Image.Image:
    """A frame as an image with a palette."""
    image = Image.frombytes("P", frame.shape[::-1], frame.tobytes())
    image.putpalette(colours)
    return image


def write_gif(frames: Iterator[Frame], milliseconds: Sequence[int], palette: Palette) -> bytes:
    """The animation as GIF, by Pillow's `getheader` and `getdata`; one palette for all frames."""
    colours = gif_colours(palette)
    before = next(frames)
    first = gif_frame(before, colours)
    parts = GifImagePlugin.getheader(first, colours, {"loop": 0})[0]
    parts += GifImagePlugin.getdata(first, duration=milliseconds[0], disposal=_KEEP)
    for frame, duration in zip(frames, milliseconds[1:], strict=True):
        corner, changed = _changed(before, frame)
        parts += GifImagePlugin.getdata(
            gif_frame(changed, colours), corner, duration=duration, disposal=_KEEP, transparency=UNCHANGED
        )
        before = frame
    return b"".join((*parts, b";"))


def _changed(before: Frame, frame: Frame) -> tuple[tuple[int, int], Frame]:
    """The smallest rectangle of a frame that contains all changes, and its upper left corner, x and y."""
    differs = before != frame
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    if not len(rows):  # one pixel at least, which carries the duration
        return (0, 0), np.full((1, 1), UNCHANGED, np.uint8)
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    changed = np.where(differs[part], frame[part], np.uint8(UNCHANGED))
    return (int(columns[0]), int(rows[0])), changed


def write_webp(frames: Iterator[Frame], milliseconds: Sequence[int], palette: Palette) -> bytes:
    """The animation as WebP: `save` reads the frames after the first one by one from a `_LazyFrames`."""
    coloured = (Image.fromarray(palette[frame]) for frame in frames)
    first = next(coloured)
    return _save("WebP", first, [_LazyFrames(coloured, len(milliseconds) - 1)], milliseconds, **WEBP_OPTIONS)


def _save(
    kind: Format, first: Image.Image, others: list[Any], milliseconds: Sequence[int], **options: Any
) -> bytes:
    """The animation of all frames by Pillow's public `save`."""
    file = io.BytesIO()
    durations = list(milliseconds)
    first.save(file, kind, save_all=True, append_images=others, duration=durations, loop=0, **options)
    return file.getvalue()


class _LazyFrames(Image.Image):
    """An image of several frames, as Pillow reads one; each is made when Pillow seeks it."""

    def __init__(self, images: Iterator[Image.Image], count: int) -> None:
        super().__init__()
        self._images, self.n_frames = images, count

    def seek(self, frame: int) -> None:  # noqa: ARG002 (Pillow seeks them in order, each once)
        image = next(self._images)
        self.im, self._mode, self._size = image.im, image.mode, image.size


WRITERS: dict[Format, Callable[[Iterator[Frame], Sequence[int], Palette], bytes]] = {
    "GIF": write_gif,
    "WebP": write_webp,
}
