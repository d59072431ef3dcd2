"""The Latent page in a browser: its map opened, moved over and zoomed; what is drawn on it."""

import json

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
TELLING = """() => {
    let element = document.querySelector(".latent-map");
    while (!element.latentMap) element = element.parentElement;
    return element.latentMap.telling;
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
    page.wait_for_function(f"({TELLING})().pending.length === 0")


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
    expect(page.locator(".latent-map-beside")).to_be_visible()
    return digit(page.locator(".latent-map-beside"))


def levels(canvas: Locator, left: int = 0) -> np.ndarray:
    """The grey levels (28, 28) of a picture that begins so far from the left of a canvas."""
    return np.array(canvas.evaluate(_LEVELS, left)).reshape(28, 28, 4)[:, :, 0]


def ranges(page: Page) -> list[float]:
    """What the map's axes show: x0, x1, y0, y1."""
    shown: list[float] = page.evaluate(_RANGES)
    return shown


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
