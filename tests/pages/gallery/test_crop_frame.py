"""The frame around a part of a picture: what a browser may send, and how it is dragged."""

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.components.gallery.crop_frame import valid_edges
from pages.components.gallery.own_picture import frame_around, part_of
from tests.support.browser import Workshop
from vae.datasets.photo import Box

SCRIPT = """
import numpy as np
import streamlit as st
from pages.components.gallery.crop_frame import crop_frame

wide = st.toggle("Another")
picture = np.tile(np.arange(200, dtype=np.uint8), (100, 1 + wide))
edges = crop_frame(picture, (200, 200, 600, 700), key="frame", label="The digit's frame")
st.text(f"edges {edges}")
"""


def test_edges_are_believed_for_their_picture_only() -> None:
    edges = [10, 20, 500, 1000]
    assert valid_edges({"picture": "a", "edges": edges}, "a") == tuple(edges)
    assert valid_edges({"picture": "b", "edges": edges}, "a") is None


@pytest.mark.parametrize(
    "edges",
    [
        None,
        7,
        "edges",
        {},
        [],
        [0, 0, 1000],
        [0, 0, 1000, 1001],
        [-1, 0, 1000, 1000],
        [0, 0, 1000, 0.5],
        [True, 0, 1000, 1000],
        [500, 0, 500, 1000],
        [600, 0, 500, 1000],
        [0, 0, 1000, 10**400],
        [[0], 0, 1000, 1000],
    ],
)
def test_other_edges_are_none(edges: Any) -> None:
    assert valid_edges({"picture": "a", "edges": edges}, "a") is None
    assert valid_edges(edges, "a") is None


def test_the_frame_stands_around_the_digit_and_gives_its_part() -> None:
    picture = np.arange(200 * 400, dtype=np.uint32).reshape(200, 400).astype(np.uint8)
    edges = frame_around(Box(100, 40, 200, 140), picture)
    assert edges == (212, 125, 538, 775)
    assert np.array_equal(part_of(picture, edges), picture[25:155, 84:215])
    assert frame_around(Box(0, 0, 400, 200), picture) == (0, 0, 1000, 1000)
    assert np.array_equal(part_of(picture, (0, 0, 1000, 1000)), picture)
    assert part_of(np.zeros((1, 1), np.uint8), (500, 500, 600, 600)).shape == (1, 1)


@pytest.mark.browser
def test_the_frame_is_dragged_and_moved_by_keys(workshop: Workshop, page: Page) -> None:
    page.goto(workshop.serve_script(SCRIPT).address())
    edges = page.get_by_test_id("stText")
    frame = page.locator(".crop-frame-box")
    expect(edges).to_have_text("edges None")
    expect(frame).to_have_attribute("aria-label", re.compile("from 20 to 60 % across, 20 to 70 % down"))
    picture = page.locator(".crop-frame img").bounding_box()
    assert picture is not None

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        for number, (x, y) in enumerate((start, end)):
            place = picture["x"] + x * picture["width"], picture["y"] + y * picture["height"]
            page.mouse.move(*place, steps=1 + 5 * number)
            page.mouse.down() if number == 0 else page.mouse.up()

    drag((0.4, 0.4), (0.5, 0.5))
    expect(edges).to_have_text("edges (300, 300, 700, 800)")
    drag((0.3, 0.3), (0.1, 0.2))  # the upper left corner
    expect(edges).to_have_text("edges (100, 200, 700, 800)")
    drag((0.7, 0.8), (1.5, 1.5))  # the lower right corner, beyond the picture
    expect(edges).to_have_text("edges (100, 200, 1000, 1000)")
    drag((0.99, 0.98), (0.0, 0.0))  # it keeps a least size
    expect(edges).to_have_text("edges (100, 200, 130, 230)")
    frame.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowDown")
    expect(edges).to_have_text("edges (110, 190, 140, 230)")
    page.get_by_text("Another").click()
    expect(edges).to_have_text("edges None")  # another picture
    expect(frame).to_have_attribute("aria-label", re.compile("from 20 to 60 % across"))
