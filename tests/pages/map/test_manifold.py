"""The manifold behind a map, in a real browser: its tiles against torch, wherever one looks."""

import base64
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Page

from tests.support.decoders import Floats, make_decoder, small_model, spec_of
from tests.support.latent_page import TILE, tile_step
from tests.support.paths import BUNDLED
from vae.models.layers import DecoderSpec
from vae.models.network import VAE
from vae.runs.run import Run

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 740, 620  # of the plot area
Window = tuple[float, float, float]  # its middle, and how wide it is
OVERVIEW: Window = (0, 0, 9.4)
Levels = npt.NDArray[np.uint8]
START = """
    async () => {
        const { makeManifold } = await import("/map/latent_map/manifold/manifold.js");
        const canvas = document.createElement("canvas");
        canvas.className = "manifold";
        canvas.style = "display: block; width: 740px; height: 620px";
        document.body.append(canvas);
        canvas.manifold = makeManifold(canvas);
    }
"""
# Shows windows in a row, and returns at once; then how many tiles are lacking.
SHOW = """
    ([name, plane, windows]) => {
        const canvas = document.querySelector(".manifold");
        const decoder = window.decoders[name];
        const [width, height] = [canvas.offsetWidth, canvas.offsetHeight];
        for (const shown of windows) {
            canvas.redraw = () =>
                canvas.manifold.show({ decoder, plane, window: shown, width, height, ink: "rgb(0, 0, 0)" });
            canvas.redraw();
        }
        return [Number(canvas.dataset.pending), levels()];

        // How opaque each pixel is, from 0 to 255, in base64.
        function levels() {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const opaque = [...data.filter((_, k) => k % 4 === 3)];
            return btoa(opaque.map((level) => String.fromCharCode(level)).join(""));
        }
    }
"""
WHOLE = "document.querySelector('.manifold').dataset.pending === '0'"
DIGIT = f"(canvas, at) => ({TILE})(canvas, canvas.redraw, at)"
ANY_INK = """
    (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)
"""
# Counts the places that Workers are asked for, from now on.
COUNT = """
    () => {
        window.placesAsked = 0;
        const { postMessage } = Worker.prototype;
        Worker.prototype.postMessage = function (message) {
            window.placesAsked += message.places?.length ?? 0;
            postMessage.call(this, message);
        };
    }
"""


@pytest.fixture(scope="module")
def models() -> Mapping[str, VAE]:
    names = ("relu-1", "gelu-5", "tanh-2")
    return {"bundled": Run(BUNDLED).load_model(), **{name: small_model(name) for name in names}}


@pytest.fixture(scope="module")
def specs(models: Mapping[str, VAE]) -> Mapping[str, DecoderSpec]:
    return {name: spec_of(name, model) for name, model in models.items()}


def window_of(x: float, y: float, width: float) -> list[float]:
    """x0, x1, y0, y1."""
    tall = width * HEIGHT / WIDTH
    return [x - width / 2, x + width / 2, y - tall / 2, y + tall / 2]


class Manifold:
    """A tab with a manifold."""

    def __init__(self, page: Page, models: Mapping[str, VAE], specs: Mapping[str, DecoderSpec]) -> None:
        self.page, self.models = page, models
        for name, spec in specs.items():
            make_decoder(page, name, spec)
        self.look_at("bundled", [0, 0])

    def look_at(self, name: str, base: Sequence[float], axes: Sequence[int] = (0, 1)) -> None:
        """From now on, a plane of a model, along two of its axes; or a line, along one."""
        directions = np.zeros((2, len(base)))
        for direction, axis in zip(directions, axes, strict=False):
            direction[axis] = 1
        self.model, self.decoder = self.models[name], name
        self.plane = {"base": [*base], "first": directions[0].tolist(), "second": directions[1].tolist()}

    def show(self, *windows: Window) -> tuple[int, Levels]:
        """Show windows in a row; how many tiles the last one lacks, and what is drawn meanwhile."""
        shown = [dict(zip(("x0", "x1", "y0", "y1"), window_of(*window), strict=True)) for window in windows]
        lacking, text = self.page.evaluate(SHOW, [self.decoder, self.plane, shown])
        levels = np.frombuffer(base64.b64decode(text), np.uint8)
        ratio = math.isqrt(len(levels) // (WIDTH * HEIGHT))
        return lacking, levels.reshape(HEIGHT * ratio, WIDTH * ratio)

    def whole(self, *windows: Window) -> float:
        """Show windows in a row, and wait for all of the last one's tiles; its step."""
        self.show(*windows)
        self.page.wait_for_function(WHOLE)
        return tile_step(window_of(*windows[-1]), WIDTH, HEIGHT)

    def differs(self, window: Window, step: float) -> float:
        """How far the tiles in the middle and near the four corners are from torch's, in grey levels."""
        x, y, width = window
        tall = width * HEIGHT / WIDTH
        worst = 0.0
        for across, up in [(0, 0), (-0.38, -0.38), (-0.38, 0.38), (0.38, -0.38), (0.38, 0.38)]:
            i, j = round((x + across * width) / step), round((y + up * tall) / step)
            at = {"x": i * step, "y": j * step, "step": step, "window": window_of(*window)}
            levels = np.array(self.page.locator(".manifold").evaluate(DIGIT, at))
            z = np.array(self.plane["base"]) + i * step * np.array(self.plane["first"])
            z += j * step * np.array(self.plane["second"])
            worst = max(worst, np.abs(levels - self.torch(z.tolist())).max())
        return worst

    def torch(self, z: Sequence[float]) -> Floats:
        """What torch draws there, (28, 28), in grey levels."""
        with torch.no_grad():
            drawn: Floats = self.model.decode(torch.tensor([z], dtype=torch.float32))[0, 0].numpy()
        return drawn * 255


@pytest.fixture
def manifold(bare_page: Page, models: Mapping[str, VAE], specs: Mapping[str, DecoderSpec]) -> Manifold:
    bare_page.evaluate(START)
    return Manifold(bare_page, models, specs)


def test_tiles_are_what_torch_draws_at_their_middles(manifold: Manifold) -> None:
    windows = [OVERVIEW, (0.7, -1.1, 9.25), (0.53, 0.41, 0.009), (-3, 5, 9000), (0.5, 0.25, 1e-7)]
    steps = []
    for window in windows:
        step = manifold.whole(window)
        steps.append(step)
        assert 36 <= WIDTH * step / window[2] < 72
        assert math.frexp(step)[0] == 0.5  # a power of two
        assert manifold.differs(window, step) <= 1, window
    assert steps[0] == steps[1] > steps[2] > steps[4]


def test_tiles_stand_where_they_belong(manifold: Manifold) -> None:
    manifold.page.evaluate("Object.defineProperty(window, 'devicePixelRatio', { value: 2 })")
    # Tiles of 42 CSS pixels, 84 of the screen's: three for each of a digit's, and these are not smoothed.
    window = (0.125, -0.25, WIDTH / 42 / 2)
    assert manifold.whole(window) == 0.5
    _, drawn = manifold.show(window)
    assert drawn.shape == (2 * HEIGHT, 2 * WIDTH)
    for i, j in [(0, 0), (-7, 4), (6, -5)]:
        left = WIDTH + 84 * (i - 0.5 - window[0] / 0.5)
        top = HEIGHT - 84 * (j + 0.5 - window[1] / 0.5)
        assert left == int(left)
        assert top == int(top)
        levels = drawn[int(top) + 1 : int(top) + 84 : 3, int(left) + 1 : int(left) + 84 : 3]
        assert np.abs(levels - manifold.torch([i / 2, j / 2])).max() <= 1.5


def test_what_was_drawn_stands_in_until_the_tiles_come(manifold: Manifold) -> None:
    manifold.whole(OVERVIEW)
    _, before = manifold.show(OVERVIEW)
    for x, y, width in [(1, 1, 4.7), (0.3, 0.2, 18), (2, 0, 9.4)]:
        manifold.whole(OVERVIEW)
        lacking, drawn = manifold.show((x, y, width))
        assert lacking > 0
        # The same picture, but stretched and moved, where both have it.
        for dx, dy in itertools.product((-0.9, 0, 0.9), repeat=2):
            place = x + dx, y + dy
            stretched = ink_at(place, (x, y, width), drawn)
            assert stretched == pytest.approx(ink_at(place, OVERVIEW, before), abs=6)
    manifold.whole((50, 50, 9.4))
    lacking, drawn = manifold.show(OVERVIEW)  # seen before
    assert lacking == 0
    np.testing.assert_array_equal(drawn, before)


def ink_at(place: tuple[float, float], window: Window, drawn: Levels) -> float:
    """How much ink lies within 1 of a place of the plane: a mean of levels."""
    scale = WIDTH / window[2]
    column, row = WIDTH / 2 + (place[0] - window[0]) * scale, HEIGHT / 2 - (place[1] - window[1]) * scale
    rows, columns = (slice(round(middle - scale), round(middle + scale)) for middle in (row, column))
    return float(drawn[rows, columns].mean())


def test_nothing_is_left_of_another_decoder_or_plane(manifold: Manifold) -> None:
    assert manifold.whole(OVERVIEW)
    looks: list[tuple[str, list[float], tuple[int, ...]]] = [
        ("tanh-2", [0, 0], (0, 1)),
        ("gelu-5", [0.5, -1, 2, 0.25, 1], (1, 3)),
        ("gelu-5", [0.5, -1, 2, 0.25, -1], (1, 3)),
        ("relu-1", [0], (0,)),
        ("bundled", [0, 0], (0, 1)),
    ]
    for name, base, axes in looks:
        manifold.show((1, 2, 5))  # some of it is still to come
        manifold.look_at(name, base, axes)
        _, drawn = manifold.show(OVERVIEW)
        assert drawn.max() == 0  # not even for a moment
        assert manifold.differs(OVERVIEW, manifold.whole(OVERVIEW)) <= 1


def test_only_the_newest_window_is_decoded(manifold: Manifold) -> None:
    manifold.page.evaluate(COUNT)
    rush = [(10.0 * k, 0.3, 9.4) for k in range(40)]
    lacking, _ = manifold.show(*rush)
    manifold.page.wait_for_function(WHOLE)
    assert 200 < lacking < 500
    assert manifold.page.evaluate("window.placesAsked") < 2 * lacking
    assert manifold.differs(rush[-1], 0.5) <= 1


def test_no_window_is_too_far_away_too_small_or_none(manifold: Manifold) -> None:
    far = [(1e6, -3e5, 9.4), (1e30, 1e30, 1e29), (3e6, 0, 1e-9), (0, 0, 1e300)]
    near = [(0.3, 0.3, 1e-15), (0, 0, 1e-300)]
    for window in far + near:
        manifold.whole(window)
    for window in [
        (0, 0, 0),
        (0.3, 0.3, 1e-17),
        (0, 0, -9),
        (math.nan, 0, 9),
        (0, math.inf, 9),
        (0, 0, math.inf),
        (0, 0, 1e-323),
    ]:
        lacking, drawn = manifold.show(window)
        assert lacking == 0
        assert drawn.max() == 0
    assert manifold.differs(OVERVIEW, manifold.whole(OVERVIEW)) <= 1


def test_hidden_or_disposed_of_it_shows_nothing_and_comes_back(manifold: Manifold) -> None:
    manifold.whole(OVERVIEW)
    _, before = manifold.show(OVERVIEW)
    canvas = manifold.page.locator(".manifold")
    canvas.evaluate("(canvas) => canvas.manifold.hide()")
    assert not canvas.evaluate(ANY_INK)
    lacking, drawn = manifold.show(OVERVIEW)
    assert lacking == 0
    np.testing.assert_array_equal(drawn, before)
    canvas.evaluate("(canvas) => canvas.manifold.dispose()")
    assert not canvas.evaluate(ANY_INK)
    lacking, drawn = manifold.show(OVERVIEW)  # nothing was kept
    assert lacking > 200
    assert drawn.max() == 0
    assert manifold.differs(OVERVIEW, manifold.whole(OVERVIEW)) <= 1
