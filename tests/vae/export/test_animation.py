"""Films as files: what is read back is what was drawn, and no more of it is held than has to be."""

import io
import logging
import weakref
from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, ImageSequence

from vae.export import animation
from vae.export.animation import MAX_COLOURS, Format, Frame, film

KINDS: tuple[Format, ...] = get_args(Format)
PALETTE = np.random.default_rng(0).integers(0, 256, (MAX_COLOURS, 3), np.uint8)
# One that changes nothing, and one that changes a single pixel.
MILLISECONDS = [50, 120, 50, 50, 1550]


def frames() -> list[Frame]:
    random = np.random.default_rng(1)
    first, second = (random.integers(0, MAX_COLOURS, (30, 41), np.uint8) for _ in range(2))
    second[:, 11:] = first[:, 11:]
    third = second.copy()
    third[29, 40] = (third[29, 40] + 1) % MAX_COLOURS
    return [first, second, second.copy(), third, first]


def shown(content: bytes) -> list[tuple[Frame, int]]:
    """What a viewer sees, and for how long, in milliseconds."""
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["loop"] == 0
        # A WebP's frame says its duration once its pixels are asked for.
        return [
            (np.asarray(frame.convert("RGB")), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_seen_at_each_moment_is_the_frame_of_that_moment(kind: Format) -> None:
    content = film(frames(), MILLISECONDS, PALETTE, kind)
    seen = [picture for picture, duration in shown(content) for _ in range(duration // 10)]
    drawn = [PALETTE[f] for f, ms in zip(frames(), MILLISECONDS, strict=True) for _ in range(ms // 10)]
    assert len(seen) == len(drawn) == sum(MILLISECONDS) // 10
    for one, other in zip(seen, drawn, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_drawn_one_by_one_and_let_go(kind: Format) -> None:
    drawn_yet: list[weakref.ref[Frame]] = []
    most = 0

    def drawn() -> Iterator[Frame]:
        nonlocal most
        for number in range(40):
            frame = np.full((20, 20), number, np.uint8)
            drawn_yet.append(weakref.ref(frame))
            most = max(most, sum(each() is not None for each in drawn_yet))
            yield frame
            del frame

    film(drawn(), [20] * 40, PALETTE, kind)
    assert len(drawn_yet) == 40
    assert most <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_pillow_without_its_private_parts_writes_the_same_film(
    kind: Format, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: object) -> None:
        raise AttributeError("property 'mode' of 'Image' object has no setter")

    with_parts = film(frames(), MILLISECONDS, PALETTE, kind)
    if kind == "GIF":
        monkeypatch.delattr(GifImagePlugin, "getdata")
    else:
        monkeypatch.setattr(animation._LazyFrames, "seek", gone)
    animation.usable.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            without = [film(frames(), MILLISECONDS, PALETTE, kind) for _ in range(2)]
    finally:
        animation.usable.cache_clear()
    assert [record.message.split(":")[0] for record in caplog.records] == [
        f"{kind} animations take more memory"
    ]
    assert without[0] == without[1] != b""
    every_10_ms, slow = (
        [picture for picture, duration in shown(content) for _ in range(duration // 10)]
        for content in (with_parts, without[0])
    )
    np.testing.assert_array_equal(every_10_ms, slow)
