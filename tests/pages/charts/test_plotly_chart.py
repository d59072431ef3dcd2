"""What charts do where another version of Plotly lacks the private parts that are used of it."""

import re
import shutil

import pytest
from playwright.sync_api import ConsoleMessage, Page, Route, expect

from pages.components.shell.assets import COMPONENTS
from tests.support.browser import Workshop, place_on, ready, wait_until
from tests.support.latent_page import MAP, POINTED, POINTER, digit, next_frame, open_map, place_at, ranges
from vae.runs.run import Run

pytestmark = pytest.mark.browser

ADAPTER = COMPONENTS / "charts" / "plotly_chart.js"


# How many selections Plotly has on the map.
SELECTED = """document.querySelector('[data-chart="map"] .js-plotly-plot').layout.selections.length"""


def with_another_plotly(page: Page, part: str) -> list[str]:
    """Renames a part of Plotly that the adapter uses; the list of warnings that the console gets of it."""

    def without(route: Route) -> None:
        text = ADAPTER.read_text(encoding="utf-8")
        assert part in text
        route.fulfill(body=text.replace(part, "_isNoMore"), content_type="text/javascript")

    warnings: list[str] = []

    def logged(message: ConsoleMessage) -> None:
        if "Plotly" in message.text:
            warnings.append(message.text)

    page.on("console", logged)
    page.route("**/charts/plotly_chart.js", without)
    return warnings


@pytest.fixture
def server(workshop: Workshop, trained: Run) -> Workshop:
    """It shows the small run."""
    shutil.copytree(trained.path, workshop.runs / trained.name)
    return workshop


def test_without_private_parts_the_map_answers_the_pointer_and_a_warning_is_logged(
    server: Workshop, page: Page
) -> None:
    warnings = with_another_plotly(page, "_fullLayout")
    page.goto(server.address("?layers=manifold"))
    ready(page, "map")
    expect(page.locator(".latent-map[data-decoder]")).to_have_count(1)
    pointer = page.locator(POINTER)

    def answers(across: float, upwards: float) -> bool:
        """Whether the map answers where it is pointed at; while the page is being made, it moves."""
        place = place_at(page, across, upwards)
        page.mouse.move(*place_on(page, "map", *place))
        next_frame(page)
        expect(page.locator(POINTED)).to_be_visible()
        return bool(digit(pointer)[0] == pytest.approx(place, abs=0.02))  # a pixel

    for shares in ((0.5, 0.5), (0.7, 0.6), (0.2, 0.3)):
        wait_until(lambda shares=shares: answers(*shares))  # type: ignore[misc]
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


def test_where_keys_add_to_a_selection_the_last_area_stays_alone(server: Workshop, page: Page) -> None:
    warnings = with_another_plotly(page, "shiftKey")
    open_map(page, server.address())
    page.locator('.modebar-btn[data-val="select"]').click()

    def select(low: float, high: float) -> None:
        start, end = (place_on(page, "map", *place_at(page, share, share)) for share in (low, high))
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*end, steps=4)
        page.mouse.up()

    select(0.2, 0.4)
    page.wait_for_function(f"{MAP}.data.region")
    page.wait_for_timeout(400)  # the next press must not be the second half of a double click
    page.keyboard.down("Shift")
    with page.expect_console_message(lambda message: "Plotly" in message.text):
        select(0.6, 0.8)
    page.wait_for_function(f"{SELECTED} === 1")
    assert len(warnings) == 1
    assert re.fullmatch(r"Plotly \S+ lacks parts of 4\.1\.1, so keys that are held .+\.", warnings[0])
