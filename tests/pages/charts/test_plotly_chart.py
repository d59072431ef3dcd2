"""What charts do where another version of Plotly lacks the private parts that are used of it."""

import re
import shutil

import pytest
from playwright.sync_api import ConsoleMessage, Page, Route, expect

from pages.components.shell.assets import COMPONENTS
from tests.support.browser import Workshop, place_on, ready
from tests.support.latent_page import digit, next_frame, place_at, ranges
from vae.runs.run import Run

pytestmark = pytest.mark.browser

ADAPTER = COMPONENTS / "charts" / "plotly_chart.js"


def test_without_private_parts_the_map_answers_the_pointer_and_a_warning_is_logged(
    workshop: Workshop, page: Page, trained: Run
) -> None:
    shutil.copytree(trained.path, workshop.runs / trained.name)

    def without(route: Route) -> None:
        text = ADAPTER.read_text(encoding="utf-8").replace("_fullLayout", "_isNoMore")
        route.fulfill(body=text, content_type="text/javascript")

    warnings: list[str] = []

    def logged(message: ConsoleMessage) -> None:
        if "Plotly" in message.text:
            warnings.append(message.text)

    page.on("console", logged)
    page.route("**/charts/plotly_chart.js", without)
    page.goto(workshop.address("?layers=manifold"))
    ready(page, "map")
    expect(page.locator(".latent-map[data-decoder]")).to_have_count(1)
    tooltip = page.locator(".latent-map-tooltip")
    for shares in ((0.5, 0.5), (0.7, 0.6), (0.2, 0.3)):
        place = place_at(page, *shares)
        page.mouse.move(*place_on(page, "map", *place))
        next_frame(page)
        expect(tooltip).to_be_visible()
        assert digit(tooltip)[0] == pytest.approx(place, abs=0.02)  # a pixel
    whole = ranges(page)
    page.mouse.wheel(0, -200)
    expect(page).to_have_url(re.compile("window="))
    x0, x1, y0, y1 = ranges(page)
    assert x1 - x0 < whole[1] - whole[0]
    address = [float(text) for text in page.url.split("window=")[1].split("&")[0].split("%2C")]
    assert address == pytest.approx([x0, x1, y0, y1], abs=0.01)
    page.mouse.click(*place_on(page, "map", *place_at(page, 0.4, 0.4)))
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    assert len(warnings) == 1
    assert re.fullmatch(r"Plotly \S+ lacks parts of 4\.1\.1, .+\.", warnings[0])
