"""What of each page is visible without scrolling, in a real browser: the boxes of its parts."""

import shutil
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.support.browser import Workshop, ready
from tests.support.on_screen import assert_on_screen, hide_sidebar, part, show_sidebar
from vae.runs.run import Run

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("small")]

LAPTOP: ViewportSize = {"width": 1400, "height": 900}
PROJECTOR: ViewportSize = {"width": 1280, "height": 720}


class Screen(NamedTuple):
    """A page as a test opens it.

    Attributes:
        address: behind the server's; `RUN` stands for the name of the run.
        chart: the key of a figure that must have been drawn, or None.
        parts: must be wholly visible at both sizes.
    """

    address: str
    chart: str | None
    parts: tuple[str, ...]


LATENT = (
    *("controls", "legend", "map", "slider", "digits"),
    *("pointer", "chosen", "neighbours", "pins"),
)
SCREENS = {
    "latent": Screen("map?run=RUN&index=3&pins=i3_0,1&path=-1,0_1,0.5", "map", (*LATENT, "path")),
    "selection": Screen("map?run=RUN&lasso=-2,-2_2,-2_2,2_-2,2", "map", (*LATENT, "selection")),
    "reconstructions": Screen(
        "reconstructions?run=RUN", None, ("filters", "row-1", "row-2", "row-3", "row-4")
    ),
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_parts_of_a_page_are_on_one_screen(
    page: Page, workshop: Workshop, trained: Run, name: str
) -> None:
    shutil.copytree(trained.path, workshop.runs / trained.name)
    screen = SCREENS[name]
    page.set_viewport_size(LAPTOP)
    page.goto(workshop.address(screen.address.replace("RUN", trained.name)))
    if screen.chart is not None:
        ready(page, screen.chart)
    part(page, screen.parts[-1]).first.wait_for()
    show_sidebar(page)
    assert_on_screen(page, screen.parts)
    page.set_viewport_size(PROJECTOR)
    hide_sidebar(page)
    assert_on_screen(page, screen.parts)
