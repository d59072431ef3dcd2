"""The Latent page in a browser: its map opened, moved over and zoomed; what is drawn on it."""

import json
from collections.abc import Sequence

import numpy as np
import torch
from playwright.sync_api import Locator, Page, expect

from tests.browser import place_on, ready
from vae.models.network import VAE

# z of the digit that a component shows, and the grey levels of its first canvas.
_DRAWN = """(box) => {
    const { data } = box.querySelector("canvas").getContext("2d").getImageData(0, 0, 28, 28);
    return [box.dataset.z, [...data].filter((_, i) => i % 4 === 0)];
}"""
_LEVELS = "(canvas, left) => [...canvas.getContext('2d').getImageData(left, 0, 28, 28).data]"
_RANGES = """() => {
    const { xaxis, yaxis } = document.querySelector('[data-chart="map"] .js-plotly-plot')._fullLayout;
    return [...xaxis.range, ...yaxis.range];
}"""
# What shows the map, and the timeline of the time machine.
MAP = """(() => {
    let element = document.querySelector(".latent-map");
    while (!element.latentMap) element = element.parentElement;
    return element.latentMap;
})()"""
TIMELINE = """(() => {
    let element = document.querySelector(".time-machine");
    while (!element.timeMachine) element = element.parentElement;
    return element.timeMachine.seen;
})()"""
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
    z, levels = box.evaluate(_DRAWN)
    return json.loads(z), np.array(levels).reshape(28, 28)


def pointed_at(page: Page, x: float, y: float) -> tuple[list[float], np.ndarray]:
    """Moves the pointer to a place of the map; z of the digit that appears, and its grey levels (28, 28)."""
    page.locator(".latent-map-plot").scroll_into_view_if_needed()
    next_frame(page)  # scrolling takes the pointer away
    page.mouse.move(*place_on(page, "map", x, y))
    next_frame(page)
    expect(page.locator(".latent-map-tooltip")).to_be_visible()
    return digit(page.locator(".latent-map-tooltip"))


def levels(canvas: Locator, left: int = 0) -> np.ndarray:
    """The grey levels (28, 28) of a picture that begins so far from the left of a canvas."""
    return np.array(canvas.evaluate(_LEVELS, left)).reshape(28, 28, 4)[:, :, 0]


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


def middle(page: Page) -> tuple[float, float]:
    """A place near the middle of the map."""
    x0, x1, y0, y1 = ranges(page)
    return 0.4 * x0 + 0.6 * x1, 0.4 * y0 + 0.6 * y1


def decoded(model: VAE, *places: list[float]) -> np.ndarray:
    """What torch draws at places, in grey levels that are not rounded: (28, 28), of several (N, 28, 28)."""
    pictures: np.ndarray = (
        model.decode(torch.tensor(places, dtype=torch.float32))[:, 0].detach().numpy() * 255
    )
    return pictures[0] if len(places) == 1 else pictures
