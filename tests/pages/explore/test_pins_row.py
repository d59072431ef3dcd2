"""The row of pins and the sliders in a real browser, on a page of their own, against torch."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Download, Locator, Page, expect

from tests.support.browser import Workshop
from tests.support.decoders import small_model, with_torch
from tests.support.latent_page import LOOKS, levels, shown_by, tiles
from vae.datasets.images import to_levels

pytestmark = pytest.mark.browser

SCRIPT = """
import numpy as np
import streamlit as st
from pages.components.runs.loaded_model import LoadedModel
from pages.components.explore.pin_state import act, current_pins, pin, pins_query
from pages.components.explore.coordinates import coordinates, pinned_coordinates
from pages.components.shell.links import MAP, link
from pages.components.explore.pins_row import new_actions, pins_row
from vae.inference.planes import axis_directions, summarize_dimensions
from vae.inference.scoring import score_images, scored_set
from tests.support.decoders import numpy_model

@st.cache_resource
def explored():
    model = numpy_model("tanh-2")
    pictures = np.random.default_rng(1).integers(0, 256, (50, 28, 28), np.uint8)
    test = scored_set(pictures, np.arange(50) % 10, score_images(model, pictures))
    return LoadedModel(model, test, 0, 0, 0, tuple("0123456789"))

@st.fragment
def part():
    test = explored().test
    pins = current_pins(test, "mine")
    for action in new_actions():
        pins = act(action)
    if (z := pinned_coordinates(2)) is not None:
        pins = pin(z)
    plane = axis_directions(2).through(pins.place(2))
    pins_row(pins, explored(), plane, run="mine", query=pins_query(pins))
    coordinates(pins.place(2), summarize_dimensions(test), test.reach)

def pinning():
    part()

def reconstructions():
    st.text("Elsewhere: " + st.query_params.get("index", "nothing"))
    link("Third", MAP, {"z": "2,-1", "index": None, "pins": None}, key="third")

st.navigation([st.Page(pinning, default=True), st.Page(reconstructions)]).run()
"""
# Has the row of pins wait for a server that is gone to remove a pin.
GONE = f"""(pin) => Object.assign({shown_by("pinsRow", ".pins-row")}.events, {{
    session: "of that server",
    pending: [{{ action: "remove", pin, number: 1_000 }}],
}})"""


@pytest.fixture
def server(workshop: Workshop) -> Workshop:
    return workshop.serve_script(SCRIPT)


def chosen(page: Page) -> Locator:
    return page.locator('.pins-row-tile[data-chosen="true"]')


def decoded(*places: tuple[float, float]) -> np.ndarray:
    return to_levels(with_torch(small_model("tanh-2"), np.array(places, np.float32))).reshape(-1, 28, 28)


def picture(download: Download) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(Path(download.path()).read_bytes())).convert("RGB")).astype(int)


def test_pins_are_chosen_kept_saved_and_removed(server: Workshop, page: Page) -> None:
    page.goto(server.address("?pins=0.5,1_i3_2,-1&z=0.5,1"))
    expect(tiles(page)).to_have_count(3)
    first, picture_3, third = tiles(page).all()
    expect(first).to_have_attribute("data-chosen", "true")
    expect(picture_3).to_contain_text("3 · #3")
    assert "pins=0.5" in page.url
    for tile, expected in zip((first, third), decoded((0.5, 1), (2, -1)), strict=True):
        assert np.abs(levels(tile.locator("canvas")) - expected).max() <= 1

    third.get_by_role("button", name="Look at z = 2,-1").click()
    expect(third).to_have_attribute("data-chosen", "true")
    expect(page).to_have_url(re.compile("z=2%2C-1"))
    picture_3.get_by_role("button", name="Keep").focus()
    page.keyboard.press("Enter")
    kept = picture_3.get_by_role("button", name="Kept. Click to undo")
    expect(kept).to_be_focused()  # though it was drawn anew
    expect(page).to_have_url(re.compile(r"pins=0\.5%2C1_i3\*_2%2C-1"))

    with page.expect_download() as saved:
        third.get_by_role("button", name="Save as PNG").click()
    assert saved.value.suggested_filename == "mine_z=2,-1.png"
    expected = decoded((2, -1))[0].repeat(10, 0).repeat(10, 1)[:, :, None]
    assert np.abs(picture(saved.value) - expected).max() <= 1
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all").click()
    assert saved.value.suggested_filename == "mine_3_pins.png"
    sheet = picture(saved.value)
    assert sheet.shape[1] == 20 + 3 * 300
    assert np.abs(sheet[20:300, 620:900] - expected).max() <= 1
    assert sheet[305:340, 620:900].min() < 100  # text beneath

    third.get_by_role("button", name="Remove").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(tiles(page)).to_have_count(2)
    expect(chosen(page)).to_contain_text("3 · #3")
    expect(picture_3.get_by_role("button", name="Remove")).to_be_focused()
    page.get_by_role("button", name="Clear").click()
    expect(tiles(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?pins=i3\*&index=3$"))


def test_a_link_rules_also_where_the_server_saw_the_same_before(server: Workshop, page: Page) -> None:
    page.goto(server.address("?z=2,-1"))
    expect(tiles(page)).to_have_count(1)
    leads = tiles(page).get_by_role("link")
    expect(leads).to_have_attribute("title", re.compile("Show the nearest test image, . · #.+, in Recon"))
    field = page.get_by_role("spinbutton", name="z₁", exact=True)
    field.fill("0.5")
    field.press("Enter")
    expect(chosen(page)).to_contain_text("0.50, −1.00")
    leads.last.click()
    expect(page.get_by_text(re.compile(r"Elsewhere: \d+"))).to_be_visible()
    page.get_by_role("link", name="Third").click()
    expect(chosen(page)).to_contain_text("2.00, −1.00")
    expect(tiles(page)).to_have_count(2)
    page.go_back()
    expect(page.get_by_text("Elsewhere:")).to_be_visible()
    page.go_back()
    expect(chosen(page)).to_contain_text("0.50, −1.00")


def test_coordinates_are_looked_at_and_pinned(server: Workshop, page: Page) -> None:
    page.goto(server.address("?z=0.5,1"))
    slider = page.get_by_role("slider", name="z₁")
    field = page.get_by_role("spinbutton", name="z₁", exact=True)
    pin, back = (page.get_by_role("button", name=name, exact=True) for name in ("Pin", "Back"))
    expect(field).to_have_value("0.5")
    expect(back).to_be_disabled()
    page.evaluate(LOOKS)

    def look() -> Any:
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        return page.evaluate("window.looks.at(-1) ?? null")

    slider.press("ArrowRight")
    nothing = dict.fromkeys(("index", "real", "where", "chart", "pictures"))  # no map tells it
    assert look() == {"source": "coordinates", "z": [0.51, 1], **nothing}
    expect(field).to_have_value("0.51")
    back.click()
    assert look()["z"] is None
    expect(field).to_have_value("0.5")

    for nonsense, sentence in (("1e7", "At most ±1,000,000."), ("", "This is no number.")):
        field.fill(nonsense)
        expect(page.get_by_text(sentence)).to_be_visible()
        expect(pin).to_be_disabled()
        assert look()["z"] == [0.5, 1]  # as it was, with what the others say
        expect(page.get_by_text("Look at z")).to_be_visible()
    field.fill("-7.25")
    expect(pin).to_be_enabled()
    assert slider.get_attribute("min") == "-8"
    assert look()["z"] == [-7.25, 1]
    pin.click()
    expect(chosen(page)).to_contain_text("−7.25, 1.00")
    expect(page).to_have_url(re.compile("z=-7.25%2C1&pins=0.5%2C1_-7.25%2C1$"))
    assert look()["z"] is None
    slider.press("End")
    page.keyboard.press("Enter")
    expect(tiles(page)).to_have_count(3)
    # The same again: there is nothing to go back from.
    expect(back).to_be_disabled()
    slider.press("ArrowLeft")
    slider.press("ArrowRight")
    expect(back).to_be_enabled()
    pin.click()
    expect(tiles(page)).to_have_count(4)
    expect(back).to_be_disabled()
    assert look()["z"] is None
    tiles(page).first.locator("button").first.click()
    expect(field).to_have_value("0.5")  # it follows
    expect(back).to_be_disabled()

    # Of two clicks during one run of the page both are heard.
    page.evaluate("document.querySelectorAll('[data-action=remove]').forEach((one, i) => i && one.click())")
    expect(tiles(page)).to_have_count(1)
    expect(tiles(page).first).to_contain_text("0.50, 1.00")

    # What was asked for in a session that is gone is let go: its pins had other numbers.
    page.evaluate(GONE, int(tiles(page).first.get_attribute("data-number") or -1))
    slider.press("ArrowRight")
    pin.click()
    expect(tiles(page)).to_have_count(2)
    keep = tiles(page).last.locator("[data-action=keep]")
    keep.click()
    expect(keep).to_have_attribute("aria-pressed", "true")
    expect(tiles(page)).to_have_count(2)
