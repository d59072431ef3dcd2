"""The digit in photos that show more than a digit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.vae.datasets.test_images import file
from tests.vae.datasets.test_mnist_style import photo
from vae import VaeError
from vae.datasets import photo as photos
from vae.datasets.images import ImageArray, read_image
from vae.datasets.mnist_style import as_mnist
from vae.datasets.photo import Box, find_digit
from vae.datasets.registry import load

PAPER, INK, SHEET = 235, 40, 600
COUNT = 6


@pytest.fixture
def digits(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> ImageArray:
    """The first 60 test pictures of MNIST, (60, 28, 28)."""
    monkeypatch.setenv("VAE_DATA_DIR", str(small_data))
    return load("mnist", train=False).images[:60]


def place(seed: int, size: int) -> tuple[int, int]:
    x, y = np.random.default_rng(seed).integers(30, SHEET - size - 30, 2)
    return int(x), int(y)


def written(digit: ImageArray, seed: int, paper: Image.Image | None = None, size: int = 280) -> ImageArray:
    """A digit in ink on a sheet of 600 pixels."""
    sheet = paper or Image.new("L", (SHEET, SHEET), PAPER)
    large = Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)
    sheet.paste(INK, place(seed, size), large)
    return np.asarray(sheet)


def ruled(grey: int, tilt: float = 0, *, squared: bool = False) -> Image.Image:
    """A sheet with lines every 55 pixels."""
    larger = Image.new("L", (SHEET + 300, SHEET + 300), PAPER)
    draw = ImageDraw.Draw(larger)
    for at in range(20, SHEET + 300, 55):
        draw.line([(0, at), (SHEET + 300, at)], fill=grey, width=2)
        if squared:
            draw.line([(at, 0), (at, SHEET + 300)], fill=grey, width=2)
    turned = larger.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=PAPER)
    return turned.crop((150, 150, SHEET + 150, SHEET + 150))


def in_a_box(digit: ImageArray, seed: int) -> ImageArray:
    sheet = Image.fromarray(written(digit, seed))
    x, y = place(seed, 280)
    ImageDraw.Draw(sheet).rectangle((x - 5, y - 5, x + 285, y + 285), outline=INK, width=5)
    return np.asarray(sheet)


def in_half_a_shadow(digit: ImageArray, seed: int) -> ImageArray:
    levels = written(digit, seed).astype(float)
    levels[:, : SHEET // 2] *= 0.5
    return levels.astype(np.uint8)


def beside_a_table(digit: ImageArray, seed: int) -> ImageArray:
    """A dark table, at the border of the sheet, and a pen on it."""
    sheet = Image.fromarray(written(digit, seed))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 0, SHEET, 18), fill=70)
    draw.line([(0, 560), (120, 590)], fill=20, width=12)
    return np.asarray(sheet)


def on_a_photo(digit: ImageArray, seed: int) -> ImageArray:
    """Ruled paper as a JPEG with noise."""
    noise = np.random.default_rng(seed).normal(0, 4, (SHEET, SHEET))
    levels = (written(digit, seed, ruled(170, 2)) + noise).clip(0, 255).astype(np.uint8)
    return read_image(file(Image.fromarray(levels), "JPEG", quality=85))


DISTURBED: dict[str, Callable[[ImageArray, int], ImageArray]] = {
    "ruled": lambda digit, seed: written(digit, seed, ruled(170)),
    "ruled in dark ink": lambda digit, seed: written(digit, seed, ruled(70)),
    "ruled and tilted": lambda digit, seed: written(digit, seed, ruled(170, 3)),
    "squared": lambda digit, seed: written(digit, seed, ruled(180, squared=True)),
    "small on ruled paper": lambda digit, seed: written(digit, seed, ruled(170), 140),
    "chalk on a ruled board": lambda digit, seed: 255 - written(digit, seed, ruled(170)),
    "in a box": in_a_box,
    "in half a shadow": in_half_a_shadow,
    "beside a table": beside_a_table,
    "a photo": on_a_photo,
}


@pytest.mark.parametrize("kind", DISTURBED)
def test_the_digit_alone_is_found(kind: str, digits: ImageArray) -> None:
    found = [find_digit(DISTURBED[kind](digit, seed)) for seed, digit in enumerate(digits[:COUNT])]
    ours = np.array([as_mnist(each.picture) for each in found], float)
    # Each is nearest to its own original among the sixty.
    nearest = ((ours[:, None] - digits[None]) ** 2).sum((2, 3)).argmin(1)
    assert (nearest == np.arange(COUNT)).sum() >= COUNT - 1
    assert np.median(np.abs(ours - digits[:COUNT]).mean((1, 2))) < 14  # a pixel beside its place: 15 to 25
    for seed, each in enumerate(found):
        x, y = place(seed, 140 if kind.startswith("small") else 280)
        assert each.box.left >= x - 8
        assert each.box.top >= y - 8


def test_a_small_part_of_a_photo_is_searched_like_the_whole(digits: ImageArray) -> None:
    """As the page does with the part in a frame that was dragged."""
    size, around = 60, 8
    for seed, digit in enumerate(digits[:COUNT]):
        x, y = place(seed, size)
        sheet = written(digit, seed, ruled(170), size)
        part = sheet[y - around : y + size + around, x - around : x + size + around]
        assert min(part.shape) < photos.LEAST_SIDE
        found = as_mnist(find_digit(part, 1).picture).astype(float)
        assert ((found - digits) ** 2).sum((1, 2)).argmin() == seed


def test_clean_pictures_come_out_as_before(digits: ImageArray) -> None:
    for seed, digit in enumerate(digits[:COUNT]):
        clean = written(digit, seed)
        rows, columns = digit.any(1).nonzero()[0], digit.any(0).nonzero()[0]
        cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].repeat(10, 0).repeat(10, 1)
        for picture in (clean, 255 - clean, digit, cut, 255 - cut, read_image(photo(digit, seed))):
            found = find_digit(picture)
            assert found.picture is picture
            assert found.sure


def test_of_two_digits_none_is_sure(digits: ImageArray) -> None:
    sheet = np.full((400, 700), PAPER, np.uint8)
    for x, digit in ((30, digits[0]), (390, digits[2])):
        large = np.asarray(Image.fromarray(digit).resize((280, 280), Image.Resampling.BICUBIC))
        sheet[60:340, x : x + 280] -= (large * ((PAPER - INK) / 255)).astype(np.uint8)
    assert not find_digit(sheet).sure


@pytest.mark.parametrize("shape", [(1, 1), (40, 40), (300, 1), (120, 900), (400, 400)])
def test_paper_alone_is_nothing(shape: tuple[int, int]) -> None:
    for level in (0, 7, 255):
        found = find_digit(np.full(shape, level, np.uint8))
        with pytest.raises(VaeError, match="Nothing stands out"):
            as_mnist(found.picture)
        assert found.box == Box(0, 0, shape[1], shape[0])


def test_components_touch_at_edges_and_corners() -> None:
    mask = np.random.default_rng(1).random((40, 50)) < 0.35
    labels = photos._components(mask)
    assert ((labels > 0) == mask).all()
    expected, number = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if expected[start]:
            continue
        number += 1
        waiting = [start]
        while waiting:
            y, x = waiting.pop()
            inside = 0 <= y < 40 and 0 <= x < 50
            if inside and mask[y, x] and not expected[y, x]:
                expected[y, x] = number
                waiting += [(y + down, x + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    pairs = set(zip(labels[mask].tolist(), expected[mask].tolist(), strict=True))
    assert len(pairs) == number == labels.max()
