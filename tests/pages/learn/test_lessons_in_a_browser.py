"""Lessons in a real browser: steps, the card over other pages, and what their links show."""

import os
import re
import shutil
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from pages.components.learn.lessons import PAGES, all_lessons
from tests.support.browser import Server, ready
from tests.support.latent_page import query
from tests.support.on_screen import assert_on_screen, hide_sidebar
from tests.support.paths import APP, ROOT

pytestmark = pytest.mark.browser

LAPTOP: ViewportSize = {"width": 1400, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
FIRST = all_lessons("en")[0]
SIDEBAR = 240  # CSS pixels
# A link of a lesson that leads to the page that is shown.
ADD_LINK = """(address) => {
    const link = Object.assign(document.createElement("a"), { href: address, textContent: "elsewhere" });
    document.querySelector(".st-key-lesson_frame_card").append(link);
    link.addEventListener("click", () => setTimeout(() => link.remove()));
}"""

# Whether the map shows from -1 to 1, and no more upwards or across.
NARROW = """() => {
    const { xaxis, yaxis } = document.querySelector('[data-chart="map"] .js-plotly-plot')._fullLayout;
    const width = ({ range: [low, high] }) => (Math.abs(low + high) < 0.01 ? high - low : 9);
    const widths = [xaxis, yaxis].map(width);
    return Math.abs(Math.min(...widths) - 2) < 0.01 && Math.max(...widths) < 9;
}"""


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the runs that come with the project; nothing is changed there."""
    folder = tmp_path_factory.mktemp("lessons") / "runs"
    shutil.copytree(ROOT / "checkpoints", folder)
    with Server(APP, VAE_RUNS_DIR=str(folder)) as server:
        yield server


def frame(page: Page, kind: str) -> Locator:
    return page.locator(f".st-key-lesson_frame_{kind}")


def assert_at(page: Page, kind: str, at: int) -> None:
    """That a lesson is at this step: this one is visible, and no other; the address says so."""
    steps = [step.heading for step in FIRST.steps]
    for number, heading in enumerate(steps, start=1):
        shown = (
            frame(page, kind).locator(f".st-key-lesson_step_{kind}_{number}").get_by_text(heading, exact=True)
        )
        expect(shown).to_be_visible() if number == at else expect(shown).to_be_hidden()
    expect(frame(page, kind).get_by_text(f"{at} of {len(steps)}")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"lesson={FIRST.number}.*at={at}"))


def test_a_lesson_goes_on_over_other_pages(lessons: Server, page: Page) -> None:
    page.set_viewport_size(LAPTOP)
    page.goto(lessons.address("learn"))
    assert_on_screen(page, ["step"])
    expect(page.get_by_role("heading", name="Learn", level=1)).to_have_count(1)
    listed = page.get_by_role("navigation", name="Lessons").get_by_role("link", name=FIRST.title)
    expect(listed).to_contain_text(f"{FIRST.minutes} min")
    assert query(page, "lesson") is None  # it begins with the first move
    page.get_by_role("button", name="Next").click()
    assert_at(page, "page", 2)
    expect(listed).to_contain_text(f"2 of {len(FIRST.steps)}")

    # A link opens the view with the card, over the free part of the sidebar.
    link = next(each for each in FIRST.steps[1].links if each.page != "learn")
    frame(page, "page").get_by_role("link", name=link.label).click()
    assert_at(page, "card", 2)
    assert f"/{link.page}?" in page.url
    assert all(query(page, name) == value for name, value in link.query)
    box = frame(page, "card").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] < SIDEBAR
    # The lesson goes on when another page is chosen, and after a reload, which keeps the step.
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Latent space").click()
    ready(page, "map")
    assert_at(page, "card", 2)
    frame(page, "card").get_by_role("button", name="Next").click()
    assert_at(page, "card", 3)
    page.reload()
    assert_at(page, "card", 3)

    # A link to the page that is shown changes it in place: another run, through another window.
    ready(page, "map")
    shown = str(page.locator(".latent-map").get_attribute("data-points"))
    place = {"lesson": FIRST.number, "at": "3"}
    page.evaluate(ADD_LINK, f".?{urlencode({'run': 'beta-4', 'window': '-1,1,-1,1', 'hide': '3', **place})}")
    frame(page, "card").get_by_text("elsewhere").click()
    expect(page.locator(".latent-map")).not_to_have_attribute("data-points", shown)
    page.wait_for_function(NARROW)
    assert query(page, "hide") == "3"
    # The note on a run of few moments is not below the fold.
    note = page.locator(".time-machine-note")
    expect(note).to_contain_text("Only 3 are kept.")
    box = note.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= LAPTOP["height"]

    # Without the sidebar the card floats, and folds to one line; closed, it is gone.
    hide_sidebar(page)
    frame(page, "card").get_by_role("button", name="Fold the lesson").click()
    folded = frame(page, "card").bounding_box()
    assert folded is not None
    assert folded["height"] < 50
    expect(frame(page, "card")).to_contain_text(FIRST.steps[2].heading)
    frame(page, "card").get_by_role("button", name="End the lesson").click()
    expect(frame(page, "card")).to_have_count(0)
    assert query(page, "lesson") is None
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Learn").click()
    expect(frame(page, "page")).to_be_visible()
    expect(listed).to_contain_text(f"3 of {len(FIRST.steps)}")

    # The buttons fit into the card, also beside that of the next lesson.
    page.goto(lessons.address(f"map?lesson={FIRST.number}&at={len(FIRST.steps)}"))
    card, close = frame(page, "card"), page.get_by_role("button", name="End the lesson")
    expect(card.get_by_role("button", name="Next lesson")).to_be_visible()
    boxes = card.bounding_box(), close.bounding_box()
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["x"] + boxes[1]["width"] <= boxes[0]["x"] + boxes[0]["width"]

    page.goto(lessons.address("learn?lesson=1&at=1"))
    page.set_viewport_size(PHONE)
    assert_on_screen(page, ["step"])
    # On a phone the card is folded once a link is followed, so that its view is seen.
    page.goto(lessons.address("learn?lesson=3&at=2"))
    below = next(each for each in all_lessons("en")[2].steps[1].links if each.parts)
    assert below.parts == ("encoder",)
    frame(page, "page").get_by_role("link", name=below.label).press("Enter")
    unfold = frame(page, "card").get_by_role("button", name="Unfold the lesson")
    expect(unfold).to_be_visible()
    # What it names is below the map: the page scrolls to it, and the address says it no more.
    assert_on_screen(page, below.parts)
    assert query(page, "part") is None
    unfold.press("Enter")
    page.goto(lessons.address("reconstructions?lesson=1&at=2"))
    expect(page.locator("[data-tiles=gallery] button").first).to_be_visible()
    frame(page, "card").get_by_role("link", name=link.label).press("Enter")
    expect(unfold).to_be_visible()


def test_links_of_lessons_show_what_the_lesson_says_is_there(lessons: Server, page: Page) -> None:
    """The first link to each of these pages; with SOAK=1 all links to them."""
    page.set_viewport_size(LAPTOP)
    left, missing = {"map", "reconstructions", "train"}, []
    for lesson in all_lessons("en"):
        for at, step in enumerate(lesson.steps, start=1):
            for link in step.links:
                if not link.parts or link.page not in left:
                    continue
                left -= set() if os.environ.get("SOAK") == "1" else {link.page}
                asked = urlencode([*link.query, ("lesson", lesson.number), ("at", at)])
                page.goto(lessons.address(f"{PAGES[link.page]}?{asked}"))
                try:
                    assert_on_screen(page, link.parts)
                except AssertionError as error:
                    missing.append(f"lesson {lesson.number}, step {at}: {error}")
    assert not missing
