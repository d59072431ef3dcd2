"""Pictures from anywhere, brought to MNIST's form."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.vae.datasets.test_images import file
from vae import VaeError
from vae.datasets.images import ImageArray, read_image
from vae.datasets.mnist_style import as_mnist
from vae.datasets.registry import load


@pytest.fixture
def digits(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> ImageArray:
    """The first 60 test pictures of MNIST, (60, 28, 28)."""
    monkeypatch.setenv("VAE_DATA_DIR", str(small_data))
    return load("mnist", train=False).images[:60]


def sheet(digit: ImageArray, seed: int, enlarge: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """A digit ten times as large, somewhere on a sheet (420, 500): 0 is paper, 1 is ink."""
    large = np.asarray(Image.fromarray(digit).resize((280, 280), enlarge), float) / 255
    y, x = np.random.default_rng(seed).integers(0, (140, 220))
    out = np.zeros((420, 500))
    out[y : y + 280, x : x + 280] = large
    return out


def photo(digit: ImageArray, seed: int) -> bytes:
    """The same in pencil on grey paper, lit from one side, with noise, as a JPEG."""
    light = 1 + 0.3 * np.linspace(-0.5, 0.5, 500) + 0.15 * np.linspace(-0.5, 0.5, 420)[:, None]
    noise = np.random.default_rng(seed).normal(0, 8, (420, 500))
    levels = (190 - 130 * sheet(digit, seed)) * light + noise
    return file(Image.fromarray(levels.clip(0, 255).astype(np.uint8)), "JPEG", quality=85)


def difference(ours: ImageArray, theirs: ImageArray) -> float:
    """Mean absolute difference in grey levels; a picture of MNIST has a mean of 33."""
    return float(np.abs(ours.astype(int) - theirs).mean())


def test_pictures_of_mnist_stay_as_they_are(digits: ImageArray) -> None:
    differences = [difference(as_mnist(digit), digit) for digit in digits]
    assert np.median(differences) < 0.2
    assert np.quantile(differences, 0.95) < 1


def test_an_enlarged_digit_comes_back_from_anywhere_on_the_sheet(digits: ImageArray) -> None:
    for seed, digit in enumerate(digits[:20]):
        large = (255 * sheet(digit, seed, Image.Resampling.NEAREST)).astype(np.uint8)
        assert difference(as_mnist(large), as_mnist(digit)) < 0.5
        assert np.abs(as_mnist(255 - large).astype(int) - as_mnist(large)).max() <= 1


def test_photos_on_uneven_paper_come_back_nearly(digits: ImageArray) -> None:
    ours = np.array([as_mnist(read_image(photo(digit, seed))) for seed, digit in enumerate(digits)])
    differences = [difference(our, digit) for our, digit in zip(ours, digits, strict=True)]
    assert np.mean(differences) < 10  # measured 7.5; a pixel beside its place costs 15 to 25
    assert np.max(differences) < 36
    # Each is nearest to its own original among the sixty.
    far = ((ours[:, None].astype(float) - digits[None]) ** 2).sum((2, 3))
    assert (far.argmin(1) == np.arange(60)).mean() > 0.95


def test_a_digit_cut_out_narrowly_may_touch_the_border(digits: ImageArray) -> None:
    differences = []
    for digit in digits[:30]:
        rows, columns = digit.any(1).nonzero()[0], digit.any(0).nonzero()[0]
        cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].repeat(10, 0).repeat(10, 1)
        differences += [difference(as_mnist(cut), digit), difference(as_mnist(255 - cut), digit)]
    assert np.quantile(differences, 0.9) < 1


@pytest.mark.parametrize("side", [1, 8, 28, 32, 64])
def test_any_square_size(side: int) -> None:
    sheet = np.zeros((90, 200), np.uint8)
    sheet[20:70, 100:130] = 200
    small = as_mnist(sheet, side)
    assert small.shape == (side, side)
    assert small.dtype == np.uint8
    assert np.count_nonzero(small.any(1)) == max(1, round(side * 20 / 28))
    assert small.max() == 253


def test_what_is_heavy_on_one_side_is_not_cut_off() -> None:
    hammer = np.zeros((200, 200), np.uint8)
    hammer[20:180, 20:60] = hammer[90:96, 20:180] = 255
    small = as_mnist(hammer)
    columns = np.flatnonzero(small.any(0))
    assert columns[-1] - columns[0] + 1 == 20
    mass = small.sum(0) @ np.arange(28) / small.sum()
    assert mass < 14.5  # as far to the left as the frame allows, or in the middle


def test_a_thin_line_is_no_speck() -> None:
    paper = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(paper).line([(80, 60), (220, 60), (130, 250)], fill=0, width=1)
    small = as_mnist(np.asarray(paper))
    assert np.count_nonzero(small.any(1)) in (19, 20)
    assert small.max() >= 253


def test_specks_do_not_count() -> None:
    paper = np.full((300, 300), 255, np.uint8)
    paper[100:200, 140:160] = 0
    clean = as_mnist(paper)
    paper[10, 10] = paper[290:292, 280] = 0
    np.testing.assert_array_equal(as_mnist(paper), clean)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (40, 40), (28, 28)])
def test_one_colour_is_refused(shape: tuple[int, int]) -> None:
    for level in (0, 7, 255):
        with pytest.raises(VaeError, match="Nothing stands out"):
            as_mnist(np.full(shape, level, np.uint8))


def test_paper_without_ink_is_refused() -> None:
    paper = np.random.default_rng(0).normal(180, 8, (600, 800)).clip(0, 255).astype(np.uint8)
    with pytest.raises(VaeError, match="Nothing stands out"):
        as_mnist(paper)
