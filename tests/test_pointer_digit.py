"""The digit under the pointer, in a real browser, against torch."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

import vae
from tests.browser import APP, SLOW, Server, place_on, ready
from tests.conftest import BUNDLED, small_config
from vae.catalogue import open_run
from vae.checkpoints import save_model
from vae.model import VAE

pytestmark = pytest.mark.browser

DRAWN = """(box) => {
    const canvas = box.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
    return [box.dataset.z, [...data].filter((_, i) => i % 4 === 0)];
}"""


def pointed_at(page: Page, x: float, y: float) -> tuple[list[float], np.ndarray]:
    """Moves the pointer to a place of the map; z of the digit that appears, and its grey levels (28, 28)."""
    page.mouse.move(*place_on(page, "map", x, y))
    box = page.locator(".pointer-digit")
    page.wait_for_function(
        "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true))))"
    )
    expect(box).to_be_visible(timeout=SLOW)
    z, levels = box.evaluate(DRAWN)
    return json.loads(z), np.array(levels).reshape(28, 28)


def middle(page: Page) -> tuple[float, float]:
    """A place near the middle of the map."""
    x, y = page.evaluate(
        """() => {
            const { xaxis, yaxis } = document.querySelector(".js-plotly-plot")._fullLayout;
            return [xaxis, yaxis].map(({ range }) => 0.4 * range[0] + 0.6 * range[1]);
        }"""
    )
    return x, y


def visit(page: Page, address: str) -> None:
    page.goto(address)
    ready(page, "map")
    expect(page.locator(".pointer-digit[data-ready]")).to_have_count(1, timeout=SLOW)


def decoded(model: VAE, z: list[float]) -> np.ndarray:
    levels: np.ndarray = model.decode(torch.tensor([z]))[0, 0].numpy() * 255
    return levels


def test_it_is_what_torch_draws_at_that_very_place(shared: Server, page: Page) -> None:
    visit(page, shared.address())
    model = open_run(BUNDLED).load_model()
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", sent.append))
    for x, y in np.random.default_rng(0).uniform((-4, -3), (4, 4), (20, 2)):
        z, levels = pointed_at(page, x, y)
        assert z == pytest.approx([x, y], abs=0.02)  # a pixel of the map
        assert np.abs(levels - decoded(model, z)).max() <= 0.51  # rounded
    assert sent == []  # nobody was asked
    page.mouse.move(5, 5)
    expect(page.locator(".pointer-digit")).to_be_hidden(timeout=SLOW)


def test_it_leaves_the_map_to_clicks_and_drags(shared: Server, page: Page) -> None:
    visit(page, shared.address())
    pointed_at(page, 1, 1)
    page.mouse.down()
    page.mouse.move(*place_on(page, "map", 2, 1.5), steps=5)
    expect(page.locator(".pointer-digit")).to_be_hidden(timeout=SLOW)
    page.mouse.up()
    z, _ = pointed_at(page, 1, 1)  # the axes have moved with the drag
    assert z == pytest.approx([1, 1], abs=0.02)
    page.mouse.click(*place_on(page, "map", 1, 1))
    expect(page.locator(".pointer-digit")).to_be_visible(timeout=SLOW)  # without another move
    expect(page.get_by_text("z = (1.0")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("latent_dim", [1, 4])
def test_coordinates_that_the_map_does_not_show_are_those_of_the_chosen_place(
    latent_dim: int, small: Path, page: Page
) -> None:
    run = vae.train(small_config(latent_dim=latent_dim, epochs=1), small)
    chosen = [0.5, -1.0, 2.0, -0.25][:latent_dim]
    with Server(APP, VAE_RUNS_DIR=str(small)) as server:
        visit(page, server.address(f"?run={run.name}&z={','.join(map(str, chosen))}"))
        z, levels = pointed_at(page, *middle(page))
        page.mouse.click(*place_on(page, "map", *middle(page)))
        expect(page).not_to_have_url(re.compile(f"z={chosen[0]}"), timeout=SLOW)
        clicked = [float(text) for text in parse_qs(urlsplit(page.url).query)["z"][0].split(",")]
        assert clicked == pytest.approx(z, abs=0.02)  # all of it, also what the map does not show
    assert len(z) == latent_dim
    assert z[2:] == chosen[2:]
    assert np.abs(levels - decoded(run.load_model(), z)).max() <= 0.51


def test_another_run_brings_its_own_decoder(page: Page, tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "first")
    other = shutil.copytree(BUNDLED, tmp_path / "second")
    torch.manual_seed(0)
    run = open_run(other)
    model = VAE(run.config).eval()
    save_model(run.model_path, model, run.config, 1, 0.1)
    with Server(APP, VAE_RUNS_DIR=str(tmp_path)) as server:
        visit(page, server.address("?run=first"))
        first = page.locator(".pointer-digit").get_attribute("data-ready")
        page.get_by_role("combobox", name="Run").click()
        page.get_by_role("option", name="second").click()
        expect(page.locator(".pointer-digit")).not_to_have_attribute("data-ready", str(first), timeout=SLOW)
        ready(page, "map", 2)
        z, levels = pointed_at(page, *middle(page))
    with torch.no_grad():
        assert np.abs(levels - decoded(model, z)).max() <= 0.51


def test_a_click_that_meets_newer_weights_is_answered_with_them(page: Page, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(BUNDLED, tmp_path / "mine"))
    with Server(APP, VAE_RUNS_DIR=str(tmp_path)) as server:
        visit(page, server.address("?run=mine"))
        first = page.locator(".pointer-digit").get_attribute("data-ready")
        model = run.load_model()
        model.decoder.logits.bias.add_(0.5)
        save_model(run.model_path, model, run.config, 1, 0.1)
        page.mouse.click(*place_on(page, "map", 0.5, 0.5))
        expect(page.locator(".pointer-digit")).not_to_have_attribute("data-ready", str(first), timeout=SLOW)
        expect(page.get_by_text("z = (0.5")).to_be_visible(timeout=SLOW)
        z, levels = pointed_at(page, 1, 0.5)
    assert np.abs(levels - decoded(model, z)).max() <= 0.51
