"""The Reconstructions page in a real browser, with the bundled run and the real MNIST."""

import gzip
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from safetensors.numpy import load_file

from pages.components.charts.tiles import ADDED, LOST
from tests.support.browser import Server, click_at, pixels, ready
from tests.support.paths import BUNDLED, PACKED
from vae.export.images import png
from vae.inference.formatting import format_number
from vae.runs.catalogue import open_run

pytestmark = pytest.mark.browser


def tiles(page: Page, key: str = "gallery") -> Locator:
    """The tiles of a grid that can be clicked."""
    return page.locator(f"[data-tiles={key}] button")


def numbers(page: Page, key: str = "gallery") -> list[int]:
    texts = [tile.get_attribute("data-number") for tile in tiles(page, key).all()]
    return [int(text) for text in texts if text is not None]


def losses(page: Page) -> list[tuple[float, float]]:
    """Reconstruction and KL of each tile of the gallery."""
    details = tiles(page).locator(".tile-detail").all_text_contents()
    return [(float(a), float(b)) for a, b in (re.findall(r"[\d.]+", detail) for detail in details)]


def colours(canvas: Locator) -> np.ndarray:
    """The pixels of a canvas, (height, width, 3)."""
    return pixels(canvas)[:, :, :3]


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """Test images (10000, 784) in [0, 1] and labels, straight from the packed files."""
    images = gzip.decompress((PACKED / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((PACKED / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    return np.frombuffer(images, np.uint8).reshape(-1, 784) / 255, np.frombuffer(labels, np.uint8)


def independent_losses() -> tuple[np.ndarray, np.ndarray]:
    """Reconstruction and KL of all test images in float64, with NumPy, from the stored weights.

    torch gives the error function of GELU, which NumPy lacks. Of the rest of the project only the noise is
    used, as its documentation says: standard normal, seed 0, drawn for 500 images at a time.
    """
    weights = {name: array.astype(float) for name, array in load_file(BUNDLED / "model.safetensors").items()}
    config = open_run(BUNDLED).config
    assert (config.network, config.activation, config.latent_dim) == ("residual", "gelu", 2)
    first, *others = config.hidden_dims
    assert set(others) == {first}

    def dense(name: str, x: np.ndarray) -> np.ndarray:
        result: np.ndarray = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return result

    def gelu(x: np.ndarray) -> np.ndarray:
        result: np.ndarray = x * (1 + torch.erf(torch.from_numpy(x / np.sqrt(2))).numpy()) / 2
        return result

    def hidden(part: str, x: np.ndarray, first: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        x = first(dense(f"{part}.hidden.0", x))
        for layer in range(1, len(config.hidden_dims)):
            x = x + gelu(dense(f"{part}.hidden.{2 * layer}", x))
        return x

    x, _ = mnist()
    h = hidden("encoder", x, gelu)
    mean, logvar = dense("encoder.mean", h), -np.log1p(np.exp(dense("encoder.logvar", h)))
    noise = np.random.default_rng(0).standard_normal((10_000, 2), np.float32)
    logits = dense("decoder.logits", hidden("decoder", mean + np.exp(logvar / 2) * noise, np.sin))
    p = 1 / (1 + np.exp(-logits))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = x * np.log(p) + np.where(x < 1, (1 - x) * np.log(1 - p), 0)
    kl = 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar).sum(axis=1)
    return -terms.sum(axis=1), kl


def test_what_is_shown_is_what_numpy_computes_from_the_weights(shared: Server, page: Page) -> None:
    reconstruction, kl = independent_losses()
    _, labels = mnist()
    page.goto(shared.address("reconstructions?sort=worst&digit=3&show=20"))
    expect(tiles(page)).to_have_count(20)
    threes = np.flatnonzero(labels == 3)
    assert numbers(page) == threes[np.argsort(-reconstruction[threes])][:20].tolist()
    for index, (shown, shown_kl) in list(zip(numbers(page), losses(page), strict=True))[:10]:
        # One digit after the point; and of the worst pictures float32 knows no more.
        assert abs(shown - reconstruction[index]) < 0.051 + 1e-4 * reconstruction[index]
        assert abs(shown_kl - kl[index]) < 0.051
    table = page.locator(".gallery-means")
    for total in (reconstruction.mean(), kl.mean(), (reconstruction + kl).mean()):
        expect(table).to_contain_text(f"{total:.2f}")


def test_the_gallery_draws_picture_reconstruction_and_difference(shared: Server, page: Page) -> None:
    page.goto(shared.address("reconstructions"))
    expect(tiles(page)).to_have_count(50)
    shown = colours(tiles(page).nth(1).locator("canvas")).astype(int)
    assert shown.shape == (28, 3 * 28 + 2, 3)
    picture, reconstruction, difference = shown[:, :28], shown[:, 29:57], shown[:, 58:]
    model = open_run(BUNDLED).load_model()
    x = torch.from_numpy(mnist()[0][1:2].astype(np.float32))
    np.testing.assert_array_equal(picture[:, :, 0], np.rint(255 * x.numpy().reshape(28, 28)))
    decoded = model.decode(model.encode(x)[0])[0, 0].numpy() * 255
    assert np.abs(reconstruction[:, :, 2] - decoded).max() <= 1
    change = reconstruction[:, :, 0] - picture[:, :, 0]
    blue, orange = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (ADDED, LOST))
    expected = np.abs(change)[:, :, None] / 255 * np.where(change[:, :, None] > 0, blue, orange)
    assert np.abs(difference - expected).max() <= 1


def test_a_picture_is_sorted_filtered_opened_followed_to_the_map_and_back(shared: Server, page: Page) -> None:
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(shared.address("reconstructions"))
    expect(tiles(page)).to_have_count(50)
    place = tiles(page).first.bounding_box()
    page.get_by_role("combobox", name="Sort by").click()
    page.get_by_role("option", name="worst").click()
    page.get_by_role("button", name="4", exact=True).first.click()
    expect(tiles(page).first).to_contain_text("4 · #")
    expect(page).to_have_url(re.compile(r"digit=4.*sort=worst"))
    assert tiles(page).first.bounding_box() == place, "the longer line above the images moved them"
    index = numbers(page)[3]
    tiles(page).nth(3).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=f"4 · #{index}")).to_be_visible()
    ready(page, "opened_map")
    expect(tiles(page, "opened_neighbours")).to_have_count(10)

    model = open_run(BUNDLED).load_model()
    mean, _ = model.encode(torch.from_numpy(mnist()[0][index : index + 1].astype(np.float32)))
    dialog.get_by_role("link", name="Show on the latent map").click()
    expect(page.get_by_text(f"z = ({', '.join(map(format_number, mean[0].tolist()))})")).to_be_visible()
    expect(page.get_by_text(f"4 · #{index}").first).to_be_visible()  # in the panel, and in the row of pins
    # By the browser's own way back, one step, and by the link: the same view, filters included.
    page.go_back()
    expect(dialog.get_by_text("4 of 982 in this order")).to_be_visible()
    page.go_forward()
    page.get_by_role("link", name="Show in Reconstructions").click()
    expect(dialog.get_by_text("4 of 982 in this order")).to_be_visible()
    expect(dialog.get_by_role("heading", name=f"4 · #{index}")).to_be_visible()

    expect(tiles(page, "opened_neighbours")).to_have_count(10)  # the last of it: the buttons hear their keys
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("5 of 982 in this order")).to_be_visible()
    tiles(page, "opened_neighbours").first.click()
    expect(dialog.get_by_text("5 of 982 in this order")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("index="))
    assert numbers(page)[3] == index


def test_every_picture_opened_lies_in_the_middle_of_its_map(shared: Server, page: Page) -> None:
    """Plotly's `react` alone would keep the ranges of the first one."""
    page.goto(shared.address("reconstructions?sort=KL"))
    expect(tiles(page)).to_have_count(50)
    first = numbers(page)[0]  # far out, and so a wide range
    page.goto(shared.address(f"reconstructions?sort=KL&index={first}"))
    ready(page, "opened_map")
    place = """() => {
        const chart = document.querySelector('[data-chart="opened_map"] .js-plotly-plot');
        const { x, y } = chart._fullData.at(-1);
        const { xaxis2, yaxis2 } = chart._fullLayout;
        return [[x[0], xaxis2.range], [y[0], yaxis2.range]];
    }"""
    for opened in range(1, 6):
        # Not by its key, which Streamlit may not hear yet when the chart is there.
        page.get_by_role("dialog").get_by_role("button", name="Next").click()
        expect(page.get_by_text(f"{opened + 1} of 10,000 in this order")).to_be_visible()
        ready(page, "opened_map", opened + 1)
        for middle, (low, high) in page.evaluate(place):
            assert abs((low + high) / 2 - middle) < 0.01 * (high - low)


def test_a_shared_address_shows_the_same_in_another_browser(
    shared: Server, page: Page, open_page: Callable[[], Page]
) -> None:
    page.goto(shared.address("reconstructions?sort=shuffled&seed=7&show=20"))
    expect(tiles(page)).to_have_count(20)
    for name in ("2", "8"):
        page.get_by_role("button", name=name, exact=True).first.click()
    expect(page).to_have_url(re.compile("digit=2&digit=8"))
    expect(tiles(page).first).to_contain_text(re.compile("^[28] · "))
    page.get_by_role("button", name="Page 3", exact=True).last.click()  # below the pictures
    expect(page).to_have_url(re.compile("page=3"))
    another = open_page()
    another.goto(page.url)
    expect(tiles(another)).to_have_count(20)
    expect(another.get_by_role("spinbutton", name="Seed")).to_have_value("7")
    _, labels = mnist()
    order = np.argsort(np.random.default_rng(7).permutation(10_000))
    expected = order[np.isin(labels[order], (2, 8))][40:60].tolist()
    assert numbers(another) == numbers(page) == expected


def test_a_click_on_a_box_filters(shared: Server, page: Page) -> None:
    page.goto(shared.address("reconstructions"))
    page.get_by_text("Losses by class").click()
    ready(page, "losses_by_class")
    expect(page).to_have_url(re.compile("boxes=true"))
    expect(tiles(page)).to_have_count(50)
    click_at(page, "losses_by_class", 6, 100)
    expect(tiles(page).first).to_contain_text("6 · #")
    assert "digit=6" in page.url
    click_at(page, "kl_by_class", 6, 3)
    expect(tiles(page).first).to_contain_text("7 · #0")


def test_a_picture_is_uploaded_and_one_is_drawn(shared: Server, page: Page) -> None:
    page.goto(shared.address("reconstructions?view=Your+own"))
    page.get_by_role("radio", name="Upload").click()
    upload = page.locator("input[type=file]")
    images, labels = mnist()
    one = int(np.flatnonzero(labels == 1)[0])
    picture = np.rint(255 * (1 - images[one].reshape(28, 28).repeat(10, 0).repeat(10, 1))).astype(np.uint8)
    upload.set_input_files({"name": "one.png", "mimeType": "image/png", "buffer": png(picture)})
    expect(tiles(page, "own_neighbours")).to_have_count(10)
    shown = colours(page.locator("[data-tiles=own_picture] canvas")).astype(int)[:, :28, 0]
    assert np.abs(shown - 255 * images[one].reshape(28, 28)).mean() < 2
    titles = tiles(page, "own_neighbours").locator(".tile-title").all_text_contents()
    assert sum(title.startswith("1 ·") for title in titles) >= 8

    for name, content in (("text.png", b"no picture"), ("grey.png", png(np.full((9, 9), 7, np.uint8)))):
        upload.set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
        expect(page.get_by_text(re.compile("not a PNG, JPEG|Nothing stands out"))).to_be_visible()
    expect(page.get_by_text("Nothing stands out")).to_be_visible()

    page.get_by_role("radio", name="Draw").click()
    pad = page.locator(".draw-pad canvas[aria-label]")
    expect(pad).to_be_visible()
    box = pad.bounding_box()
    assert box is not None
    x, y, side = box["x"], box["y"], box["width"]
    page.mouse.move(x + 0.5 * side, y + 0.2 * side)
    page.mouse.down()
    for turn in np.linspace(0, 2 * math.pi, 40):  # a zero
        page.mouse.move(x + (0.5 + 0.2 * math.sin(turn)) * side, y + (0.5 - 0.3 * math.cos(turn)) * side)
    page.mouse.up()
    expect(tiles(page, "own_neighbours").first).to_contain_text("0 ·")
    page.get_by_role("link", name="Show on the latent map").click()
    ready(page, "map")
    expect(page.get_by_text("z = (")).to_be_visible()
    assert re.search(r"z=-?[\d.]+%2C-?[\d.]+", page.url)
    page.go_back()
    expect(tiles(page, "own_neighbours").first).to_contain_text("0 ·")
