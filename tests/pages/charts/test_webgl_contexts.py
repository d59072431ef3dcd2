"""Charts whose WebGL contexts the browser takes away, as it does when pages have more than sixteen."""

import shutil

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Workshop, ready
from tests.support.latent_page import open_map
from tests.support.small_runs import TEST_IMAGES
from vae.runs.run import Run

pytestmark = pytest.mark.browser

# Takes a chart's contexts away; `giveBack` then gives them back.
LOSE = """(key) => {
    const canvases = document.querySelectorAll(
        `[data-chart="${key}"] :is(.gl-canvas-context, .gl-canvas-focus)`);
    const lost = [...canvases].map((canvas) => canvas.getContext("webgl").getExtension("WEBGL_lose_context"));
    lost.forEach((each) => each.loseContext());
    window.giveBack = () => lost.forEach((each) => each.restoreContext());
    return lost.length;
}"""
# The types of the chart's traces, how many points these have, and how many of them are drawn as SVG.
DRAWN = """(key) => {
    const chart = document.querySelector(`[data-chart="${key}"] .js-plotly-plot`);
    const traces = chart._fullData.filter(({ mode }) => mode === "markers");
    const count = traces.reduce((sum, { x }) => sum + x.length, 0);
    return [[...new Set(traces.map(({ type }) => type))].join(), count,
        chart.querySelectorAll(".scatterlayer path.point").length];
}"""
SENTENCE = "This browser has no WebGL: the map is drawn more slowly."


@pytest.fixture
def server(workshop: Workshop, trained: Run) -> Workshop:
    """It shows the small run."""
    shutil.copytree(trained.path, workshop.runs / trained.name)
    return workshop


def redrawn(page: Page, key: str, kind: str) -> list[object]:
    """What is drawn once the points are of a type."""
    page.wait_for_function(f"([key, kind]) => ({DRAWN})(key)[0] === kind", arg=[key, kind])
    return list(page.evaluate(DRAWN, key))


def test_a_map_that_loses_webgl_is_drawn_without_it_until_it_is_given_back(
    server: Workshop, page: Page
) -> None:
    open_map(page, server.address())
    note = page.locator(".latent-map-note")
    expect(note).to_have_text("")
    assert page.evaluate(LOSE, "map") == 2
    assert redrawn(page, "map", "scatter") == ["scatter", TEST_IMAGES, TEST_IMAGES]
    expect(note).to_have_text(SENTENCE)
    # Everything goes on: another colouring, another size.
    revision = int(str(page.locator(".latent-map").get_attribute("data-revision")))
    page.get_by_test_id("stButtonGroup").get_by_text("KL", exact=True).click()
    ready(page, "map", revision + 1)
    assert redrawn(page, "map", "scatter") == ["scatter", TEST_IMAGES, TEST_IMAGES]
    page.evaluate("giveBack()")
    assert redrawn(page, "map", "scattergl") == ["scattergl", TEST_IMAGES, 0]
    expect(note).to_have_text("")
    assert page.evaluate(LOSE, "map") == 2  # those of new canvases
    assert redrawn(page, "map", "scatter") == ["scatter", TEST_IMAGES, TEST_IMAGES]


def test_so_are_the_other_charts(server: Workshop, page: Page) -> None:
    page.goto(server.address("train"))
    ready(page, "drift")
    _, count, _ = page.evaluate(DRAWN, "drift")
    assert page.evaluate(LOSE, "drift") == 2
    assert redrawn(page, "drift", "scatter") == ["scatter", count, count]
    expect(page.locator('[data-chart="drift"] .live-figure-note')).to_have_text(SENTENCE)
    page.evaluate("giveBack()")
    assert redrawn(page, "drift", "scattergl") == ["scattergl", count, 0]
    expect(page.locator('[data-chart="drift"] .live-figure-note')).to_have_text("")
