"""The Latent page in a browser: its map opened, moved over and zoomed; what is drawn on it."""

import json
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
import torch
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import pixels, place_on, ready
from vae.inference.formatting import format_number
from vae.models.network import VAE

_RANGES = """() => {
    const { xaxis, yaxis } = document.querySelector('[data-chart="map"] .js-plotly-plot')._fullLayout;
    return [...xaxis.range, ...yaxis.range];
}"""


def shown_by(component: str, selector: str) -> str:
    """A JavaScript expression: the object that shows the component around an element (shell/lifecycle.js)."""
    return f"""(() => {{
        let element = document.querySelector(`{selector}`);
        while (!element.{component}) element = element.parentElement;
        return element.{component};
    }})()"""


MAP = shown_by("latentMap", ".latent-map")
TIMELINE = f"{shown_by('timeMachine', '.time-machine')}.timeline"
# The grey levels of the manifold's tile around a place, as they are drawn: with three times as many pixels,
# so that each of a digit's is a square; in the middles of these.
TILE = """(canvas, redraw, { x, y, step, window: [x0, x1, y0, y1] }) => {
    const ratio = devicePixelRatio;
    const drawAt = (value) => {
        Object.defineProperty(window, "devicePixelRatio", { value, configurable: true });
        redraw();
    };
    drawAt(3);
    const context = canvas.getContext("2d");
    const { width, height } = canvas;
    const middles = [...Array(28).keys()].map((k) => ((k + 0.5) / 28 - 0.5) * step);
    const columns = middles.map((away) => Math.floor(((x + away - x0) / (x1 - x0)) * width));
    const rows = middles.map((away) => Math.floor(((y1 - y + away) / (y1 - y0)) * height));
    const [left, top] = [columns[0], rows[0]];
    const [wide, tall] = [columns[27] - left + 1, rows[27] - top + 1];
    const { data } = context.getImageData(left, top, wide, tall);
    const at = (row, column) => data[4 * ((row - top) * wide + column - left) + 3];
    const levels = rows.map((row) => columns.map((column) => at(row, column)));
    drawAt(ratio);
    return levels;
}"""


LOOKS = """() => {
    window.looks = [];
    addEventListener("latent-hover", ({ detail }) => window.looks.push(detail));
}"""
RANGE_WIDTH = """() => {
    const [low, high] = document.querySelector('[data-chart="map"] .js-plotly-plot')._fullLayout.xaxis.range;
    return high - low;
}"""
# Has the map show other data than Python brought.
SHOW = f"""(changes) => {{
    const {{ data, queue }} = {MAP};
    {MAP}.show({{ data: {{ ...data, ...changes }}, setTriggerValue: queue.report }});
}}"""
COUNT = """() => document.querySelector('[data-chart="map"] .js-plotly-plot')
    ._fullData.reduce((sum, trace) => sum + trace.x.length, 0)"""
# The digit under the pointer; the panel while there is one, and while there is none.
POINTER, POINTED, IDLE = ".look-pointer", ".look-panel:not([data-idle])", ".look-panel[data-idle]"
HEIGHT = "(box) => box.getBoundingClientRect().height"


def open_map(page: Page, address: str) -> None:
    """Goes to an address, and waits until its map is drawn and can decode."""
    page.goto(address)
    ready(page, "map")
    expect(page.locator(".latent-map[data-decoder]")).to_have_count(1)


def next_frame(page: Page) -> None:
    """Waits until what was asked for is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def settled(page: Page) -> None:
    """Waits until the server has answered all that happened on the map."""
    page.wait_for_function(f"{MAP}.queue.pending.length === 0")


def digit(box: Locator) -> tuple[list[float], np.ndarray]:
    """z of the digit that is drawn in the first canvas of a box, and its grey levels (28, 28)."""
    shown = levels(box.locator("canvas").first)
    return json.loads(str(box.get_attribute("data-z"))), shown


def pointed_at(page: Page, x: float, y: float) -> tuple[list[float], np.ndarray]:
    """Moves the pointer to a place of the map; z of the digit that appears, and its grey levels (28, 28)."""
    page.locator(".latent-map-plot").scroll_into_view_if_needed()
    next_frame(page)  # scrolling takes the pointer away
    page.mouse.move(*place_on(page, "map", x, y))
    next_frame(page)
    expect(page.locator(POINTED)).to_be_visible()
    return digit(page.locator(POINTER))


def levels(canvas: Locator, left: int = 0) -> np.ndarray:
    """The grey levels (28, 28) of a picture that begins so far from the left of a canvas."""
    return pixels(canvas)[:28, left : left + 28, 0]


def ranges(page: Page) -> list[float]:
    """What the map's axes show: x0, x1, y0, y1."""
    shown: list[float] = page.evaluate(_RANGES)
    return shown


def tile_step(window: Sequence[float], width: float, height: float) -> float:
    """The distance between tiles of the manifold in a window x0, x1, y0, y1 of so many CSS pixels: the least
    power of two that takes 36 of them."""
    x0, x1, y0, y1 = window
    return float(2.0 ** np.ceil(np.log2(36 * max((x1 - x0) / width, (y1 - y0) / height))))


def tile(page: Page, x: float, y: float) -> tuple[list[float], np.ndarray]:
    """The place (2,) of the manifold's tile nearest to one of the map, and its grey levels (28, 28)."""
    canvas = page.locator(".latent-map-manifold")
    window = ranges(page)
    step = tile_step(
        window, *canvas.evaluate("({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight]")
    )
    place = [round(x / step) * step, round(y / step) * step]
    at = {"x": place[0], "y": place[1], "step": step, "window": window}
    shown = canvas.evaluate(f"(canvas, at) => ({TILE})(canvas, () => {MAP}.drawManifold(), at)", at)
    return place, np.array(shown)


def place_at(page: Page, across: float, up: float) -> tuple[float, float]:
    """The place at these shares, 0 to 1, of the map's width and height."""
    x0, x1, y0, y1 = ranges(page)
    return x0 + across * (x1 - x0), y0 + up * (y1 - y0)


def middle(page: Page) -> tuple[float, float]:
    """A place near the middle of the map."""
    return place_at(page, 0.6, 0.6)


def decoded(model: VAE, *places: list[float]) -> np.ndarray:
    """What torch draws at places, in grey levels that are not rounded: (28, 28), of several (N, 28, 28)."""
    pictures: np.ndarray = (
        model.decode(torch.tensor(places, dtype=torch.float32))[:, 0].detach().numpy() * 255
    )
    return pictures[0] if len(places) == 1 else pictures


class Bundled(NamedTuple):
    """What torch says of the bundled run, and numpy of its test set.

    Shapes: means (10000, 2), labels (10000,), images (10000, 28, 28).
    """

    model: VAE
    means: np.ndarray
    labels: np.ndarray
    images: np.ndarray


def tiles(page: Page) -> Locator:
    return page.locator(".pins-row-tile")


def query(page: Page, name: str) -> str | None:
    """What the address says under a name."""
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def place_in(page: Page, name: str = "z") -> list[float]:
    """The place that the address says."""
    return [float(text) for text in str(query(page, name)).split(",")]


def assert_pinned(page: Page, count: int, place: list[float], expected: np.ndarray) -> None:
    """That so many pins are there, the last of them chosen, its picture this one, in the row and large."""
    expect(tiles(page)).to_have_count(count)
    last = tiles(page).last
    expect(last).to_have_attribute("data-chosen", "true")
    assert np.abs(levels(last.locator("canvas")) - expected).max() <= 1
    chosen = page.locator(".look-chosen")
    expect(chosen).to_contain_text(f"z = ({', '.join(map(format_number, place))})")
    assert np.abs(levels(chosen.locator("canvas").first) - expected).max() <= 1


def away(places: np.ndarray, bundled: Bundled) -> np.ndarray:
    """How far the nearest two test pictures are from each place: (N, 2) -> (N, 2), the nearest first."""
    distances = torch.cdist(torch.from_numpy(places.astype(np.float32)), torch.from_numpy(bundled.means))
    return distances.topk(2, largest=False).values.numpy()


def lonely(bundled: Bundled) -> int:
    """A test picture near the middle of the map, no 3, whose mean has no other near it."""
    near = np.flatnonzero((np.abs(bundled.means).max(axis=1) < 2) & (bundled.labels != 3))
    return int(near[away(bundled.means[near], bundled)[:, 1].argmax()])


def empty_place(bundled: Bundled) -> tuple[float, float]:
    """The emptiest place near the middle of the map."""
    grid = np.stack(np.meshgrid(np.linspace(-2.5, 2.5, 41), np.linspace(-2, 2, 41)), axis=-1).reshape(-1, 2)
    x, y = grid[away(grid, bundled)[:, 0].argmax()]
    return float(x), float(y)


def zoom_in(page: Page, turns: int) -> None:
    """Turns the wheel over the middle of the map."""
    page.mouse.move(*place_on(page, "map", *middle(page)))
    for _ in range(turns):
        page.mouse.wheel(0, -200)
