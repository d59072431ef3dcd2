"""What of each page is visible without scrolling, in a real browser: the boxes of its parts."""

import shutil
from typing import NamedTuple

import pytest
from playwright.sync_api import FloatRect, Page, ViewportSize, expect

from tests.support.browser import Workshop, ready
from tests.support.on_screen import assert_on_screen, hide_sidebar, part
from vae.runs.live_view import load_view, save_view
from vae.runs.records import State
from vae.runs.run import Run
from vae.runs.titles import title_of

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("small")]

LAPTOP: ViewportSize = {"width": 1400, "height": 900}
PROJECTOR: ViewportSize = {"width": 1280, "height": 720}
PHONE: ViewportSize = {"width": 390, "height": 844}
ZOOMED: ViewportSize = {"width": 700, "height": 450}  # a laptop's window at 200 %


class Screen(NamedTuple):
    """A page as a test opens it.

    Attributes:
        address: behind the server's; `RUN` stands for the name of the run, `OTHER` for that of its copy.
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
TRAINING = ("controls", "progress", "curves", "slider", "digits", "samples", "legend", "map")
SCREENS = {
    "train": Screen("train?run=RUN", "curves", TRAINING),
    "latent": Screen("map?run=RUN&index=3&pins=i3_0,1&path=-1,0_1,0.5", "map", (*LATENT, "path")),
    "selection": Screen("map?run=RUN&lasso=-2,-2_2,-2_2,2_-2,2", "map", (*LATENT, "selection")),
    "compare": Screen(
        "compare?run=RUN&with=OTHER&index=3",
        "right",
        ("controls", "legend", "map", "slider", "pointer", "chosen", "figures"),
    ),
    "reconstructions": Screen(
        "reconstructions?run=RUN", None, ("filters", "row-1", "row-2", "row-3", "row-4")
    ),
    "data": Screen("data?dataset=mnist", None, ("sets", "chosen", "row-1", "row-2", "row-3", "row-4")),
    "add": Screen("data?view_of_data=Add+pictures", None, ("upload",)),
    "learn": Screen("learn", None, ("step",)),  # of a lesson whose runs are missing
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_parts_of_a_page_are_on_one_screen(
    page: Page, workshop: Workshop, trained: Run, name: str
) -> None:
    for run in (trained.name, "other"):
        shutil.copytree(trained.path, workshop.runs / run)
    screen = SCREENS[name]
    page.set_viewport_size(LAPTOP)
    page.goto(workshop.address(screen.address.replace("RUN", trained.name).replace("OTHER", "other")))
    if screen.chart is not None:
        ready(page, screen.chart)
    part(page, screen.parts[-1]).first.wait_for()
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert_on_screen(page, screen.parts)
    page.set_viewport_size(PROJECTOR)
    hide_sidebar(page)
    assert_on_screen(page, screen.parts)


def test_a_phone_has_map_digits_slider_and_path_first_and_room_to_scroll(
    page: Page, workshop: Workshop, trained: Run
) -> None:
    shutil.copytree(trained.path, workshop.runs / trained.name)
    page.set_viewport_size(PHONE)
    page.goto(workshop.address(SCREENS["latent"].address.replace("RUN", trained.name)))
    ready(page, "map")
    part(page, "path").wait_for()
    assert_on_screen(page, ("legend", "map", "pointer", "chosen", "slider"))
    tops = []
    for name in ("map", "pointer", "slider", "path", "neighbours"):
        box = part(page, name).bounding_box()
        assert box is not None
        tops.append(box["y"])
    assert tops == sorted(tops)
    plot = part(page, "map").bounding_box()
    assert plot is not None
    assert plot["x"] >= 20  # where one finger scrolls the page
    assert plot["x"] + plot["width"] <= PHONE["width"] - 20
    expect(part(page, "controls")).to_be_hidden()
    page.get_by_text("Colours, layers and axes").click()
    expect(part(page, "controls")).to_be_visible()


def test_a_window_at_200_per_cent_shows_the_map_which_is_one_tab_away(
    page: Page, workshop: Workshop, trained: Run
) -> None:
    for run in (trained.name, "other"):
        shutil.copytree(trained.path, workshop.runs / run)
    page.set_viewport_size(ZOOMED)
    for address in (f"map?run={trained.name}", f"train?run={trained.name}", f"compare?run={trained.name}"):
        page.goto(workshop.address(address))
        plot = page.locator(".latent-map-plot").first
        expect(page.locator(".latent-map[data-ready]").first).to_be_visible()
        expect(plot).to_be_in_viewport(ratio=0.5)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Skip to the map").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(plot).to_be_focused()


def test_a_training_stays_on_one_screen_and_in_its_place_in_every_state(
    page: Page, workshop: Workshop, trained: Run
) -> None:
    run = Run(shutil.copytree(trained.path, workshop.runs / trained.name))
    finished, view = run.status(), load_view(run.view_path, run.config)
    assert view is not None
    save_view(run.view_path, view._replace(step=30))
    page.set_viewport_size(LAPTOP)

    def shown_as(state: State) -> dict[str, FloatRect | None]:
        run.write_status(finished.model_copy(update={"state": state}))
        expect(page.get_by_role("heading", name=f"{title_of(run)}: {state}")).to_be_visible()
        expect(page.locator(".latent-map[data-ready]")).to_be_visible()
        assert_on_screen(page, TRAINING)
        pause = page.locator(".st-key-pause button [data-testid=stMarkdownContainer]")
        cut = pause.evaluate_all("texts => texts.some((text) => text.scrollWidth > text.clientWidth)")
        assert not cut, "Pause or Resume is cut off"
        return {name: part(page, name).first.bounding_box() for name in TRAINING[1:]}

    with run.lock():
        run.write_status(finished.model_copy(update={"state": "running"}))
        page.goto(workshop.address(f"train?run={run.name}"))
        ready(page, "curves")
        running = shown_as("running")
        expect(page.get_by_text("live · step 30")).to_be_visible()
        assert shown_as("paused") == running
        shown_as("running")
        page.get_by_role("slider", name="Moment of the training").press("ArrowLeft")
        expect(page.locator(".latent-map[data-past]")).to_be_visible()
        assert shown_as("running") == running
        page.set_viewport_size(PROJECTOR)
        hide_sidebar(page)
        assert_on_screen(page, TRAINING)
        page.set_viewport_size(LAPTOP)
        narrow = shown_as("running")
    assert shown_as("finished") == narrow
