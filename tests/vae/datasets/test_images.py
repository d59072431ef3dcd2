"""Picture files from anywhere: read as grey levels, or refused with a sentence."""

import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageSequence

from vae import VaeError
from vae.datasets.images import FORMATS, as_images, as_rows, decode, read_image, rows_as_images
from vae.export.images import enlarged, gif, png


def file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def drawing() -> Image.Image:
    """A light stroke on black, wider than high."""
    image = Image.new("L", (60, 40))
    ImageDraw.Draw(image).line([(10, 10), (50, 25)], fill=240, width=5)
    return image


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "CMYK"])
def test_every_mode_is_read_as_grey(mode: str) -> None:
    grey = drawing()
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = grey.convert("RGB").convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = read_image(file(image, kind))
    assert picture.shape == (40, 60)
    assert picture.dtype == np.uint8
    if mode != "1":
        assert np.abs(picture.astype(int) - np.asarray(grey)).mean() < 3


@pytest.mark.parametrize("level", [0, 255])
def test_transparent_ink_stands_out(level: int) -> None:
    image = Image.new("RGBA", (60, 40), (128, 0, 0, 0))
    ImageDraw.Draw(image).line([(10, 10), (50, 25)], fill=(level, level, level, 255), width=5)
    picture = read_image(file(image))
    assert picture[0, 0] == 255 - level
    assert abs(picture[17, 30].astype(int) - level) < 10


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_exif_turns_the_picture_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter to the left: show it turned to the right
    picture = read_image(file(drawing(), kind, exif=exif))
    upright = np.asarray(drawing().transpose(Image.Transpose.ROTATE_270))
    assert np.abs(picture.astype(int) - upright).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF"])
def test_the_first_of_several_frames(kind: str) -> None:
    frames = [drawing(), drawing().rotate(90)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = file(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(read_image(content), np.asarray(drawing()))


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_read_in_grey_and_colour(kind: str) -> None:
    image = Image.new("RGB", (40, 20), (200, 30, 60))
    content = file(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    colour, grey = read_image(content, 3), read_image(content)
    assert colour.shape == (20, 40, 3)
    assert np.abs(colour.astype(int) - (200, 30, 60)).max() <= 2
    assert grey.shape == (20, 40)
    assert np.abs(grey.astype(int) - 84).max() <= 2  # 0.299 R + 0.587 G + 0.114 B


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "I;16", "CMYK"])
def test_every_mode_is_read_in_colour(mode: str) -> None:
    grey = drawing()
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = grey.convert("RGB").convert(mode)
    picture = read_image(file(image, "TIFF"), 3)
    assert picture.shape == (40, 60, 3)
    if mode != "1":
        assert np.abs(picture.astype(int) - np.asarray(grey)[..., None]).mean() < 3


def test_a_transparent_colour_picture_lies_on_the_ground_that_it_contrasts_with() -> None:
    image = Image.new("RGBA", (60, 40), (9, 9, 9, 0))
    ImageDraw.Draw(image).rectangle((20, 10, 40, 30), fill=(120, 0, 0, 255))
    ImageDraw.Draw(image).rectangle((20, 31, 40, 36), fill=(120, 0, 0, 128))
    picture = read_image(file(image), 3)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[20, 30].tolist() == [120, 0, 0]
    assert picture[33, 30].tolist() == [187, 127, 127]


def test_the_shorter_side_keeps_enough_pixels() -> None:
    for kind in ("PNG", "JPEG"):
        content = file(Image.new("RGB", (3000, 300), "white"), kind)
        assert decode(content, 1, 64, min).shape == (75, 750)
        assert max(decode(content, 1, 64).shape) < 128


def test_large_pictures_are_read_small() -> None:
    for kind in ("PNG", "JPEG"):
        picture = read_image(file(Image.new("RGB", (6000, 3000), "white"), kind))
        assert 1024 <= max(picture.shape) < 2048


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def hollow(width: int, height: int, *more: bytes) -> bytes:
    """A PNG that says how large it is, and is not."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(bytes(99)))


@pytest.mark.parametrize("size", [(10_000, 6_000), (10_000, 10_000), (60_000, 60_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(VaeError, match="more than 40 megapixels"):
        read_image(hollow(*size))


def others() -> dict[str, bytes]:
    return {
        "nothing": b"",
        "text": b"I am a picture",
        "eps": file(drawing(), "EPS"),
        "floats": file(drawing().convert("F"), "TIFF"),
        "inflated text": hollow(9, 9, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10_000_000)))),
    }


@pytest.mark.parametrize("name", others())
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(VaeError, match="not a PNG, JPEG, WebP, GIF, BMP or TIFF picture"):
        read_image(others()[name])


@pytest.mark.parametrize("kind", FORMATS)
def test_torn_and_changed_files_are_refused_or_read(kind: str) -> None:
    content = file(drawing().resize((240, 160)).convert("RGB"), kind, exif=Image.Exif())
    for tenth in range(10):
        with pytest.raises(VaeError):
            read_image(content[: len(content) * tenth // 10])
    random = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(content)
        for place in random.integers(0, [len(changed), 100, 200]):
            changed[place] = random.integers(256)
        with suppress(VaeError):
            assert read_image(bytes(changed)).ndim == 2


def test_a_picture_of_our_own_is_read_as_it_is() -> None:
    picture = np.asarray(drawing())
    np.testing.assert_array_equal(read_image(png(picture)), picture)


def test_a_gif_keeps_each_level_and_goes_there_and_back() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (4, 20, 30)).astype(np.uint8)
    frames[0].flat[:256] = np.arange(256)
    frames[2] = frames[1]
    frames[2, 3, 5] ^= 1  # almost the same
    image = Image.open(io.BytesIO(gif(list(frames), 50)))
    assert image.info["loop"] == 0  # for ever
    seen = [
        (np.asarray(frame.convert("L")), frame.info["duration"]) for frame in ImageSequence.Iterator(image)
    ]
    assert [duration for _, duration in seen] == [50] * 6
    assert np.array_equal([levels for levels, _ in seen], frames[[0, 1, 2, 3, 2, 1]])


def test_a_gif_of_one_picture_is_that_picture() -> None:
    frames = np.arange(256, dtype=np.uint8).reshape(1, 16, 16).repeat(3, axis=0)
    image = Image.open(io.BytesIO(gif(list(frames), 50)))
    assert np.array_equal(np.asarray(image.convert("L")), frames[0])


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3)])
def test_an_enlarged_picture_has_squares_for_pixels(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    large = enlarged(picture, 5)
    assert large.shape == (15, 20, *shape[2:])
    assert all(np.array_equal(large[i::5, j::5], picture) for i in range(5) for j in range(5))


def test_a_gif_of_coloured_pictures_keeps_their_colours() -> None:
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    frames[0, :4], frames[1, :, :4], frames[2] = (250, 10, 20), (0, 200, 90), (40, 50, 255)
    image = Image.open(io.BytesIO(gif(list(frames), 50)))
    seen = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(image)]
    assert len(seen) == 4
    assert max(np.abs(one - frames[k]).max() for one, k in zip(seen, (0, 1, 2, 1), strict=True)) <= 4


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_and_images_are_each_others_inverse(channels: int) -> None:
    planes = np.random.default_rng(2).integers(0, 256, (4, channels, 5, 5)).astype(np.uint8)
    images = as_images(planes)
    assert images.shape == ((4, 5, 5) if channels == 1 else (4, 5, 5, 3))
    rows = as_rows(images)
    assert np.shares_memory(rows, planes)  # a data set in a file is not copied
    np.testing.assert_array_equal(rows, planes.reshape(4, -1))
    np.testing.assert_array_equal(rows_as_images(rows, channels), images)
