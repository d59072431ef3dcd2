"""The map by keyboard and by touch, in a real browser on the bundled run, against torch."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Server, place_on
from tests.support.latent_page import (
    COUNT,
    HEIGHT,
    IDLE,
    LOOKS,
    POINTED,
    POINTER,
    SHOW,
    Bundled,
    assert_pinned,
    decoded,
    digit,
    empty_place,
    levels,
    next_frame,
    open_map,
    place_in,
    query,
    ranges,
    settled,
    tiles,
)

pytestmark = pytest.mark.browser


def test_the_keyboard_is_enough(shared: Server, page: Page, bundled: Bundled) -> None:
    open_map(page, f"{shared.address()}?layers=manifold")  # so that no point lies under the cursor
    page.evaluate(LOOKS)
    page.keyboard.press("Tab")  # the page's first stop
    expect(page.get_by_role("button", name="Skip to the map")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".latent-map-plot")).to_be_focused()
    seen = []
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        next_frame(page)
        z, shown = digit(page.locator(POINTER))
        assert np.abs(shown - decoded(bundled.model, z)).max() <= 0.51
        seen.append(z)
    (x, y), up, left, down = seen
    step = (ranges(page)[1] - ranges(page)[0]) / 50
    assert np.ravel([up, left, down]) == pytest.approx(
        [x, y + step, x - 5 * step, y + step, x - 5 * step, y], abs=1e-6
    )
    page.keyboard.press("Enter")
    expect(tiles(page)).to_have_count(1)
    assert place_in(page) == pytest.approx(down, abs=2e-3)  # a tenth of a pixel
    assert_pinned(page, 1, place_in(page), decoded(bundled.model, place_in(page)))
    height = page.locator(".look-chosen").evaluate(HEIGHT)
    for key in ("ArrowRight", "Enter", "ArrowUp"):  # the cursor stays, also where the answer comes later
        page.keyboard.press(key)
    expect(tiles(page)).to_have_count(2)
    settled(page)
    next_frame(page)
    z, _ = digit(page.locator(POINTER))
    assert z == pytest.approx([down[0] + step, down[1] + step], abs=2e-3)
    expect(page.locator(POINTED)).to_be_visible()
    whole = ranges(page)
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("window="))
    assert ranges(page)[1] - ranges(page)[0] == pytest.approx(0.7 * (whole[1] - whole[0]), rel=0.02)
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("window="))
    page.keyboard.press("Escape")
    expect(page.locator(IDLE)).to_be_visible()

    page.get_by_text("points", exact=True).click()
    page.wait_for_function(f"({COUNT})() === 10_000")
    page.locator(".latent-map-plot").focus()
    real = page.locator(f"{POINTER} canvas").nth(1)
    for _ in range(30):  # the next point on the left
        page.keyboard.press("ArrowLeft")
        next_frame(page)
        if page.evaluate("window.looks.at(-1).index") is not None:
            break
    expect(real).to_be_visible()  # though no key was pressed after its pictures came
    for count in (3, 4):  # the cursor stays, as a mouse would
        page.keyboard.press("Enter")
        expect(tiles(page)).to_have_count(count)
        settled(page)
    index = page.evaluate("window.looks.at(-1).index")
    assert query(page, "index") == str(index)
    assert np.array_equal(levels(real), bundled.images[index])
    # Nothing moves: whether a place or a picture is pinned, and whatever the colours mean.
    expect(page.locator(".look-chosen")).to_contain_text("Test image")
    assert page.locator(".look-chosen").evaluate(HEIGHT) == height
    top = page.locator(".latent-map-plot").evaluate("plot => plot.offsetTop")
    page.get_by_text("loss", exact=True).click()
    expect(page.locator(".latent-map-scale")).to_be_visible()
    assert page.locator(".latent-map-plot").evaluate("plot => plot.offsetTop") == top
    page.get_by_text("class", exact=True).click()
    first, second = page.locator(".latent-map-class").all()[:2]
    for press, hidden in (
        ("Space", [0]),
        ("Enter", []),
        ("Shift+Enter", range(1, 10)),
        ("Tab", range(1, 10)),
        ("Enter", range(2, 10)),
    ):
        if press == "Space":
            first.focus()
        page.keyboard.press(press)
        count = 10_000 - np.isin(bundled.labels, list(hidden)).sum()
        page.wait_for_function(f"({COUNT})() === {count}")
        pressed = [
            each.get_attribute("aria-pressed")
            for each in page.locator("[aria-pressed].latent-map-class").all()
        ]
        assert pressed == [str(label not in hidden).lower() for label in range(10)]
    expect(second).to_be_focused()
    page.evaluate(SHOW, {"colouring": "kl"})
    expect(page.locator(".latent-map-scale")).to_be_visible()
    expect(page.locator(".latent-map-class").nth(1)).to_be_focused()
    page.locator(".latent-map-class").nth(1).click(click_count=3)
    page.wait_for_function(f"({COUNT})() === 10000")  # all, alone, and all again


def test_a_finger_looks_and_a_tap_pins(shared: Server, page: Page, bundled: Bundled) -> None:
    page.set_viewport_size({"width": 700, "height": 900})
    fingers = page.context.new_cdp_session(page)
    fingers.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    open_map(page, shared.address())
    page.locator(".latent-map-plot").scroll_into_view_if_needed()
    before = ranges(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        at = [dict(zip("xy", place_on(page, "map", *place), strict=True)) for place in places]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        next_frame(page)

    touch("touchStart", (-1, 0.5))
    for place in ((-0.5, 0.5), (0.5, 0), (1, -0.5)):
        touch("touchMove", place)
        z, shown = digit(page.locator(POINTER))
        assert z == pytest.approx(place, abs=0.03)
        assert np.abs(shown - decoded(bundled.model, z)).max() <= 0.51
    touch("touchEnd")
    expect(page.locator(IDLE)).to_be_visible()
    assert ranges(page) == before
    assert tiles(page).count() == 0

    # Two fingers that move apart: what lies between them takes twice the room, and what lies under the one
    # that rests stays there.
    touch("touchStart", (-1, 0.5), (1, 0.5))
    touch("touchMove", (-1, 0.5), (3, 0.5))
    touch("touchEnd")
    assert (-1 - before[0]) / (-1 - ranges(page)[0]) == pytest.approx(2, rel=0.02)
    assert ranges(page)[1] - ranges(page)[0] == pytest.approx((before[1] - before[0]) / 2, rel=0.02)
    assert (0.5 - before[2]) / (0.5 - ranges(page)[2]) == pytest.approx(2, rel=0.02)
    assert tiles(page).count() == 0
    page.locator(".latent-map-plot").press("0")
    expect(page).not_to_have_url(re.compile("window="))
    touch("touchStart", empty_place(bundled))
    touch("touchEnd")
    expect(tiles(page)).to_have_count(1)
    assert place_in(page) == pytest.approx(empty_place(bundled), abs=0.03)
    assert_pinned(page, 1, place_in(page), decoded(bundled.model, place_in(page)))
    z, _ = digit(page.locator(POINTER))
    expect(page.locator(POINTED)).to_be_visible()
    assert z == pytest.approx(place_in(page), abs=0.03)
