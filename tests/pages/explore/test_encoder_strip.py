"""The strip image, mean and sigma, z, decoded image: its numbers are those of the formula."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Workshop
from tests.support.decoders import small_model, with_torch
from tests.support.latent_page import LOOKS, levels, query

pytestmark = pytest.mark.browser

MEAN, SIGMA = np.array([0.5, -1.25]), np.array([0.1, 2.0])
SCRIPT = f"""
import numpy as np
from pages.components.explore.encoder_strip import encoder_strip
from pages.components.stores.decoder import decoder_store
from tests.support.decoders import small_model, spec_of
from vae.inference.scored_set import ScoredSet

images = np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28)
means = np.array([[9, 9], {MEAN.tolist()}], np.float32)
logvars = np.log(np.array([[1, 1], {SIGMA.tolist()}], np.float32)) * 2
ones = np.ones(2, np.float32)
test = ScoredSet(images, np.arange(2), means, logvars, ones, ones)
spec = spec_of("tanh-2", small_model("tanh-2"))
decoder_store(spec)
encoder_strip(spec.name, test, 1, "Test image 7 · #1", key="one", timeline="moment")
encoder_strip(spec.name, test, None, "", key="none", timeline="moment")
"""


def test_z_is_mean_and_sigma_times_noise_and_is_drawn_anew(workshop: Workshop, page: Page) -> None:
    page.goto(workshop.serve_script(SCRIPT).address())
    strip, without = (page.locator(".encoder-strip").nth(number) for number in range(2))

    def shown(seed: int) -> np.ndarray:
        """z, once that of a seed is drawn; compared with the numbers and the image beside it."""
        expect(strip).to_contain_text(f"seed {seed}")
        mean, sigma, noise, z = (
            np.array([float(number.replace("−", "-")) for number in re.findall(r"[−\d.]+", text)])
            for text in strip.locator("td").all_text_contents()
        )
        np.testing.assert_allclose([mean, sigma], [MEAN, SIGMA], atol=0.0051)
        np.testing.assert_allclose(z, MEAN + SIGMA * noise, atol=0.02)
        exact = np.array(json.loads(str(strip.get_attribute("data-z"))), np.float32)
        np.testing.assert_allclose(z, exact, atol=0.0051)
        expected = with_torch(small_model("tanh-2"), exact[None]).reshape(28, 28) * 255
        assert np.abs(levels(strip.locator("canvas").last) - expected).max() <= 0.51
        return exact

    first = shown(1)
    expect(strip.get_by_role("img", name="Test image 7 · #1", exact=True)).to_be_visible()
    assert levels(strip.locator("canvas").first)[0, :3].tolist() == [16, 17, 18]  # 784 modulo 256
    page.evaluate(LOOKS)
    strip.get_by_role("button", name="Sample again").click()
    second = shown(2)
    assert np.abs(second - first).max() > 0.01
    looks = page.evaluate("window.looks.map(({ source, z }) => [source, z])")
    assert looks[-1][0] == "encoder"
    np.testing.assert_allclose(looks[-1][1], second, rtol=1e-6)
    assert query(page, "samples_seed") == "2"
    expect(without).to_contain_text("Choose a test image")
