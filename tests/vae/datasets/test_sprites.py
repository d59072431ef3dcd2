"""Sprites show what their factors say, and are the same everywhere."""

import colorsys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from vae.datasets.folder import DatasetRecord, read_array, read_record
from vae.datasets.registry import BUILT_IN_SETS
from vae.datasets.sprites import draw_sprites

SQUARE, DISC, TRIANGLE, STAR, CROSS, RING = range(6)
Array = Callable[[str], npt.NDArray[Any]]


@pytest.fixture(scope="module", params=["sprites", "sprites-colour"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / str(request.param)
    for _ in draw_sprites(path, colour=path.name == "sprites-colour"):
        pass
    return path


@pytest.fixture
def record(drawn: Path) -> DatasetRecord:
    return read_record(drawn)


@pytest.fixture
def array(drawn: Path, record: DatasetRecord) -> Array:
    """Reads an array of the test set."""
    return lambda part: read_array(drawn, record, "test", part)  # type: ignore[arg-type]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 30 pictures."""
    few = BUILT_IN_SETS["sprites"]._replace(counts=(20, 10))
    monkeypatch.setitem(BUILT_IN_SETS, "sprites", few)


def light(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """How much of each pixel a shape covers, 0 to 1: (N, C, S, S) -> (N, S, S)."""
    return images.max(1) / 255


def places(factors: npt.NDArray[np.float32], side: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Pixels to the right of and below the centre of each shape: (N, 1, S) and (N, S, 1)."""
    middles = np.arange(side) + 0.5
    return middles - factors[:, 0, None, None], middles[:, None] - factors[:, 1, None, None]


def test_each_computer_draws_the_same(record: DatasetRecord) -> None:
    contents = {"sprites": "69dfa852b1e89565", "sprites-colour": "36e5f4b6800209a4"}
    assert record.contents == contents[record.name]


def test_the_record_tells_what_there_is(drawn: Path, record: DatasetRecord) -> None:
    known = BUILT_IN_SETS[drawn.name]
    assert (record.counts["train"], record.counts["test"]) == known.counts == (20_000, 4_000)
    assert record.classes == ("square", "disc", "triangle", "star", "cross", "ring")
    assert record.factors == ("x", "y", "size", "rotation", "hue")[: 3 + record.channels // 2 + 1]
    size = sum(path.stat().st_size for path in drawn.iterdir())
    assert round(size / 1e6) == known.megabytes


def test_shapes_lie_where_x_and_y_say(array: Array, record: DatasetRecord) -> None:
    cover = light(array("images"))
    right, below = places(array("factors"), record.side)
    for distance in (right, below):
        assert np.abs((cover * distance).sum((1, 2)) / cover.sum((1, 2))).max() < 0.12  # pixels


def test_no_shape_is_cut_off_or_faint(array: Array) -> None:
    images = array("images")
    assert not images[..., [0, -1]].any()
    assert not images[..., [0, -1], :].any()
    assert (images.max((1, 2, 3)) == 255).all()


def test_shapes_fill_the_circle_of_their_size(array: Array, record: DatasetRecord) -> None:
    cover, factors, kinds = light(array("images")), array("factors"), array("labels")
    right, below = places(factors, record.side)
    distance, radius = np.hypot(right, below), factors[:, 2] / 2
    reach = np.where(cover > 0, distance, 0).max((1, 2))
    assert (np.abs(reach - radius) < 1.1).all()
    # Areas, where corners are blunt by a pixel's part: in squares of the radius.
    areas = cover.sum((1, 2)) / radius**2
    expected = {
        SQUARE: 2,
        DISC: np.pi,
        TRIANGLE: 3**1.5 / 4,
        CROSS: 8 * 0.3 * 0.91**0.5 - 4 * 0.3**2,
        RING: np.pi * (1 - 0.55**2),
    }
    for kind, area in expected.items():
        assert np.allclose(areas[kinds == kind], area, rtol=0.1), record.classes[kind]


def test_rotation_can_be_read_from_a_picture(array: Array, record: DatasetRecord) -> None:
    """By the phase of the moment that belongs to the shape's symmetry."""
    cover, factors, kinds = light(array("images")), array("factors"), array("labels")
    rotation = factors[:, 3]
    for kind, symmetry, offset in ((SQUARE, 4, 0.5), (TRIANGLE, 3, 0), (STAR, 5, 0), (CROSS, 4, 0)):
        of_kind = kinds == kind
        right, below = places(factors[of_kind], record.side)
        wave = (-below + 1j * right) ** symmetry  # its angle is counted from the top, clockwise
        turn = np.angle((cover[of_kind] * wave).sum((1, 2))) / (2 * np.pi) - offset
        error = (turn - rotation[of_kind] + 0.5) % 1 - 0.5
        assert np.abs(error).max() < 0.08, record.classes[kind]
    assert not rotation[(kinds == DISC) | (kinds == RING)].any()


def test_hue_is_the_colour_and_grey_shapes_are_white(array: Array, record: DatasetRecord) -> None:
    brightest, factors = array("images").max((2, 3)), array("factors")
    if record.channels == 1:
        expected: list[tuple[float, ...]] = [(1,)] * len(factors)
    else:
        expected = [colorsys.hsv_to_rgb(degrees / 360, 1, 1) for degrees in factors[:, 4]]
    assert np.abs(brightest - 255 * np.array(expected)).max() < 1


def test_factors_are_uniform_and_independent(array: Array, record: DatasetRecord) -> None:
    factors, kinds = array("factors"), array("labels")
    turning = (kinds != DISC) & (kinds != RING)
    columns = np.column_stack([kinds[turning], factors[turning]])
    assert np.abs(np.corrcoef(columns, rowvar=False) - np.eye(len(columns.T))).max() < 0.06
    assert np.bincount(kinds).min() > 600
    quarters = {"x": 4, "y": 4, "size": 4, "rotation": 4, "hue": 4}
    for name, values in zip(record.factors, factors[turning].T, strict=True):
        counts, _ = np.histogram(values, quarters[name])
        assert counts.min() > 0.22 * len(values), name


@pytest.mark.usefixtures("small")
def test_a_drawing_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.datasets.sprites.DRAWN", 10)
    texts = list(draw_sprites(tmp_path / "sprites", colour=False))
    assert texts == [f"Drawing sprites: {percent} %." for percent in (0, 33, 67)]


@pytest.mark.usefixtures("small")
def test_how_many_are_drawn_at_once_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = set()
    for number in (7, 1000):
        monkeypatch.setattr("vae.datasets.sprites.DRAWN", number)
        path = tmp_path / str(number) / "sprites"
        list(draw_sprites(path, colour=False))
        contents.add(read_record(path).contents)
    assert len(contents) == 1


@pytest.mark.usefixtures("small")
def test_a_drawing_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    with closing(draw_sprites(tmp_path / "sprites", colour=False)) as texts:
        next(texts)
        next(texts)
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
