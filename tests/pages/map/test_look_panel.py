"""What is looked at, in the side column: drawn for the eyes at every frame, read out where keys rest."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Workshop
from tests.support.decoders import small_model, with_torch
from tests.support.latent_page import digit, next_frame

pytestmark = pytest.mark.browser

SCRIPT = """
import streamlit as st
from pages.components.stores.decoder import decoder_store
from pages.components.map.look_panel import look_panel
from tests.support.decoders import small_model, spec_of

name, seed = st.radio("Decoder", [("tanh-2", 3), ("tanh-2", 4), ("silu-3", 3)])
spec = spec_of(name, small_model(name, seed))
decoder_store(spec)
look_panel(spec.name, key="look", aloud=True)
"""
# Has the panel hear of a look, and keeps all that is read out.
LOOK = """([source, z, real]) => {
    const said = document.querySelector(".look-panel [role=status]");
    window.heard ??= (new MutationObserver(() => said.textContent && window.heard.push(said.textContent))
        .observe(said, { childList: true }), []);
    const detail = { source, z, index: null, real: real && { ...real, picture: new ImageData(28, 28) } };
    window.dispatchEvent(new CustomEvent("latent-hover", { detail }));
}"""
# Whether it draws another digit than one of these grey levels.
CHANGED = """(before) => {
    const { data } = document.querySelector(".look-panel canvas").getContext("2d").getImageData(0, 0, 28, 28);
    return before.some((level, i) => level !== data[4 * i]);
}"""


def test_what_keys_lead_to_is_read_out_and_what_the_pointer_meets_is_not(
    workshop: Workshop, page: Page
) -> None:
    page.goto(workshop.serve_script(SCRIPT).address())
    panel = page.locator(".look-panel")
    expect(panel).to_contain_text("Move over the map.")
    expect(panel.get_by_role("img")).to_have_attribute("aria-label", "Nothing yet")
    page.evaluate(LOOK, ["map", [1, 2], None])
    pointer = panel.locator(".look-pointer")
    expect(pointer).to_have_attribute("data-z", "[1,2]")
    place = [0.5, -0.001]
    for x in (0.1, 0.2, 0.5):
        page.evaluate(LOOK, ["keys", [x, place[1]], None])
    said = panel.get_by_role("status")
    expect(said).to_have_text("z = (0.50, 0.00)")
    z, levels = digit(pointer)
    assert z == place
    expected = with_torch(small_model("tanh-2"), np.array([place], np.float32)).reshape(28, 28) * 255
    assert np.abs(levels - expected).max() <= 0.51
    page.evaluate(LOOK, ["keys", [1, -2], {"name": "4 · #7", "figures": "KL 6.5 nats"}])
    expect(said).to_have_text("z = (1.00, −2.00) · near 4 · #7: KL 6.5 nats")
    page.evaluate(LOOK, ["map", [1, -2], None])
    page.evaluate(LOOK, ["keys", None, None])
    next_frame(page)
    expect(said).to_be_empty()
    assert page.evaluate("window.heard") == [
        "z = (0.50, 0.00)",
        "z = (1.00, −2.00) · near 4 · #7: KL 6.5 nats",
    ]

    # What was looked at last stays, as the decoder of another run draws it, unless z has another size there.
    _, before = digit(pointer)
    page.get_by_text("('tanh-2', 4)", exact=True).click()
    page.wait_for_function(CHANGED, arg=before.ravel().tolist())
    z, levels = digit(pointer)
    assert z == [1.0, -2.0]
    expected = with_torch(small_model("tanh-2", 4), np.array([z], np.float32)).reshape(28, 28) * 255
    assert np.abs(levels - expected).max() <= 0.51
    page.get_by_text("('silu-3', 3)", exact=True).click()
    expect(pointer).not_to_have_attribute("data-z", re.compile(""))
    expect(pointer).to_contain_text("Move over the map.")
