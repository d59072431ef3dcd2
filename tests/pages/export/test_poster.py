"""The poster: which places it shows, what the file holds, and the part of the page."""

import base64
import io
import re
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from pages.components.charts.images import INKS
from pages.components.export.poster import poster_file, poster_picture
from tests.support.browser import Workshop
from tests.support.decoders import numpy_model, small_model, with_torch
from vae.datasets.images import ImageArray
from vae.inference.forward import Model
from vae.inference.planes import Plane, prior_grid

MODELS: Mapping[int, str] = {1: "relu-1", 2: "tanh-2", 5: "gelu-5"}


def drawing(latent_dim: int) -> Model:
    """A model as pages load it."""
    return numpy_model(MODELS[latent_dim])


def plane(latent_dim: int) -> Plane:
    """Of a line, the line; else a plane that is none of two axes, and does not go through the origin."""
    if latent_dim == 1:
        return Plane(np.zeros(1, np.float32), np.ones(1, np.float32), np.zeros(1, np.float32), ("z₁", "y"))
    directions = np.random.default_rng(0).standard_normal((latent_dim, 2))
    first, second = np.linalg.qr(directions)[0].T.astype(np.float32)
    return Plane(np.linspace(-1, 1, latent_dim, dtype=np.float32), first, second, ("u", "v"))


def test_the_grid_has_the_priors_quantiles_as_a_map_has_them() -> None:
    grid = prior_grid(7)
    assert grid.shape == (7, 7, 2)
    quantiles = [NormalDist().inv_cdf((i + 0.5) / 7) for i in range(7)]
    np.testing.assert_allclose(grid[3, :, 0], quantiles, atol=1e-12)
    np.testing.assert_allclose(grid[:, 3, 1], quantiles[::-1], atol=1e-12)
    assert np.abs(grid[3, 3]).max() < 1e-12
    assert np.isfinite(prior_grid(40)).all()


@pytest.mark.parametrize("count", [10, 20, 39, 40])
@pytest.mark.parametrize("latent_dim", MODELS)
def test_the_file_is_sharp_on_a3(count: int, latent_dim: int) -> None:
    content = poster_file(drawing(latent_dim), plane(latent_dim), count, INKS[0])
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        assert image.mode == "L"
        width, height = image.size
        dpi = image.info["dpi"]
        pixels = np.asarray(image)
    assert width >= 3508
    assert height == (2 if latent_dim == 1 else count + 1) * width // (count + 1)
    assert min(dpi) >= 300
    assert width / dpi[0] == pytest.approx(297 / 25.4, abs=0.01)
    enlarged = width // 28 // (count + 1)
    assert width == enlarged * 28 * (count + 1)
    squares = pixels[::enlarged, ::enlarged]
    np.testing.assert_array_equal(pixels, squares.repeat(enlarged, axis=0).repeat(enlarged, axis=1))
    assert (squares[:14] == 255).all()  # the margin
    assert (squares[:, -14:] == 255).all()


@pytest.mark.parametrize("latent_dim", MODELS)
def test_each_digit_is_what_torch_draws_there(latent_dim: int) -> None:
    model, of = small_model(MODELS[latent_dim]), plane(latent_dim)
    black, white = (poster_picture(drawing(latent_dim), of, 10, ink) for ink in INKS)
    np.testing.assert_array_equal(black, 255 - white)
    # The nearest place to the origin is where the prior is densest on this plane.
    nearest = of.base - (of.base @ of.first) * of.first - (of.base @ of.second) * of.second
    rows = 1 if latent_dim == 1 else 10
    seen = set()
    for row, column in [(0, 0), (rows - 1, 3), (rows // 2, 9)]:
        across = NormalDist().inv_cdf((column + 0.5) / 10)
        up = NormalDist().inv_cdf((9 - row + 0.5) / 10)
        z = (nearest + across * of.first + up * of.second).astype(np.float32)
        expected = with_torch(model, z[None]).reshape(28, 28) * 255
        digit = white[14 + 28 * row :, 14 + 28 * column :][:28, :28]
        assert np.abs(digit - expected).max() <= 1
        seen.add(digit.tobytes())
    assert len(seen) == 3


SCRIPT = """
from pathlib import Path
import streamlit as st
from pages.components.runs.loaded_model import LoadedModel
from pages.components.export.poster import poster_button
from tests.pages.export.test_poster import drawing, plane
from vae.runs.run import Run

explored = LoadedModel(drawing({latent_dim}), None, 0, 0, 0)
poster_button(Run(Path("mine")), explored, plane({latent_dim}))
"""


@pytest.mark.parametrize("latent_dim", MODELS)
def test_the_page_draws_nothing_until_it_is_asked(latent_dim: int) -> None:
    test = AppTest.from_string(SCRIPT.format(latent_dim=latent_dim)).run()
    assert not test.exception
    assert not test.get("html")
    test.session_state["poster"] = True
    test.run()
    assert not test.exception
    assert shown(test).shape[1] == 28 * 21
    test.slider[0].set_value(12)
    test.segmented_control[0].set_value("White on black")
    test.run()
    assert not test.exception
    black = poster_picture(drawing(latent_dim), plane(latent_dim), 12, "White on black")
    np.testing.assert_array_equal(shown(test), black)


def shown(test: AppTest) -> ImageArray:
    """The preview."""
    [element] = test.get("html")
    [encoded] = re.findall(r"base64,([^\"]+)", element.proto.body)
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        return np.asarray(image)


@pytest.mark.browser
def test_it_is_saved(workshop: Workshop, page: Page) -> None:
    page.goto(workshop.serve_script(SCRIPT.format(latent_dim=2)).address())
    page.get_by_role("button", name="Poster of the plane").click()
    expect(page.get_by_alt_text("The poster")).to_be_visible()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save for print").click()
    assert saving.value.suggested_filename == "mine-poster-20.png"
    content = Path(saving.value.path()).read_bytes()
    assert content == poster_file(drawing(2), plane(2), 20, INKS[0])
