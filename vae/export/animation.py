"""GIF and WebP animations from frames of palette indices.

Shapes: H, W pixels; C colours.
"""

import io
from collections.abc import Iterable, Sequence

from PIL import Image

from vae.export.frame_streaming import (
    WEBP_OPTIONS,
    WRITERS,
    Format,
    Frame,
    Palette,
    gif_colours,
    gif_frame,
    usable,
)

__all__ = ["Format", "Frame", "Palette", "film"]


def film(frames: Iterable[Frame], milliseconds: Sequence[int], palette: Palette, kind: Format) -> bytes:
    """An animation that repeats for ever, all colours unchanged, as the content of a file.

    No more than two frames are held at once, where this Pillow allows it (`frame_streaming`).

    Args:
        frames: as many as `milliseconds`, all of one size (H, W).
        milliseconds: how long each is shown, multiples of 10; browsers slow down those below 20.
        palette: (C, 3), at most `MAX_COLOURS` colours.
    """
    if usable(kind):
        return WRITERS[kind](iter(frames), milliseconds, palette)
    return _save_all(frames, milliseconds, palette, kind)


def _save_all(frames: Iterable[Frame], milliseconds: Sequence[int], palette: Palette, kind: Format) -> bytes:
    """The same with Pillow's public `save`, which holds all frames."""
    colours = gif_colours(palette)
    if kind == "GIF":
        first, *others = [gif_frame(frame, colours) for frame in frames]
        options = {"loop": 0, "palette": colours}
    else:
        first, *others = [Image.fromarray(palette[frame]) for frame in frames]
        options = WEBP_OPTIONS
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others, duration=list(milliseconds), **options)
    return file.getvalue()
