"""Pictures of any size brought to the form of a data set."""

import numpy as np
import pytest

from vae import VaeError
from vae.datasets.fitting import Fit, Form, fitted
from vae.datasets.images import ImageArray


def thirds(width: int = 96, height: int = 32) -> ImageArray:
    """Black, grey and white beside each other: (height, width)."""
    return np.repeat(np.repeat(np.array([[0, 100, 255]], np.uint8), width // 3, 1), height, 0)


def test_crop_takes_the_largest_centred_square() -> None:
    assert (fitted(thirds(), Form(16)) == 100).all()
    assert (fitted(thirds().T, Form(16)) == 100).all()


def test_pad_continues_the_colour_of_the_border() -> None:
    picture = np.full((20, 60), 200, np.uint8)
    picture[8:12, 20:40] = 10
    square = fitted(picture, Form(30, fit="pad"))
    assert square.shape == (30, 30)
    assert (square[:10] == 200).all()
    assert (square[20:] == 200).all()
    assert square[15, 15] < 40
    colour = np.full((60, 20, 3), (250, 0, 120), np.uint8)
    assert (fitted(colour, Form(30, 3, "pad")) == (250, 0, 120)).all()


def test_stretch_keeps_all_of_the_picture() -> None:
    square = fitted(thirds(), Form(24, fit="stretch"))
    assert [square[12, x] for x in (2, 12, 21)] == [0, 100, 255]


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_square_of_the_right_size_stays_as_it_is(fit: Fit) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    assert np.array_equal(fitted(picture, Form(28, fit=fit)), picture)
    assert np.array_equal(fitted(picture, Form(28, fit=fit, invert=True)), 255 - picture)


@pytest.mark.parametrize("size", [100, 1000])
def test_shrinking_averages_over_all_pixels(size: int) -> None:
    """A checkerboard of single pixels becomes an even grey, and never a pattern."""
    board = (np.indices((size, size)).sum(0) % 2 * 255).astype(np.uint8)
    assert np.abs(fitted(board, Form(10)).astype(int) - 127).max() <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_pictures_of_a_few_pixels_are_enlarged(shape: tuple[int, int], fit: Fit) -> None:
    assert (fitted(np.full(shape, 77, np.uint8), Form(8, fit=fit)) == 77).all()


def test_grey_and_colour_become_each_other() -> None:
    grey = np.full((9, 9), 50, np.uint8)
    assert (fitted(grey, Form(9, 3)) == [50, 50, 50]).all()
    red = np.full((9, 9, 3), (255, 0, 0), np.uint8)
    assert (fitted(red, Form(9)) == 76).all()  # 0.299 of 255


@pytest.mark.parametrize("side", [0, 7, 65])
def test_a_side_that_no_data_set_has_is_refused(side: int) -> None:
    with pytest.raises(VaeError, match="choose a side from 8 to 64"):
        Form(side)
