"""The frames of a film: where points are, whose moment the rest is, and how long each is seen."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from PIL import Image, ImageColor

from pages.components.charts.images import INKS, Ink
from pages.components.export import film_frames as drawing
from pages.components.export.film_frames import NARROWEST, Film, image_film, map_film, window
from tests.pages.export.test_poster import MODELS
from tests.support.decoders import numpy_model
from tests.support.small_runs import small_config, with_numpy
from vae.datasets.registry import class_names
from vae.export.animation import MAX_COLOURS, Frame
from vae.export.colours import CLASS_COLOURS, Theme, colours_of_classes
from vae.inference.forward import Model
from vae.inference.planes import Plane, axis_directions, principal_directions
from vae.inference.scored_set import Floats
from vae.models.network import VAE
from vae.runs.snapshots import ModelAtStep, SnapshotSequence

SIZE = 360
NAMES = tuple("0123456789")


def journey(means: Floats, logvars: Floats | None = None) -> SnapshotSequence:
    """Moments with these means (M, N, Z), of models that draw differently, at steps 0, 10, 20 and so on."""
    latent_dim = means.shape[2]
    moments = []
    for number, mean in enumerate(means):
        model = numpy_model(MODELS[latent_dim])
        model.weights["decoder.logits.bias"][:] += number
        reconstructions = np.full((3, 28, 28), 50 * number, np.uint8)
        logvar = np.zeros_like(mean) if logvars is None else logvars[number]
        moments.append(
            ModelAtStep(
                10 * number,
                model,
                mean,
                logvar,
                reconstructions,
            )
        )
    return cast("SnapshotSequence", moments)


def captions(of: SnapshotSequence) -> list[str]:
    return [f"step {moment.step}" for moment in of]


def plane(latent_dim: int) -> Plane:
    return axis_directions(latent_dim).through(np.zeros(latent_dim, np.float32))


def middle_of(frame: Frame, label: int) -> Floats:
    """That of all that has a class's own colour, x and y."""
    rows, columns = np.nonzero(frame[:SIZE] == drawing.in_colour(label))
    return np.array((columns.mean() + 0.5, rows.mean() + 0.5), np.float32)


def map_frames(of: SnapshotSequence, on: Plane, labels: Sequence[int], seconds: int = 4) -> list[Frame]:
    return list(map_film(of, captions(of), on, np.array(labels), NAMES, SIZE, seconds).frames)


def test_points_travel_straight_and_evenly_in_a_window_that_stands_still() -> None:
    corners = [[-4, -4], [4, 4]]
    means = np.array([[*corners, [0, 0]], [*corners, [2, 2]], [*corners, [2, -2]]], np.float32)
    frames = map_frames(journey(means), plane(2), [8, 9, 3])
    places = np.array([middle_of(frame, 3) for frame in frames])
    per_unit = SIZE / 2 / (4 * 1.02)
    at = np.linspace(0, 2, len(frames))
    x, y = (np.interp(at, [0, 1, 2], each) for each in means[:, 2].T)
    expected = SIZE / 2 + per_unit * np.stack((x, -y), axis=1)
    assert np.abs(places - expected).max() < 0.7
    standing = [middle_of(frame, 9) for frame in frames]
    assert np.ptp(standing, axis=0).max() == 0


def test_the_rest_is_the_nearest_moments() -> None:
    means = np.zeros((4, 2, 2), np.float32)
    means[:, :, 0] = [-6, 6]  # far from the upper left corner, which is looked at
    of = journey(means)
    frames = map_frames(of, plane(2), [0, 1])
    seen = [next(m.step for m in of if _caption_in(frame, f"step {m.step}")) for frame in frames]
    nearest = [10 * round(at) for at in np.linspace(0, 3, len(frames))]
    assert seen == nearest
    tiles = {step: frames[seen.index(step)][:36, :36] for step in nearest}
    for frame, step in zip(frames, seen, strict=True):
        np.testing.assert_array_equal(frame[:36, :36], tiles[step])
    assert len({tile.tobytes() for tile in tiles.values()}) == 4
    # What the model of that moment draws there, in the greys that stand behind points.
    far = 6 * 1.02 * 0.9
    corners = {(0, 0): (-far, far), (0, -36): (far, far), (-36, 0): (-far, -far), (-36, -36): (far, -far)}
    for moment in of:
        frame = frames[seen.index(moment.step)][:SIZE]
        drawn = moment.model.decode(np.array(list(corners.values()), np.float32))
        assert len({digit.tobytes() for digit in drawn}) == 4
        for (top, left), digit in zip(corners, drawn, strict=True):
            large = np.asarray(Image.fromarray(digit).resize((36, 36), Image.Resampling.BILINEAR))
            tile = frame[top:, left:][2:34, 2:34]  # its neighbours reach into its border
            assert np.abs(tile - large[2:34, 2:34] / 255 * 0.4 * drawing.GREYS).max() < 3


def _caption_in(frame: Frame, caption: str) -> bool:
    text = drawing.caption(caption, SIZE)
    return bool((frame[SIZE:][: len(text)] == text).all())


@pytest.mark.parametrize("latent_dim", [1, 5])
def test_latent_spaces_of_one_and_of_more_dimensions_have_a_map(latent_dim: int) -> None:
    random = np.random.default_rng(0)
    means, logvars = random.standard_normal((2, 3, 500, latent_dim)).astype(np.float32)
    on = principal_directions(means[-1]).through(means[0, 0]) if latent_dim > 1 else plane(1)
    *_, frame = map_frames(journey(means, logvars), on, [4, *[0] * 499])
    places = on.coordinates(means) if latent_dim > 1 else np.concatenate((means, logvars), axis=2)
    middle, half = window(places)
    x, y = (places[-1, 0] - middle) / half
    expected = SIZE / 2 * np.array((1 + x, 1 - y))
    assert np.abs(middle_of(frame, 4) - expected).max() < 1.5


def test_the_window_holds_nearly_all_points_of_all_moments() -> None:
    random = np.random.default_rng(0)
    places = random.standard_normal((5, 4000, 2)) * np.array((1, 3)) + np.arange(5)[:, None, None]
    places[2, :5] = 1e4  # some are far out
    middle, half = window(places.astype(np.float32))
    inside = (np.abs(places - middle) <= half).all(axis=2).mean()
    assert 0.995 <= inside < 1
    assert half < 15
    # What has collapsed is not blown up.
    middle, half = window(np.full((3, 100, 2), 0.25, np.float32))
    assert half == NARROWEST
    assert middle.tolist() == [0.25, 0.25]


@pytest.mark.parametrize("seconds", [4, 10, 30])
@pytest.mark.parametrize("moments", [3, 34, 40])
def test_it_is_as_long_as_was_asked_and_rests_at_its_end(seconds: int, moments: int) -> None:
    of = cast("SnapshotSequence", [None] * moments)
    films: tuple[Film, ...] = (
        map_film(of, [""] * moments, plane(2), np.zeros(1, int), NAMES, SIZE, seconds),
        image_film(of, [""] * moments, np.zeros((1, 28, 28), np.uint8), np.zeros(1, int), SIZE, seconds),
    )
    for film in films:
        assert sum(film.milliseconds) == 1000 * seconds
        assert film.milliseconds[-1] > 1000
        assert len(set(film.milliseconds[:-1])) == 1  # evenly over the moments
        assert all(each >= 20 and each % 10 == 0 for each in film.milliseconds)


def test_of_more_moments_than_there_is_time_for_some_are_shown() -> None:
    model, nowhere = numpy_model(MODELS[2]), np.zeros((1, 2), np.float32)
    greys = [np.full((1, 28, 28), number // 2, np.uint8) for number in range(400)]
    of = cast(
        "SnapshotSequence",
        [ModelAtStep(number, model, nowhere, nowhere, grey) for number, grey in enumerate(greys)],
    )
    film = image_film(of, captions(of), np.zeros((1, 28, 28), np.uint8), np.zeros(1, int), SIZE, 4)
    assert min(film.milliseconds) == 20
    assert sum(film.milliseconds) == 4000
    frames = list(film.frames)
    assert len(frames) == len(film.milliseconds)
    middle = [int(frame[100, SIZE // 10]) for frame in frames]  # of the reconstruction
    assert middle == sorted(middle)
    assert [middle[0], middle[-1]] == drawing.in_greys(np.array([0, 199], np.uint8)).tolist()
    text = drawing.caption("step 399", SIZE)
    foot = round(SIZE * drawing.LETTERS * drawing.TEXT_MARGIN)
    assert (frames[-1][-len(text) - foot : -foot] == text).all()


def coloured_journey(side: int = 9) -> SnapshotSequence:
    """Three moments of a model that draws in colours, and then in others."""
    config = small_config(dataset="own", channels=3, side=side, contents="0" * 16, hidden_dims=(8,))
    model = with_numpy(VAE(config), config)
    random = np.random.default_rng(0)
    means = random.standard_normal((3, 20, 2)).astype(np.float32)
    moments = []
    for number, mean in enumerate(means):
        weights = {name: (number + 1) * values for name, values in model.weights.items()}
        reconstructions = random.integers(0, 256, (3, side, side, 3), np.uint8)
        moments.append(
            ModelAtStep(10 * number, Model(config, weights), mean, np.zeros_like(mean), reconstructions)
        )
    return cast("SnapshotSequence", moments)


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("side", [8, 64])
def test_films_of_coloured_images_have_their_colours(side: int, ink: Ink) -> None:
    of = coloured_journey(side)
    # Few colours, so that the palette can hold each.
    pictures = np.random.default_rng(1).choice([0, 90, 255], (3, side, side, 3)).astype(np.uint8)
    of = cast("SnapshotSequence", [at._replace(reconstructions=255 - pictures // 2) for at in of])
    film = image_film(of, captions(of), pictures, np.array([2, 5, 7]), SIZE, 4)
    assert film.colours is not None
    colours = drawing.palette(ink, film.colours)
    assert len(colours) <= MAX_COLOURS
    frames = list(film.frames)
    assert len({frame.shape for frame in frames}) == 1
    times = max(1, SIZE // 5 // (side + drawing.GAP))
    gap, left = drawing.GAP * times // 2, (SIZE // 5 - side * times) // 2
    for frame in frames:
        assert frame.dtype == np.uint8
        assert frame.max() < len(colours)
        shown = colours[frame].astype(int)
        stripe = ImageColor.getrgb(CLASS_COLOURS["light" if ink == "Black on white" else "dark"][2])
        assert tuple(shown[gap, left + 1]) == stripe
        for picture, top in ((pictures[0], 3 * gap), (255 - pictures[0] // 2, 4 * gap + side * times)):
            drawn = shown[top:, left:][: side * times : times, : side * times : times]
            assert np.abs(drawn - picture).max() < 24
    ground = 255 if ink == "Black on white" else 0
    assert (colours[frames[0][0, 0]] == ground).all()


def test_the_manifold_of_a_coloured_film_is_faint_and_does_not_flicker() -> None:
    of, labels = coloured_journey(), np.arange(20) % 3
    film = map_film(of, captions(of), plane(2), labels, NAMES[:3], SIZE, 4, coloured=True)
    assert film.colours is not None
    colours = drawing.palette("White on black", film.colours)
    frames = list(film.frames)
    own = drawing.TEXT_GREYS + drawing.EDGE * drawing.COLOURS
    assert all((frame[:SIZE] >= own).mean() > 0.8 for frame in frames)
    assert colours[own:].max() <= round(255 * drawing.OPACITY)
    still = [frame[:36, :36] for frame in frames[: len(frames) // 4]]  # where no dot is
    changed = [np.flatnonzero((part != still[0]).any(axis=1)) for part in still]
    assert max(map(len, changed)) < 10


@pytest.mark.parametrize("size", [360, 540, 720])
def test_ten_digits_stand_over_what_is_made_of_them(size: int) -> None:
    of = journey(np.zeros((4, 1, 2), np.float32))
    pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    frames = list(image_film(of, captions(of), pictures, np.array([2, 5, 7]), size, 4).frames)
    assert len(frames) == 4
    assert len({frame.shape for frame in frames}) == 1
    times = size // 160  # 2, 3, 4
    for moment, frame in zip(of, frames, strict=True):
        assert frame.shape[1] == size
        for column, label in enumerate((2, 5, 7)):
            part = frame[:, column * size // 5 : (column + 1) * size // 5]
            rows, columns = np.nonzero(part == drawing.in_colour(label))
            assert np.ptp(columns) == 28 * times - 1
            below = part[rows.max() + 1 :, columns.min() :][:, : 28 * times : times]
            greys = below[2 * times :: times][:28]
            np.testing.assert_array_equal(greys, drawing.in_greys(pictures[column]))
            reconstruction = below[32 * times :: times][:28]
            np.testing.assert_array_equal(reconstruction, drawing.in_greys(moment.reconstructions[column]))
        text = drawing.caption(f"step {moment.step}", size)
        assert (
            frame[-len(text) - round(size * drawing.LETTERS * drawing.TEXT_MARGIN) :][: len(text)] == text
        ).all()


def test_the_font_has_every_letter_that_is_written() -> None:
    missing = drawing._font(20.0).getmask("\N{HANGUL SYLLABLE GA}")
    letters = {*"step,0123456789 · epoch. test: train reconstruction + KL nats"}
    for dataset in ("mnist", "fashion-mnist", "kmnist", "emnist-digits"):
        letters |= set("".join(class_names(dataset)))
    for letter in letters - {" "}:
        assert bytes(drawing._font(20.0).getmask(letter)) != bytes(missing), letter


@pytest.mark.parametrize("width", [360, 540, 720])
@pytest.mark.parametrize("loss", ["543.9", "−61069.4"])
def test_the_longest_caption_fits(width: int, loss: str) -> None:
    longest = f"step 4,690,000 · epoch 1000.00 · train {loss} + KL 112.3 · test {loss} + 112.3 nats"
    text = drawing.caption(longest, width)
    assert text.any()
    assert not text[:, -width // 100 :].any()  # nothing is cut off


@pytest.mark.parametrize("width", [360, 540, 720])
def test_the_names_of_all_classes_fit(width: int) -> None:
    names = class_names("fashion-mnist")
    legend = drawing.legend(names, width)
    assert len(legend) > len(drawing.legend(NAMES, width)) == len(drawing.caption("a", width))
    assert not legend[:, -width // 100 :].any()  # nothing is cut off
    for label in range(10):
        assert (legend == drawing.in_colour(label)).any()


@pytest.mark.parametrize("ink", INKS)
def test_colours_are_those_of_the_page(ink: str) -> None:
    colours = drawing.palette(ink)  # type: ignore[arg-type]
    assert len(colours) <= MAX_COLOURS
    own = [tuple(colours[drawing.in_colour(label)].tolist()) for label in range(20)]
    assert own == [
        ImageColor.getrgb(colour) for colour in CLASS_COLOURS["light" if ink == "Black on white" else "dark"]
    ]
    few = drawing.palette(ink, count=3)  # type: ignore[arg-type]
    theme: Theme = "light" if ink == "Black on white" else "dark"
    assert [tuple(few[drawing.in_colour(label)].tolist()) for label in range(3)] == [
        ImageColor.getrgb(colour) for colour in colours_of_classes(3, theme)
    ]
    assert drawing.in_colour(20) == drawing.in_colour(0)  # more classes share them in turn
    ground, full = ((255, 255, 255), (0, 0, 0)) if ink == "Black on white" else ((0, 0, 0), (255, 255, 255))
    assert tuple(colours[drawing.in_greys(np.zeros(1, np.uint8))[0]].tolist()) == ground
    assert tuple(colours[drawing.in_greys(np.full(1, 255, np.uint8))[0]].tolist()) == full


def test_a_dot_covers_what_a_disk_covers() -> None:
    radius, fine = 1.7, 16
    for middle in ([10.1, 20.9], [10.5, 20.5], [10.99, 20.0]):
        frame = np.zeros((40, 30), np.uint8)
        drawing.draw_dots(frame, np.array([middle], np.float32), np.array([6]), radius)
        shares = np.where(frame > 0, (frame.astype(float) - drawing.in_colour(6, 0)) / drawing.EDGE, 0)
        y, x = ((np.arange(n * fine) + 0.5) / fine for n in frame.shape)
        disk = (x - middle[0]) ** 2 + (y[:, None] - middle[1]) ** 2 < radius**2
        covered = disk.reshape(40, fine, 30, fine).mean(axis=(1, 3))
        assert np.abs(shares - covered).max() < 0.35  # to a quarter, and its middle to an eighth
        assert shares.sum() == pytest.approx(np.pi * radius**2, rel=0.1)


def test_dots_at_the_border_and_beyond_it_are_left_out() -> None:
    frame = np.zeros((40, 30), np.uint8)
    places = [[0, 20], [30, 20], [15, 0], [15, 40], [-500, 1e9], [29.9, 39.9]]
    drawing.draw_dots(frame, np.array(places, np.float32), np.zeros(6, int), 1.7)
    assert not frame.any()


def test_no_edge_lies_on_a_dot() -> None:
    frame = np.zeros((40, 40), np.uint8)
    drawing.draw_dots(frame, np.array([[20, 20], [21.5, 20]], np.float32), np.array([1, 2]), 3.0)
    alone = np.zeros((40, 40), np.uint8)
    drawing.draw_dots(alone, np.array([[20, 20]], np.float32), np.array([1]), 3.0)
    own = [drawing.in_colour(1), drawing.in_colour(2)]
    assert np.isin(frame[alone == own[0]], own).all()
