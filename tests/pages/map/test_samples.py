"""The row of samples: z that follow from a seed, and what the decoder makes of them."""

import json

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.components.map.samples import IMAGES
from tests.support.browser import Workshop, pixels
from tests.support.decoders import small_model, with_torch
from tests.support.latent_page import query

pytestmark = pytest.mark.browser

SCRIPT = """
import numpy as np
import streamlit as st
from pages.components.map.samples import samples_row
from pages.components.stores.decoder import decoder_store
from tests.support.decoders import small_model, spec_of
from vae.inference.scored_set import ScoredSet

means = np.array([[1, -1], [2, -2], [3, -3]], np.float32)
ones = np.ones(3, np.float32)
logvars = np.full((3, 2), -60, np.float32)
exact = ScoredSet(np.zeros((3, 28, 28), np.uint8), np.arange(3), means, logvars, ones, ones)
one, other = (spec_of(name, small_model(name)) for name in ("tanh-2", "silu-3"))
decoder_store(one)
decoder_store(other, key="other_decoder")
samples_row(one.name, exact, key="one")
samples_row(other.name, None, key="other")
samples_row(None, None, key="none")
"""
DRAW = """async ([seed, count, size]) => {
    const { draws } = await import("./map/samples/noise.js");
    return Array.from({ length: count }, (_, number) => {
        const { normal } = draws(seed, number);
        return Array.from({ length: size }, normal);
    });
}"""


def test_the_noise_is_standard_normal_and_follows_from_the_seed(bare_page: Page) -> None:
    drawn, again, other = (np.array(bare_page.evaluate(DRAW, [seed, 4000, 3])) for seed in (7, 7, 8))
    np.testing.assert_array_equal(drawn, again)
    assert np.abs(drawn - other).mean() > 0.5
    for values in (drawn, other):
        assert np.abs(values.mean(axis=0)).max() < 0.06  # four standard errors
        assert np.abs(np.cov(values.T) - np.eye(3)).max() < 0.1
        for lag in (1, 2, 3):  # neighbouring samples are unrelated
            assert abs(np.corrcoef(values[lag:, 0], values[:-lag, 0])[0, 1]) < 0.06
        assert (
            0.9 < np.mean(np.abs(values) < 1.645) / 1 < 0.91
            or abs(np.mean(np.abs(values) < 1.645) - 0.9) < 0.015
        )
    # A model of fewer dimensions has the first coordinates of the same noise.
    np.testing.assert_array_equal(np.array(bare_page.evaluate(DRAW, [7, 4000, 2])), drawn[:, :2])


def test_a_row_decodes_what_it_draws_and_the_address_restores_it(workshop: Workshop, page: Page) -> None:
    workshop.serve_script(SCRIPT)
    page.goto(workshop.address("?samples_seed=3"))
    row, other, none = (page.locator(".samples").nth(number) for number in range(3))

    def shown(kind: str, seed: int) -> np.ndarray:
        """z of the samples (IMAGES, 2), once those of this kind and seed are drawn."""
        label = f"{IMAGES} samples of the {kind}, seed {seed}"
        expect(row.get_by_role("img")).to_have_attribute("aria-label", label)
        z = np.array(json.loads(str(row.get_attribute("data-z"))), np.float32)
        drawn = pixels(row.locator("canvas"))[:, :, 0]
        expected = with_torch(small_model("tanh-2"), z).reshape(IMAGES, 28, 28) * 255
        for number, image in enumerate(expected):
            assert np.abs(drawn[:, 30 * number : 30 * number + 28] - image).max() <= 0.51
        return z

    third = shown("prior", 3)
    expect(row).to_contain_text("seed 3")
    # Another model decodes the same noise; without posteriors it has the prior alone.
    theirs = np.array(json.loads(str(other.get_attribute("data-z"))), np.float32)
    np.testing.assert_array_equal(theirs[:, :2], third)
    expect(other.get_by_role("button", name="aggregate posterior")).to_be_disabled()
    expect(none).to_contain_text("Samples appear with the first weights.")
    assert len({round(part.bounding_box()["height"]) for part in (row, other, none)}) == 1  # type: ignore[index]

    row.get_by_role("button", name="Sample again").click()
    fourth = shown("prior", 4)
    assert np.abs(fourth - third).mean() > 0.3
    row.get_by_role("button", name="aggregate posterior").click()
    drawn = shown("aggregate posterior", 4)  # with a sigma of 0 these are means of test images
    assert {tuple(z) for z in drawn.tolist()} <= {(1.0, -1.0), (2.0, -2.0), (3.0, -3.0)}
    assert len({tuple(z) for z in drawn.tolist()}) > 1
    assert (query(page, "samples"), query(page, "samples_seed")) == ("aggregate", "4")
    page.reload()
    np.testing.assert_array_equal(shown("aggregate posterior", 4), drawn)
