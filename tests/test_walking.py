"""The Latent page as one walks it, in a real browser on the bundled run: all that is drawn, against torch."""

import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser import SLOW, Server, click_at, drawn, place_on, points, ready
from tests.conftest import BUNDLED
from tests.walking import (
    MAP,
    decoded,
    digit,
    levels,
    middle,
    next_frame,
    open_map,
    pointed_at,
    ranges,
    settled,
    tile,
)
from vae.datasets.registry import load
from vae.inference.formatting import format_number
from vae.models.network import VAE
from vae.runs.run import Run

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
LOOKS = """() => {
    window.looks = [];
    addEventListener("latent-hover", ({ detail }) => window.looks.push(detail));
}"""
RANGE_WIDTH = """() => {
    const [low, high] = document.querySelector('[data-chart="map"] .js-plotly-plot')._fullLayout.xaxis.range;
    return high - low;
}"""
# How many points the map sets apart.
SET_APART = """() => document.querySelector('[data-chart="map"] .js-plotly-plot')
    ._fullData.reduce((sum, { selectedpoints }) => sum + selectedpoints.length, 0)"""
# Has the map show other data than Python brought.
SHOW = f"""(changes) => {{
    const {{ data, queue }} = {MAP};
    {MAP}.show({{ ...data, ...changes }}, queue.report);
}}"""
COUNT = """() => document.querySelector('[data-chart="map"] .js-plotly-plot')
    ._fullData.reduce((sum, trace) => sum + trace.x.length, 0)"""
HEIGHT = "(box) => box.getBoundingClientRect().height"
# How opaque the canvas over the points is, so many pixels right of and below a place of the map.
INK = """(canvas, [[x, y], right, down]) => {
    const { xaxis, yaxis } = document.querySelector('[data-chart="map"] .js-plotly-plot')._fullLayout;
    const at = [xaxis.d2p(x) + right, yaxis.d2p(y) + down].map((each) => Math.round(each * devicePixelRatio));
    return canvas.getContext("2d").getImageData(...at, 1, 1).data[3];
}"""


class Known(NamedTuple):
    """What torch says of the bundled run, and numpy of its test set.

    Shapes: means (10000, 2), labels (10000,), images (10000, 28, 28).
    """

    model: VAE
    means: np.ndarray
    labels: np.ndarray
    images: np.ndarray


@pytest.fixture(scope="module")
def known() -> Known:
    model = Run(BUNDLED).load_model()
    images, labels = load("mnist", train=False)
    with torch.no_grad():
        means = torch.cat([model.encode(part[:, None] / 255)[0] for part in images.split(1000)])
    return Known(model, means.numpy(), labels.numpy(), images.numpy())


def tiles(page: Page) -> Locator:
    return page.locator(".pins-row-tile")


def query(page: Page, name: str) -> str | None:
    """What the address says under a name."""
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def place_in(page: Page, name: str = "z") -> list[float]:
    """The place that the address says."""
    return [float(text) for text in str(query(page, name)).split(",")]


def drag(page: Page, *places: tuple[float, float]) -> None:
    """Presses the button at the first place of the map, leads the pointer along the others, and lets go."""
    at = [place_on(page, "map", *place) for place in places]
    page.mouse.move(*at[0])
    page.mouse.down()
    for each in at[1:]:
        page.mouse.move(*each, steps=4)
    page.mouse.up()


def assert_pinned(page: Page, count: int, place: list[float], expected: np.ndarray) -> None:
    """That so many pins are there, the last of them chosen, its picture this one, in the row and large."""
    expect(tiles(page)).to_have_count(count)
    last = tiles(page).last
    expect(last).to_have_attribute("data-chosen", "true")
    assert np.abs(levels(last.locator("canvas")) - expected).max() <= 1
    expect(page.locator(".chosen")).to_contain_text(f"z = ({', '.join(map(format_number, place))})")
    assert np.abs(np.array(drawn(page)) - expected).max() <= 1


def past_double_click(page: Page) -> None:
    """Waits until the next click cannot be the second half of a double click."""
    page.evaluate("window.clickedBefore = performance.now()")
    page.wait_for_function("performance.now() - window.clickedBefore > 400")


def away(places: np.ndarray, known: Known) -> np.ndarray:
    """How far the nearest two test pictures are from each place: (N, 2) -> (N, 2), the nearest first."""
    distances = torch.cdist(torch.from_numpy(places.astype(np.float32)), torch.from_numpy(known.means))
    return distances.topk(2, largest=False).values.numpy()


def lonely(known: Known) -> int:
    """A test picture near the middle of the map, no 3, whose mean has no other near it."""
    near = np.flatnonzero((np.abs(known.means).max(axis=1) < 2) & (known.labels != 3))
    return int(near[away(known.means[near], known)[:, 1].argmax()])


def empty_place(known: Known) -> tuple[float, float]:
    """The emptiest place near the middle of the map."""
    grid = np.stack(np.meshgrid(np.linspace(-2.5, 2.5, 41), np.linspace(-2, 2, 41)), axis=-1).reshape(-1, 2)
    x, y = grid[away(grid, known)[:, 0].argmax()]
    return float(x), float(y)


def zoom_in(page: Page, turns: int) -> None:
    """Turns the wheel over the middle of the map."""
    page.mouse.move(*place_on(page, "map", *middle(page)))
    for _ in range(turns):
        page.mouse.wheel(0, -200)


def test_every_click_is_a_pin_and_a_double_click_is_none(shared: Server, page: Page, known: Known) -> None:
    open_map(page, shared.address())
    assert points(page, "map") == 10_000
    place = empty_place(known)
    click_at(page, "map", *place)
    expect(tiles(page)).to_have_count(1)
    clicked = place_in(page)
    assert clicked == pytest.approx(place, abs=0.02)  # a pixel
    assert_pinned(page, 1, clicked, decoded(known.model, clicked))

    index = lonely(known)
    mean: list[float] = known.means[index].tolist()
    for count in (2, 3):  # the same again
        click_at(page, "map", *mean)
        assert_pinned(page, count, mean, decoded(known.model, mean))
        assert (query(page, "index"), query(page, "z")) == (str(index), None)
        alt = f"The test picture {known.labels[index]} · #{index}"
        assert np.array_equal(np.array(drawn(page, alt)), known.images[index])
        past_double_click(page)
    click_at(page, "map", *place)
    assert_pinned(page, 4, clicked, decoded(known.model, clicked))
    assert page.get_by_alt_text("The test picture").count() == 0

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
    page.set_viewport_size({"width": 1000, "height": 900})
    ready(page, "map", revision + 1)
    zoom_in(page, 1)
    expect(page).to_have_url(re.compile("window="))
    page.mouse.dblclick(*place_on(page, "map", *middle(page)))
    expect(page).to_have_url(address)
    for low, high, axis in zip(ranges(page)[::2], ranges(page)[1::2], known.means.T, strict=True):
        assert low < axis.min() < axis.max() < high


def test_the_manifold_has_its_own_digits_at_every_zoom(shared: Server, page: Page, known: Known) -> None:
    open_map(page, f"{shared.address()}?layers=manifold")
    for _ in range(2):
        before = ranges(page)
        zoom_in(page, 10)
        page.wait_for_function(f"({RANGE_WIDTH})() < {0.4 * (before[1] - before[0])}")
        expect(page.locator(".latent-map-manifold")).to_have_attribute("data-pending", "0")
        x0, x1, y0, y1 = ranges(page)
        assert before[0] < x0 < x1 < before[1]
        for across, up in np.random.default_rng(1).uniform(0.15, 0.85, (12, 2)):
            z, shown = tile(page, x0 + across * (x1 - x0), y0 + up * (y1 - y0))
            assert np.abs(shown - decoded(known.model, z)).max() <= 1


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


def test_a_lasso_and_a_box_count_what_they_hold(shared: Server, page: Page, known: Known) -> None:
    open_map(page, shared.address())
    page.evaluate(SELECTIONS)
    page.get_by_role("button", name=re.compile(r"^3 \(")).click()
    expect(page.locator('[data-chart="map"]')).to_have_attribute("data-revision", "2")
    assert points(page, "map") == 10_000 - (known.labels == 3).sum()
    lasso = [(-1.5, -1.2), (1.5, -1.4), (1.6, 1.2), (0.3, -0.3), (-1.3, 1.5)]
    corners = select(page, "lasso", *lasso)
    within = inside(known.means, corners)
    held = within & (known.labels != 3)
    assert 0 < held.sum() < within.sum()
    expect(page.get_by_text(f"{held.sum():,} test pictures selected").first).to_be_visible()
    bars = page.locator(".class-bars").last.locator("td:last-child")
    expect(bars).to_have_text([f"{(known.labels[held] == label).sum():,}" for label in range(10)])
    both = page.locator('[data-tiles="region_means"] canvas')
    centre = decoded(known.model, known.means[held].mean(axis=0).tolist())
    assert np.abs(levels(both) - known.images[held].mean(axis=0)).max() <= 1
    assert np.abs(levels(both, 29) - centre).max() <= 1

    # A box small enough that all in it can be named; with shift held, too, it is all that is selected.
    x, y = known.means[lonely(known)].tolist()
    page.keyboard.down("Shift")
    corners = select(page, "select", (x - 0.12, y - 0.12), (x + 0.12, y + 0.12))
    page.keyboard.up("Shift")
    assert page.evaluate(SET_APART) == (inside(known.means, corners) & (known.labels != 3)).sum()
    held = inside(known.means, corners) & (known.labels != 3)
    assert 0 < held.sum() <= 50
    expect(page.get_by_text(re.compile(f"^{held.sum()} test pictures? selected")).first).to_be_visible()
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
    shared: Server, page: Page, browser: Browser, known: Known
) -> None:
    open_map(page, f"{shared.address()}?colour=KL&layers=points&layers=ellipses")
    page.evaluate(LOOKS)
    zoom_in(page, 4)
    expect(page).to_have_url(re.compile("window="))
    index = lonely(known)
    click_at(page, "map", *known.means[index].tolist())
    click_at(page, "map", *empty_place(known))
    expect(tiles(page)).to_have_count(2)
    tiles(page).first.locator("button").first.click()
    expect(tiles(page).first).to_have_attribute("data-chosen", "true")

    from_, to = (-1.2, 1.4), (1.3, 0.4)
    page.locator(".latent-map-plot").scroll_into_view_if_needed()
    page.keyboard.down("Shift")
    drag(page, from_, (0, 1.5), to)  # the way between says nothing
    page.keyboard.up("Shift")
    expect(page).to_have_url(re.compile("path="))
    expect(page.locator(".path-strip canvas[aria-label]")).to_have_count(1)
    expect(tiles(page)).to_have_count(2)
    ends = np.array(
        [[float(part) for part in text.split(",")] for text in str(query(page, "path")).split("_")]
    )
    assert ends == pytest.approx(np.array([from_, to]), abs=0.02)
    parts = np.linspace(0, 1, 13)[:, None]
    straight = (1 - parts) * ends[0] + parts * ends[1]
    assert np.abs(strip(page) - decoded(known.model, *straight.tolist())).max() <= 1

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
    assert (
        np.abs(
            levels(page.locator(".path-strip-large canvas")) - decoded(known.model, ends[1].tolist())
        ).max()
        <= 1
    )

    page.get_by_text("spherical", exact=True).click()
    expect(page).to_have_url(re.compile("way=spherical"))
    first, second = (np.arctan2(y, x) for x, y in ends)
    turned = first + parts * ((second - first + np.pi) % (2 * np.pi) - np.pi)
    radii = (1 - parts) * np.linalg.norm(ends[0]) + parts * np.linalg.norm(ends[1])
    spherical = decoded(known.model, *(radii * np.hstack((np.cos(turned), np.sin(turned)))).tolist())
    assert np.abs(spherical - decoded(known.model, *straight.tolist())).max() > 20
    for _ in range(100):
        if np.abs(strip(page) - spherical).max() <= 1:
            break
        next_frame(page)
    assert np.abs(strip(page) - spherical).max() <= 1

    context = browser.new_context(viewport={"width": 1400, "height": 900})
    other = context.new_page()
    open_map(other, page.url)
    expect(tiles(other)).to_have_count(2)
    expect(other.locator(".path-strip canvas[aria-label]")).to_have_count(1)
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
    assert drawn(other) == drawn(page)
    assert np.array_equal(strip(other), strip(page))
    place = middle(page)
    assert np.abs(pointed_at(other, *place)[1] - pointed_at(page, *place)[1]).max() <= 1
    context.close()


def test_the_keyboard_is_enough(shared: Server, page: Page, known: Known) -> None:
    open_map(page, f"{shared.address()}?layers=manifold")  # so that no point lies under the cursor
    page.evaluate(LOOKS)
    page.locator(".latent-map-plot").focus()
    seen = []
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        next_frame(page)
        for box in (".latent-map-tooltip", ".st-key-look .look-panel"):
            z, shown = digit(page.locator(box))
            assert np.abs(shown - decoded(known.model, z)).max() <= 0.51
        seen.append(z)
    (x, y), up, left, down = seen
    step = (ranges(page)[1] - ranges(page)[0]) / 50
    assert np.ravel([up, left, down]) == pytest.approx(
        [x, y + step, x - 5 * step, y + step, x - 5 * step, y], abs=1e-6
    )
    page.keyboard.press("Enter")
    expect(tiles(page)).to_have_count(1)
    assert place_in(page) == pytest.approx(down, abs=2e-3)  # a tenth of a pixel
    assert_pinned(page, 1, place_in(page), decoded(known.model, place_in(page)))
    height = page.locator(".chosen").evaluate(HEIGHT)
    for key in ("ArrowRight", "Enter", "ArrowUp"):  # the cursor stays, also where the answer comes later
        page.keyboard.press(key)
    expect(tiles(page)).to_have_count(2)
    settled(page)
    next_frame(page)
    z, _ = digit(page.locator(".latent-map-tooltip"))
    assert z == pytest.approx([down[0] + step, down[1] + step], abs=2e-3)
    expect(page.locator(".latent-map-tooltip")).to_be_visible()
    whole = ranges(page)
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("window="))
    assert ranges(page)[1] - ranges(page)[0] == pytest.approx(0.7 * (whole[1] - whole[0]), rel=0.02)
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("window="))
    page.keyboard.press("Escape")
    expect(page.locator(".latent-map-tooltip")).to_be_hidden()

    page.get_by_text("points", exact=True).click()
    page.wait_for_function(f"({COUNT})() === 10_000")
    page.locator(".latent-map-plot").focus()
    real = page.locator(".latent-map-tooltip canvas").nth(1)
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
    assert np.array_equal(levels(real), known.images[index])
    # Nothing moves: whether a place or a picture is pinned, and whatever the colours mean.
    expect(page.locator(".chosen")).to_contain_text("The test picture")
    assert page.locator(".chosen").evaluate(HEIGHT) == height
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
        count = 10_000 - np.isin(known.labels, list(hidden)).sum()
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


def test_a_map_that_is_left_and_comes_back(shared: Server, page: Page, known: Known) -> None:
    # A map that is left while Plotly is on its way is not drawn where nobody sees it.
    held: list[Route] = []
    page.route("**/plotly-*.js", lambda route: held.append(route))
    with page.expect_request("**/plotly-*.js"):
        page.goto(shared.address(), wait_until="commit")
    chart = page.locator(".latent-map-chart").element_handle()
    page.get_by_role("link", name="Reconstructions").first.click()
    expect(page.locator('[data-tiles="gallery"]')).to_be_visible()
    held[0].continue_()
    page.unroute("**/plotly-*.js")
    page.wait_for_function("window.Plotly")
    next_frame(page)
    assert chart.evaluate("(chart) => [chart.isConnected, '_fullLayout' in chart]") == [False, False]

    window = [0.5, 0.5 + 1e-12, 0.25, 0.25 + 1e-12]
    open_map(page, f"{shared.address()}?hide=3,x,10,99,3,0&window={','.join(map(str, window))}")
    count = 10_000 - np.isin(known.labels, [0, 3]).sum()
    page.wait_for_function(f"({COUNT})() === {count}")
    expect(page).to_have_url(re.compile("hide=0%2C3"))
    page.get_by_role("link", name="Reconstructions").first.click()
    expect(page.locator('[data-tiles="gallery"]')).to_be_visible()
    expect(page).not_to_have_url(re.compile("hide="))
    page.get_by_role("link", name="Latent space").first.click()
    ready(page, "map")
    page.wait_for_function(f"({COUNT})() === {count}")
    expect(page).to_have_url(re.compile("hide=0%2C3"))
    expect(page).to_have_url(re.compile("window="))
    assert 0 < ranges(page)[1] - ranges(page)[0] < 1e-11
    page.evaluate(SHOW, {"classes": [f"not {label}" for label in range(10)]})
    page.wait_for_function(f"({COUNT})() === 10000")
    expect(page).not_to_have_url(re.compile("hide="))


def test_a_finger_looks_and_a_tap_pins(shared: Server, browser: Browser, known: Known) -> None:
    context = browser.new_context(viewport={"width": 700, "height": 900}, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_map(page, shared.address())
    page.locator(".latent-map-plot").scroll_into_view_if_needed()
    before = ranges(page)
    fingers = context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        at = [dict(zip("xy", place_on(page, "map", *place), strict=True)) for place in places]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        next_frame(page)

    touch("touchStart", (-1, 0.5))
    for place in ((-0.5, 0.5), (0.5, 0), (1, -0.5)):
        touch("touchMove", place)
        z, shown = digit(page.locator(".latent-map-tooltip"))
        assert z == pytest.approx(place, abs=0.03)
        assert np.abs(shown - decoded(known.model, z)).max() <= 0.51
    touch("touchEnd")
    expect(page.locator(".latent-map-tooltip")).to_be_hidden()
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
    page.touchscreen.tap(*place_on(page, "map", *empty_place(known)))
    expect(tiles(page)).to_have_count(1)
    assert place_in(page) == pytest.approx(empty_place(known), abs=0.03)
    assert_pinned(page, 1, place_in(page), decoded(known.model, place_in(page)))
    z, _ = digit(page.locator(".latent-map-tooltip"))
    expect(page.locator(".latent-map-tooltip")).to_be_visible()
    assert z == pytest.approx(place_in(page), abs=0.03)
    context.close()
