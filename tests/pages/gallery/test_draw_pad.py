"""The drawing pad: validation of strokes, the picture made of them, and the pad in a browser."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from pages.components.gallery.draw_pad import MOST_NUMBERS, MOST_STROKES, rendered, valid_strokes
from tests.support.browser import Workshop
from vae import VaeError
from vae.datasets.mnist_style import as_mnist

SCRIPT = """
import streamlit as st
from pages.components.gallery.draw_pad import draw_pad

def pad():
    st.session_state.runs = st.session_state.get("runs", 0) + 1
    picture = draw_pad("pad", "Draw a digit here")
    st.button("Again")
    seen = "nothing" if picture is None else f"{picture.shape}, ink {(picture > 127).sum()}"
    st.text(f"{seen}, run {st.session_state.runs}")
    if picture is not None:
        st.image(picture)

def elsewhere():
    st.text("Elsewhere")

st.navigation([st.Page(pad, default=True), st.Page(elsewhere)]).run()
"""


def test_strokes_are_believed() -> None:
    strokes = [[0, 0, 1000, 1000], [500, 500]]
    assert valid_strokes(strokes) == strokes
    assert valid_strokes([]) == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "strokes",
        {"0": [1, 2]},
        [1, 2],
        [[]],
        [[1]],
        [[1, 2, 3]],
        [["1", "2"]],
        [[None, 2]],
        [[True, False]],
        [[1.5, 2]],
        [[float("nan"), 2]],
        [[-1, 2]],
        [[1, 1001]],
        [[10**400, 2]],
        [[[1, 2]]],
    ],
)
def test_nonsense_is_refused(value: Any) -> None:
    with pytest.raises(VaeError, match="cannot be read"):
        valid_strokes(value)


@pytest.mark.parametrize("value", [[[1, 2]] * (MOST_STROKES + 1), [[1, 2] * MOST_NUMBERS]])
def test_too_much_is_refused(value: Any) -> None:
    with pytest.raises(VaeError, match="too many strokes"):
        valid_strokes(value)


def seven(scale: float, x: int, y: int) -> list[list[int]]:
    """A 7 whose upper left corner is at (x, y), 500 × 800 units large times `scale`."""
    right, foot, bottom = (round(start + scale * way) for start, way in [(x, 500), (x, 200), (y, 800)])
    return [[x, y, right, y], [right, y, foot, bottom]]


def test_strokes_are_as_thick_as_those_of_mnist() -> None:
    bar = rendered([[500, 100, 500, 900]])
    assert bar.shape == (336, 336)
    small = as_mnist(rendered(seven(1, 250, 100)))
    across = small[14].sum() / 255  # the shaft, which leans a little
    assert 2 <= across <= 3


def test_a_small_drawing_is_the_same_digit_as_a_large_one() -> None:
    large, small = (as_mnist(rendered(seven(*how))).astype(int) for how in [(1, 250, 100), (0.25, 700, 750)])
    assert np.abs(large - small).mean() < 8


def test_nothing_is_cut_off_at_the_rim() -> None:
    around = rendered([[0, 0, 1000, 0, 1000, 1000, 0, 1000, 0, 0]])
    rim = np.concatenate([around[0], around[-1], around[:, 0], around[:, -1]])
    assert not rim.any()


def test_a_tap_is_a_dot() -> None:
    dot = rendered([[500, 500]])
    assert dot[168, 168] == 255
    assert 4 <= (dot[168] > 127).sum() <= 8
    assert as_mnist(dot).any()


def script(tmp_path: Path) -> Path:
    path = tmp_path / "pad.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def test_nothing_is_drawn_at_first(tmp_path: Path) -> None:
    app = AppTest.from_file(str(script(tmp_path)), default_timeout=60).run()
    assert not app.exception
    assert app.text[0].value == "nothing, run 1"


def test_what_was_drawn_reaches_the_page(tmp_path: Path) -> None:
    app = AppTest.from_file(str(script(tmp_path)), default_timeout=60)
    app.session_state["pad"] = {"strokes": [[100, 500, 900, 500]]}
    app.run()
    assert not app.exception
    assert app.text[0].value.startswith("(336, 336), ink ")
    assert app.session_state["pad-kept"] == [[100, 500, 900, 500]]


@pytest.fixture
def page(workshop: Workshop, page: Page) -> Page:
    page.goto(workshop.serve_script(SCRIPT).address())
    expect(page.locator(".draw-pad canvas[aria-label]")).to_be_visible()
    return page


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Draws through places of the pad, in parts of its side."""
    box = page.locator(".draw-pad canvas").bounding_box()
    assert box is not None
    (x, y), *others = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in places]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in others:
        page.mouse.move(x, y, steps=10)
    page.mouse.up()


def seen(page: Page) -> Locator:
    """What Python got, as the page's text."""
    return page.get_by_test_id("stText")


def ink(page: Page) -> int:
    return int(seen(page).inner_text().split("ink ")[1].split(",")[0])


@pytest.mark.browser
def test_drawing_undo_and_clear_in_a_browser(page: Page) -> None:
    pad = page.locator(".draw-pad")
    undo, clear = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Clear")
    expect(seen(page)).to_have_text("nothing, run 1")
    expect(undo).to_have_attribute("aria-disabled", "true")

    stroke(page, (0.3, 0.2), (0.7, 0.2), (0.4, 0.8))
    expect(seen(page)).to_contain_text("run 2")
    one = ink(page)
    # 0.4 and 0.67 of 280 pixels long, 0.12 / 0.88 of 0.6 of them thick.
    assert one == pytest.approx((0.4 + 0.671) * 280 * 0.6 * 280 * 0.12 / 0.88, rel=0.15)
    stroke(page, (0.3, 0.5), (0.7, 0.5))
    expect(seen(page)).to_contain_text("run 3")
    two = ink(page)
    assert two > one

    page.get_by_role("button", name="Again").click()
    expect(seen(page)).to_have_text(f"(336, 336), ink {two}, run 4")
    expect(pad).to_have_attribute("data-strokes", "2")

    page.get_by_role("link", name="elsewhere").click()
    expect(seen(page)).to_have_text("Elsewhere")
    page.get_by_role("link", name="pad").click()
    expect(seen(page)).to_have_text(f"(336, 336), ink {two}, run 5")
    expect(pad).to_have_attribute("data-strokes", "2")

    undo.focus()
    page.keyboard.press("Enter")
    expect(seen(page)).to_have_text(f"(336, 336), ink {one}, run 6")
    page.keyboard.press("Tab")
    expect(clear).to_be_focused()
    page.keyboard.press("Space")
    expect(seen(page)).to_have_text("nothing, run 7")
    expect(clear).to_be_focused()
    undo.click(force=True)  # nothing is left to undo

    stroke(page, (0.5, 0.5))
    expect(seen(page)).to_contain_text("run 8")
    page.wait_for_timeout(1000)
    expect(seen(page)).to_contain_text("run 8")  # and so no loop of runs
    assert 10 <= ink(page) <= 60


@pytest.mark.browser
def test_strokes_drawn_faster_than_the_page_runs_are_all_kept(page: Page) -> None:
    for row in range(8):
        stroke(page, (0.2, 0.1 * (row + 1)), (0.8, 0.1 * (row + 1)))
    expect(page.locator(".draw-pad")).to_have_attribute("data-strokes", "8")
    ended = re.compile(r"ink ([3-9]\d{4}|2[7-9]\d{3}),")  # of eight strokes
    expect(seen(page)).to_have_text(ended)
    page.get_by_role("button", name="Again").click()
    expect(page.locator(".draw-pad")).to_have_attribute("data-strokes", "8")
    expect(page.locator("canvas")).to_have_attribute("aria-label", "Draw a digit here. 8 strokes drawn.")
    assert ink(page) > 7 * 0.6 * 280 * 20


@pytest.mark.browser
def test_a_finger_draws_and_does_not_scroll(page: Page) -> None:
    box = page.locator(".draw-pad canvas").bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    places = [{"x": box["x"] + 60 + 15 * i, "y": box["y"] + 60 + 15 * i} for i in range(10)]
    for kind, points in [
        ("touchStart", places[:1]),
        *(("touchMove", [at]) for at in places[1:]),
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(seen(page)).to_contain_text("run 2")
    assert ink(page) > 1000
