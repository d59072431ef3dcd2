"""Pins, lassos and paths on the Latent page, in a real browser on the bundled run, against torch."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import SLOW, Server, click_at, place_on, points, ready
from tests.support.latent_page import (
    LOOKS,
    MAP,
    POINTER,
    RANGE_WIDTH,
    Bundled,
    assert_pinned,
    decoded,
    digit,
    empty_place,
    levels,
    lonely,
    middle,
    next_frame,
    open_map,
    place_in,
    pointed_at,
    query,
    ranges,
    settled,
    tiles,
    zoom_in,
)

pytestmark = pytest.mark.browser

SELECTIONS = """() => {
    window.selections = [];
    const chart = document.querySelector('[data-chart="map"] .js-plotly-plot');
    chart.on("plotly_selected", (event) => {
        const { range: box, lassoPoints: lasso } = event ?? {};
        if (lasso) window.selections.push([[...lasso.x], [...lasso.y]]);
        if (box) window.selections.push([[...box.x, ...box.x.toReversed()], box.y.flatMap((y) => [y, y])]);
    });
}"""
# How many points the map sets apart: 100 is added to the colours of the others, and 255 are hidden.
SET_APART = f"() => {MAP}.dots.apart.filter((number) => number < 100).length"
# How opaque the canvas over the points is, so many pixels right of and below a place of the map.
INK = """(canvas, [[x, y], right, down]) => {
    const { xaxis, yaxis } = document.querySelector('[data-chart="map"] .js-plotly-plot')._fullLayout;
    const at = [xaxis.d2p(x) + right, yaxis.d2p(y) + down].map((each) => Math.round(each * devicePixelRatio));
    return canvas.getContext("2d").getImageData(...at, 1, 1).data[3];
}"""


def drag(page: Page, *places: tuple[float, float]) -> None:
    """Presses the button at the first place of the map, leads the pointer along the others, and lets go."""
    at = [place_on(page, "map", *place) for place in places]
    page.mouse.move(*at[0])
    page.mouse.down()
    for each in at[1:]:
        page.mouse.move(*each, steps=4)
    page.mouse.up()


def past_double_click(page: Page) -> None:
    """Waits until the next click cannot be the second half of a double click."""
    page.evaluate("window.clickedBefore = performance.now()")
    page.wait_for_function("performance.now() - window.clickedBefore > 400")


def test_every_click_is_a_pin_and_a_double_click_is_none(
    shared: Server, page: Page, bundled: Bundled
) -> None:
    open_map(page, shared.address())
    assert points(page, "map") == 10_000
    place = empty_place(bundled)
    click_at(page, "map", *place)
    expect(tiles(page)).to_have_count(1)
    clicked = place_in(page)
    assert clicked == pytest.approx(place, abs=0.02)  # a pixel
    assert_pinned(page, 1, clicked, decoded(bundled.model, clicked))

    index = lonely(bundled)
    mean: list[float] = bundled.means[index].tolist()
    for count in (2, 3):  # the same again
        click_at(page, "map", *mean)
        assert_pinned(page, count, mean, decoded(bundled.model, mean))
        assert (query(page, "index"), query(page, "z")) == (str(index), None)
        real = page.get_by_role("img", name=f"Test image {bundled.labels[index]} · #{index}", exact=True)
        assert np.array_equal(levels(real), bundled.images[index])
        past_double_click(page)
    click_at(page, "map", *place)
    assert_pinned(page, 4, clicked, decoded(bundled.model, clicked))
    expect(page.locator(".look-chosen canvas").nth(1)).to_be_hidden()

    whole, address = ranges(page), page.url
    zoom_in(page, 3)
    expect(page).to_have_url(re.compile("window="))
    assert ranges(page)[1] - ranges(page)[0] < 0.8 * (whole[1] - whole[0])
    page.mouse.dblclick(*place_on(page, "map", *middle(page)))
    expect(page).not_to_have_url(re.compile("window="))
    settled(page)
    expect(page).to_have_url(address)
    expect(tiles(page)).to_have_count(4)
    assert ranges(page) == pytest.approx(whole, abs=0.02)

    # In a window of another size, too, the whole map is nothing to tell of.
    revision = int(str(page.locator(".latent-map").get_attribute("data-revision")))
    page.set_viewport_size({"width": 1000, "height": 700})
    ready(page, "map", revision + 1)
    zoom_in(page, 1)
    expect(page).to_have_url(re.compile("window="))
    page.mouse.dblclick(*place_on(page, "map", *middle(page)))
    expect(page).to_have_url(address)
    for low, high, axis in zip(ranges(page)[::2], ranges(page)[1::2], bundled.means.T, strict=True):
        assert low < axis.min() < axis.max() < high


def inside(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The even-odd rule, each edge for itself: (N, 2), (K, 2) -> (N,)."""
    odd = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            reaches = (y0 > points[:, 1]) != (y1 > points[:, 1])
            odd ^= reaches & (points[:, 0] < x0 + (x1 - x0) * (points[:, 1] - y0) / (y1 - y0))
    return odd


def select(page: Page, mode: str, *places: tuple[float, float]) -> np.ndarray:
    """Selects on the map by a lasso or a box around places; the polygon that Plotly tells: (K, 2)."""
    page.locator(f'.modebar-btn[data-val="{mode}"]').click()
    drag(page, *places)
    page.wait_for_function("window.selections.length > 0")
    settled(page)
    corners = np.array(page.evaluate("window.selections.pop()"), np.float64).T
    for low_or_high in (np.min, np.max):
        assert np.abs(low_or_high(corners, axis=0) - low_or_high(places, axis=0)).max() < 0.05
    return corners


def test_a_lasso_and_a_box_count_what_they_hold(shared: Server, page: Page, bundled: Bundled) -> None:
    open_map(page, shared.address())
    page.evaluate(SELECTIONS)
    page.get_by_role("button", name=re.compile(r"^3 \(")).click()
    expect(page.locator('[data-chart="map"]')).to_have_attribute("data-revision", "2")
    assert points(page, "map") == 10_000 - (bundled.labels == 3).sum()
    lasso = [(-1.5, -1.2), (1.5, -1.4), (1.6, 1.2), (0.3, -0.3), (-1.3, 1.5)]
    corners = select(page, "lasso", *lasso)
    within = inside(bundled.means, corners)
    held = within & (bundled.labels != 3)
    assert 0 < held.sum() < within.sum()
    expect(page.get_by_text(f"{held.sum():,} test images selected").first).to_be_visible()
    bars = page.locator(".class-bars").last.locator("td:last-child")
    expect(bars).to_have_text([f"{(bundled.labels[held] == label).sum():,}" for label in range(10)])
    both = page.locator('[data-tiles="region_means"] canvas')
    centre = decoded(bundled.model, bundled.means[held].mean(axis=0).tolist())
    assert np.abs(levels(both) - bundled.images[held].mean(axis=0)).max() <= 1
    assert np.abs(levels(both, 29) - centre).max() <= 1

    # At an earlier moment what is of the newest weights is dimmed, as the note says.
    page.get_by_role("button", name="One moment back").click()
    for part in (".st-key-selection", ".nearest"):
        expect(page.locator(part)).to_have_css("opacity", "0.65")
    page.get_by_role("button", name="end", exact=True).click()
    expect(page.locator(".st-key-selection")).to_have_css("opacity", "1")

    # A box small enough that all in it can be named; with shift held, too, it is all that is selected.
    x, y = bundled.means[lonely(bundled)].tolist()
    page.keyboard.down("Shift")
    corners = select(page, "select", (x - 0.12, y - 0.12), (x + 0.12, y + 0.12))
    page.keyboard.up("Shift")
    assert page.evaluate(SET_APART) == (inside(bundled.means, corners) & (bundled.labels != 3)).sum()
    held = inside(bundled.means, corners) & (bundled.labels != 3)
    assert 0 < held.sum() <= 50
    expect(page.get_by_text(re.compile(f"^{held.sum()} test images? selected")).first).to_be_visible()
    page.get_by_role("link", name="Show all in Reconstructions").click()
    gallery = page.locator('[data-tiles="gallery"] [data-number]')
    expect(gallery).to_have_count(int(held.sum()))
    assert (
        sorted(int(str(each.get_attribute("data-number"))) for each in gallery.all())
        == np.flatnonzero(held).tolist()
    )


def strip(page: Page) -> np.ndarray:
    """The pictures of the path's row: (M, 28, 28)."""
    return np.array([levels(canvas) for canvas in page.locator(".path-strip-row canvas").all()])


def test_a_path_is_drawn_and_another_browser_sees_the_same(
    shared: Server, page: Page, open_page: Callable[[], Page], bundled: Bundled
) -> None:
    open_map(page, f"{shared.address()}?colour=KL&layers=points&layers=ellipses")
    page.evaluate(LOOKS)
    zoom_in(page, 4)
    expect(page).to_have_url(re.compile("window="))
    index = lonely(bundled)
    click_at(page, "map", *bundled.means[index].tolist())
    click_at(page, "map", *empty_place(bundled))
    expect(tiles(page)).to_have_count(2)
    tiles(page).first.locator("button").first.click()
    expect(tiles(page).first).to_have_attribute("data-chosen", "true")

    from_, to = (-1.2, 1.4), (1.3, 0.4)
    page.locator('.modebar-btn[data-title^="Draw a path"]').click()  # as with shift held, but for touch, too
    drag(page, from_, (0, 1.5), to)  # the way between says nothing
    expect(page.locator(".latent-map[data-draws-path]")).to_have_count(0)  # the next drag moves the map
    expect(page).to_have_url(re.compile("path="))
    expect(page.locator(".path-strip-row canvas")).to_have_count(13)
    expect(tiles(page)).to_have_count(2)
    ends = np.array(
        [[float(part) for part in text.split(",")] for text in str(query(page, "path")).split("_")]
    )
    assert ends == pytest.approx(np.array([from_, to]), abs=0.02)
    parts = np.linspace(0, 1, 13)[:, None]
    straight = (1 - parts) * ends[0] + parts * ends[1]
    assert np.abs(strip(page) - decoded(bundled.model, *straight.tolist())).max() <= 1

    # While it plays the ring goes along; where it stands, the ring is.
    marks = page.locator(".latent-map-marks")
    page.locator(".path-strip").get_by_role("button", name="Play").click()
    page.wait_for_function("window.looks.filter(({ source }) => source === 'path').length > 5")
    page.locator(".path-strip").get_by_role("button", name="Pause").click()
    next_frame(page)
    looks = page.evaluate("window.looks.filter(({ source, z }) => source === 'path' && z).map(({ z }) => z)")
    along, across = np.array(looks) - ends[0], (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    assert np.abs(along @ np.array([-across[1], across[0]])).max() < 1e-5
    assert len({round(float(each), 6) for each in along @ across}) > 3
    far = np.linalg.norm(ends[1] - ends[0]) + 1e-6
    assert -1e-6 <= (along @ across).min() < (along @ across).max() <= far
    last = looks[-1]
    assert marks.evaluate(INK, [last, 0, 11]) > 0  # its cross
    page.locator(".path-strip-row canvas").last.click()
    next_frame(page)
    assert marks.evaluate(INK, [last, 0, 11]) == 0
    assert marks.evaluate(INK, [ends[1].tolist(), 0, 11]) > 0
    z, shown = digit(page.locator(POINTER))
    assert z == pytest.approx(ends[1].tolist(), abs=1e-6)
    assert np.abs(shown - decoded(bundled.model, z)).max() <= 0.51

    page.get_by_text("spherical", exact=True).click()
    expect(page).to_have_url(re.compile("way=spherical"))
    first, second = (np.arctan2(y, x) for x, y in ends)
    turned = first + parts * ((second - first + np.pi) % (2 * np.pi) - np.pi)
    radii = (1 - parts) * np.linalg.norm(ends[0]) + parts * np.linalg.norm(ends[1])
    spherical = decoded(bundled.model, *(radii * np.hstack((np.cos(turned), np.sin(turned)))).tolist())
    assert np.abs(spherical - decoded(bundled.model, *straight.tolist())).max() > 20
    for _ in range(100):
        if np.abs(strip(page) - spherical).max() <= 1:
            break
        next_frame(page)
    assert np.abs(strip(page) - spherical).max() <= 1

    other = (
        open_page()
    )  # of which the app knows no more than of another browser: it stores nothing but in tabs
    open_map(other, page.url)
    expect(tiles(other)).to_have_count(2)
    expect(other.locator(".path-strip-row canvas")).to_have_count(13)
    pixel = (ranges(page)[1] - ranges(page)[0]) / 500
    width = page.evaluate(RANGE_WIDTH)
    other.wait_for_function(f"Math.abs(({RANGE_WIDTH})() - {width}) < {pixel}", timeout=SLOW)
    assert ranges(other) == pytest.approx(ranges(page), abs=pixel)
    for name in ("run", "pins", "index", "z", "colour", "layers", "path", "way"):
        assert parse_qs(urlsplit(other.url).query).get(name) == parse_qs(urlsplit(page.url).query).get(
            name
        ), name
    for tab in (page, other):
        expect(tab.locator(".latent-map-scale")).to_contain_text("KL, nats")
        expect(tiles(tab).first).to_have_attribute("data-chosen", "true")
        expect(tab.locator(".latent-map-manifold")).to_be_hidden()
    assert tiles(other).all_inner_texts() == tiles(page).all_inner_texts()
    assert digit(other.locator(".look-chosen"))[0] == digit(page.locator(".look-chosen"))[0]
    assert np.array_equal(strip(other), strip(page))
    place = middle(page)
    assert np.abs(pointed_at(other, *place)[1] - pointed_at(page, *place)[1]).max() <= 1
