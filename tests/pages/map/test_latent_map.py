"""The map in a real browser: what is drawn under the pointer, against torch; what happens on it."""

import re
import shutil
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, Route, expect

import vae
from tests.support.browser import (
    Server,
    Workshop,
    click_at,
    pixels,
    place_on,
    points,
    ready,
)
from tests.support.decoders import Visit
from tests.support.latent_page import (
    COUNT,
    IDLE,
    MAP,
    POINTED,
    POINTER,
    RANGE_WIDTH,
    SHOW,
    decoded,
    digit,
    middle,
    next_frame,
    open_map,
    place_at,
    pointed_at,
    ranges,
    settled,
    tile,
    zoom_in,
)
from tests.support.paths import BUNDLED
from tests.support.small_runs import TEST_IMAGES, save_model, small_config
from vae.datasets.registry import load
from vae.models.network import VAE
from vae.runs.catalogue import open_run
from vae.runs.run import Run
from vae.runs.titles import give_title

pytestmark = pytest.mark.browser

# Points that are asked for from now on come when they are released.
HOLD_POINTS = """() => {
    const released = new Promise((resolve) => (window.releasePoints = resolve));
    const { get } = window.pointsOfThisApp;
    window.pointsOfThisApp.get = (name) => released.then(() => get(name));
}"""

# The smallest and the largest coordinates of the map's points.
EXTENT = """async () => {
    const { xy } = await window.pointsOfThisApp.get(document.querySelector(".latent-map").dataset.points);
    const of = (most) => [0, 1].map((start) => most(...xy.filter((_, i) => i % 2 === start)));
    return [of(Math.min), of(Math.max)];
}"""


NO_WORKERS = """window.Worker = class {
    constructor() {
        if (sessionStorage.throws) throw new Error("No Workers here.");
    }
    set onerror(handler) {
        setTimeout(handler);
    }
    postMessage() {}
    terminate() {}
}"""
COUNT_WRITES = """(note) => {
    window.writes = 0;
    new MutationObserver((all) => (window.writes += all.length)).observe(note, { childList: true });
}"""


# Where the map's points lie, x and y in turn, and the colours of their classes.
PLACES = f"""() => {{
    const {{ points, data }} = {MAP};
    return [[...points.xy], [...points.labels].map((label) => data.colours[label])];
}}"""
# How many WebGL contexts the page asks for.
COUNT_WEBGL = """
window.contexts = 0;
for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
    const { getContext } = kind.prototype;
    kind.prototype.getContext = function (name, ...more) {
        if (name.includes("webgl")) window.contexts += 1;
        return getContext.call(this, name, ...more);
    };
}"""


# The same from the page's start.
POINTS_LATER = """
const released = new Promise((resolve) => (window.releasePoints = resolve));
const held = ({ get, keep }) => ({ keep, get: (name) => released.then(() => get(name)) });
let points;
Object.defineProperty(window, "pointsOfThisApp", {
    get: () => points,
    set: (value) => (points = held(value)),
    configurable: true,
});"""
# Where the plot is in the map, and how large, at each frame from the map's first to the page's last.
WATCH_BOX = """
window.boxes = new Set();
const look = () => {
    const map = document.querySelector(".latent-map[data-chart]");
    const plot = map?.querySelector(".latent-map-plot");
    if (plot) boxes.add([plot.offsetTop - map.offsetTop, plot.offsetWidth, plot.offsetHeight].join());
    requestAnimationFrame(look);
};
look();
"""


@pytest.fixture
def small_map(workshop: Workshop, trained: Run) -> str:
    """The address of the small run's map: 200 points, which are drawn in no time."""
    shutil.copytree(trained.path, workshop.runs / trained.name)
    return workshop.address()


def test_it_is_what_torch_draws_at_that_very_place(shared: Server, page: Page) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    open_map(page, shared.address())
    model = open_run(BUNDLED).load_model()
    pointed_at(page, 0, 0)
    assert sent  # by the page itself
    sent.clear()
    for x, y in np.random.default_rng(0).uniform((-4, -3), (4, 4), (20, 2)):
        z, levels = pointed_at(page, x, y)
        assert z == pytest.approx([x, y], abs=0.02)  # a pixel of the map
        assert np.abs(levels - decoded(model, z)).max() <= 0.51  # rounded
    assert sent == []  # nobody was asked
    page.mouse.move(5, 5)
    expect(page.locator(IDLE)).to_be_visible()


def test_it_leaves_the_map_to_clicks_and_drags(small_map: str, page: Page) -> None:
    open_map(page, small_map)
    place, end = place_at(page, 0.8, 0.8), place_at(page, 0.6, 0.9)
    pointed_at(page, *place)
    page.mouse.down()
    page.mouse.move(*place_on(page, "map", *end), steps=5)
    expect(page.locator(IDLE)).to_be_visible()
    page.mouse.up()
    z, _ = pointed_at(page, *place)  # the axes have moved with the drag
    assert z == pytest.approx(place, abs=0.02)
    page.mouse.click(*place_on(page, "map", *place))
    expect(page.locator(POINTED)).to_be_visible()  # without another move
    expect(page.locator(".pins-row-tile")).to_have_count(1)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("latent_dim", [1, 5])
def test_coordinates_that_the_map_does_not_show_are_those_of_the_chosen_place(
    latent_dim: int, workshop: Workshop, page: Page
) -> None:
    run = vae.train(small_config(latent_dim=latent_dim, epochs=1), workshop.runs)
    model = run.load_model()
    chosen = [0.5, -1.0, 2.0, -0.25, 1.5][:latent_dim]
    sentence = (
        "The map shows z₁ and, upwards, the log-variance of its posterior"
        if latent_dim == 1
        else "the other 3 coordinates are those of the chosen point"
    )
    # Without the points, of which one may lie where is clicked.
    address = f"?run={run.name}&x=z₁&y=z₂&layers=manifold&z={','.join(map(str, chosen))}"
    open_map(page, workshop.address(address))
    expect(page.get_by_text(sentence)).to_be_visible()
    x, y = middle(page)
    z, levels = pointed_at(page, x, y)
    page.mouse.click(*place_on(page, "map", x, y))
    expect(page.locator(".pins-row-tile")).to_have_count(2)
    clicked = [float(text) for text in parse_qs(urlsplit(page.url).query)["z"][0].split(",")]
    after, _ = pointed_at(page, x, y)
    # An arrow begins at the chosen place, on a line half way up: the map stays where it is.
    seen = ranges(page)
    page.locator(".latent-map-plot").press("ArrowRight")
    next_frame(page)
    moved, _ = digit(page.locator(POINTER))
    assert moved[0] == pytest.approx(clicked[0] + (seen[1] - seen[0]) / 50, abs=1e-5)
    assert moved[1:] == pytest.approx(clicked[1:], abs=1e-5)
    assert ranges(page) == seen
    # Other pictures lie elsewhere: the whole map is the whole of these.
    test_points = page.locator(".latent-map").get_attribute("data-points")
    page.get_by_role("radio", name="training", exact=True).click()
    expect(page.locator(".latent-map")).not_to_have_attribute("data-points", str(test_points))
    ready(page, "map", 2)
    x0, x1, y0, y1 = ranges(page)
    low, high = page.evaluate(EXTENT)
    assert x0 < low[0] < high[0] < x1
    assert y0 < low[1] < high[1] < y1
    margins = [0.05 * (most - least) for least, most in zip(low, high, strict=True)]
    reaches = [3.5, 3.5 if latent_dim > 1 else -np.inf]  # at least
    wanted = [
        max(most + margin, reach) - min(least - margin, -reach)
        for least, most, margin, reach in zip(low, high, margins, reaches, strict=True)
    ]
    assert max(wanted[0] / (x1 - x0), wanted[1] / (y1 - y0)) == pytest.approx(1, rel=0.02)
    page.locator(".latent-map-plot").press("+")
    expect(page).to_have_url(re.compile("window="))
    page.locator(".latent-map-plot").press("0")
    expect(page).not_to_have_url(re.compile("window="))
    assert ranges(page) == pytest.approx([x0, x1, y0, y1], abs=0.05)
    assert len(z) == latent_dim
    assert z[:2] == pytest.approx([x, y][:latent_dim], abs=0.02)
    assert z[2:] == chosen[2:]
    assert np.abs(levels - decoded(model, z)).max() <= 0.51
    assert clicked == pytest.approx(z, abs=2e-3)  # a tenth of a pixel; and what the map does not show
    assert clicked[2:] == z[2:]
    assert after == pytest.approx(z, rel=1e-6)  # the plane through the new place is the same


def test_another_run_brings_its_own_decoder(workshop: Workshop, page: Page, trained: Run) -> None:
    shutil.copytree(trained.path, workshop.runs / "first")
    other = shutil.copytree(trained.path, workshop.runs / "second")
    torch.manual_seed(0)
    run = open_run(other)
    give_title(run, "second")
    model = VAE(run.config).eval()
    save_model(run.model_path, model, run.config, 1, 0.1)
    open_map(page, workshop.address("?run=first"))
    first = page.locator(".latent-map").get_attribute("data-decoder")
    page.evaluate(HOLD_POINTS)
    page.get_by_role("combobox", name="Run").click()
    page.get_by_role("option", name="second").click()
    expect(page.locator(".latent-map")).not_to_have_attribute("data-decoder", str(first))
    # The map of the first is on screen still: nothing is drawn there, and nothing is pinned.
    page.mouse.click(*place_on(page, "map", *middle(page)))
    next_frame(page)
    expect(page.locator(IDLE)).to_be_visible()
    page.evaluate("window.releasePoints()")
    ready(page, "map", 2)
    expect(page.locator(POINTED)).to_be_visible()  # without another move
    x0, x1, y0, y1 = ranges(page)
    page.mouse.click(*place_on(page, "map", 0.7 * x0 + 0.3 * x1, 0.7 * y0 + 0.3 * y1))
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    settled(page)
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    z, levels = pointed_at(page, *middle(page))
    with torch.no_grad():
        assert np.abs(levels - decoded(model, z)).max() <= 0.51


def test_a_click_that_meets_newer_weights_is_answered_with_them(
    workshop: Workshop, page: Page, trained: Run
) -> None:
    run = open_run(shutil.copytree(trained.path, workshop.runs / "mine"))
    open_map(page, workshop.address("?run=mine"))
    first = page.locator(".latent-map").get_attribute("data-decoder")
    model = run.load_model()
    model.decoder.linear("logits").bias.add_(0.5)
    save_model(run.model_path, model, run.config, 1, 0.1)
    page.mouse.click(*place_on(page, "map", *middle(page)))
    expect(page.locator(".latent-map")).not_to_have_attribute("data-decoder", str(first))
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    z, levels = pointed_at(page, *middle(page))
    assert np.abs(levels - decoded(model, z)).max() <= 0.51


def test_the_way_back_to_the_whole_map_is_always_the_same(small_map: str, page: Page) -> None:
    open_map(page, small_map)
    whole = ranges(page)
    for across in (0.7, 0.3):
        page.mouse.move(*place_on(page, "map", *place_at(page, across, 0.5)))
        for _ in range(5):
            page.mouse.wheel(0, -100)
        expect(page).to_have_url(re.compile("window="))
        page.locator(".latent-map-plot").press("0")
        expect(page).not_to_have_url(re.compile("window="))
        assert ranges(page) == pytest.approx(whole, abs=0.1)  # numbers at an axis take more or less room


def test_what_has_not_changed_does_not_travel_again(small_map: str, page: Page) -> None:
    visitor = Visit(page, {})
    open_map(page, small_map)
    page.mouse.click(*place_on(page, "map", *place_at(page, 0.8, 0.8)))
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    page.wait_for_timeout(700)
    costs = [visitor.costs(lambda: page.keyboard.press("r"), "z = (") for _ in range(2)]
    assert 1000 < costs[-1] < 10_000  # bytes of a run of the whole page


@pytest.mark.usefixtures("small")
def test_a_map_that_is_left_and_comes_back(small_map: str, page: Page) -> None:
    labels = load("mnist", train=False).labels
    # A map that is left while Plotly is on its way is not drawn where nobody sees it.
    held: list[Route] = []
    page.route("**/plotly-*.js", lambda route: held.append(route))
    with page.expect_request("**/plotly-*.js"):
        page.goto(small_map, wait_until="commit")
    chart = page.locator(".latent-map-chart").element_handle()
    page.wait_for_function("window.plotlyOfThisApp !== undefined")  # not only the preload of its file
    page.get_by_role("link", name="Reconstructions").first.click()
    expect(page.locator('[data-tiles="gallery"]')).to_be_visible()
    for route in held:
        route.continue_()
    page.unroute("**/plotly-*.js")
    page.wait_for_function("window.Plotly")
    next_frame(page)
    assert chart.evaluate("(chart) => [chart.isConnected, '_fullLayout' in chart]") == [False, False]

    window = [0.5, 0.5 + 1e-12, 0.25, 0.25 + 1e-12]
    open_map(page, f"{small_map}?hide=3,x,10,99,3,0&window={','.join(map(str, window))}")
    count = TEST_IMAGES - np.isin(labels, [0, 3]).sum()
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
    # A link that names an empty window, as those of lessons do, leads to the whole map.
    page.get_by_role("link", name="Reconstructions").first.click()
    expect(page.locator('[data-tiles="gallery"]')).to_be_visible()
    page.evaluate(
        "(url) => { history.pushState(null, '', url); dispatchEvent(new PopStateEvent('popstate')); }",
        f"{small_map}?window=",
    )
    ready(page, "map")
    page.wait_for_function(f"({COUNT})() === {count}")
    assert ranges(page)[1] - ranges(page)[0] > 1
    expect(page).not_to_have_url(re.compile("window="))
    page.evaluate(SHOW, {"classes": [f"not {label}" for label in range(10)]})
    page.wait_for_function(f"({COUNT})() === {TEST_IMAGES}")
    expect(page).not_to_have_url(re.compile("hide="))


def test_the_manifold_has_its_own_digits_at_every_zoom(small_map: str, page: Page, trained: Run) -> None:
    model = trained.load_model()
    open_map(page, f"{small_map}?layers=manifold")
    for _ in range(2):
        before = ranges(page)
        zoom_in(page, 10)
        page.wait_for_function(f"({RANGE_WIDTH})() < {0.4 * (before[1] - before[0])}")
        expect(page.locator(".latent-map-manifold")).to_have_attribute("data-pending", "0")
        x0, x1, y0, y1 = ranges(page)
        assert before[0] < x0 < x1 < before[1]
        for across, up in np.random.default_rng(1).uniform(0.15, 0.85, (12, 2)):
            z, shown = tile(page, x0 + across * (x1 - x0), y0 + up * (y1 - y0))
            assert np.abs(shown - decoded(model, z)).max() <= 1


def test_a_map_without_a_manifold_says_why_and_one_without_plotly_too(
    workshop: Workshop, page: Page, trained: Run
) -> None:
    shutil.copytree(trained.path, workshop.runs / trained.name)
    # Some browsers refuse Workers by throwing, and others by an event.
    page.add_init_script(NO_WORKERS)
    page.goto(workshop.address())
    note = page.locator(".latent-map-note")
    for throws in ("", "yes"):
        page.evaluate("(throws) => (sessionStorage.throws = throws)", throws)
        open_map(page, workshop.address())
        expect(note).to_have_text(
            "This browser cannot decode in the background: the map has no decoded grid."
        )
        assert points(page, "map") == TEST_IMAGES
        note.evaluate(COUNT_WRITES)
        revision = int(str(page.locator(".latent-map").get_attribute("data-revision")))
        page.set_viewport_size({"width": 1400, "height": 700 if throws else 800})
        ready(page, "map", revision + 1)
        assert page.evaluate("window.writes") == 0  # it would be read out again
    page.route("**/plotly-*.js", lambda route: route.abort())
    page.goto(workshop.address())
    expect(note).to_have_text(
        re.compile("^This map cannot be drawn. Plotly cannot be loaded from .+. Reload the page")
    )


def test_nonsense_in_the_address_leaves_a_map_that_holds_all_points(
    workshop: Workshop, page: Page, trained: Run
) -> None:
    shutil.copytree(trained.path, workshop.runs / trained.name)
    open_map(page, f"{workshop.address()}?z=abc&colour=nonsense&window=1,nonsense&layers=points")
    expect(page.get_by_text("is no z here")).to_be_visible()
    x0, x1, y0, y1 = ranges(page)
    low, high = page.evaluate(EXTENT)
    assert x0 < low[0] < high[0] < x1
    assert y0 < low[1] < high[1] < y1
    model = trained.load_model()
    place = 0.2 * x0 + 0.8 * x1, 0.2 * y0 + 0.8 * y1  # where no point is
    z, shown = pointed_at(page, *place)
    assert np.abs(shown - decoded(model, z)).max() <= 0.51
    click_at(page, "map", *place)
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"z=-?\d"))
    assert np.abs(digit(page.locator(".look-chosen"))[1] - decoded(model, z)).max() <= 1


def open_close_to_points(page: Page, address: str) -> None:
    """Opens a map without decoded grid, whose window is as large as what its points take."""
    open_map(page, f"{address}?layers=points")
    low, high = np.array(page.evaluate(EXTENT))
    margin = 0.05 * (high - low)
    (x0, y0), (x1, y1) = low - margin, high + margin
    open_map(page, f"{address}?layers=points&window={x0},{x1},{y0},{y1}")


def test_points_are_dots_in_their_colours_where_they_lie_and_no_webgl_is_needed(
    small_map: str, page: Page
) -> None:
    page.add_init_script(COUNT_WEBGL)
    open_close_to_points(page, small_map)
    x0, x1, y0, y1 = ranges(page)
    places, colours = (np.array(each) for each in page.evaluate(PLACES))
    shares = (places.reshape(-1, 2) - (x0, y1)) / (x1 - x0, y0 - y1)  # from the upper left corner
    picture = pixels(page.locator(".latent-map-points"))
    columns, rows = (shares * picture.shape[1::-1]).T.astype(int)
    away = np.linalg.norm((shares[:, None] - shares) * picture.shape[1::-1], axis=2)
    alone = np.sort(away, axis=1)[:, 1] > 5  # pixels: a dot has four
    assert alone.sum() >= 5
    seen = picture[rows[alone], columns[alone]]
    expected = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours[alone]])
    assert np.abs(seen[:, :3] - expected).max() <= 3
    assert (seen[:, 3] > 100).all()
    # Plotly has the same points, in one trace for each class.
    assert points(page, "map") == TEST_IMAGES
    assert page.evaluate("window.contexts") == 0


def test_points_are_set_apart_while_an_area_is_selected(small_map: str, page: Page) -> None:
    open_close_to_points(page, small_map)
    x0, x1, y0, y1 = ranges(page)
    middle_x = (x0 + x1) / 2
    page.evaluate(SHOW, {"region": [[x0, y0], [middle_x, y0], [middle_x, y1], [x0, y1]]})
    next_frame(page)
    opacity = pixels(page.locator(".latent-map-points"))[:, :, 3]
    half = opacity.shape[1] // 2
    within, outside = opacity[:, : half - 5], opacity[:, half + 5 :]
    assert 0 < np.median(outside[outside > 0]) < 0.4 * np.median(within[within > 0])


def test_a_map_that_is_moved_draws_its_points_and_leaves_the_figure(small_map: str, page: Page) -> None:
    open_map(page, f"{small_map}?layers=points")
    revision = page.locator(".latent-map").get_attribute("data-revision")
    sizes = []
    for _ in range(3):
        zoom_in(page, 4)
        expect(page).to_have_url(re.compile("window="))
        sizes.append(page.evaluate(f"{MAP}.dots.mark.size"))
    assert sizes == sorted(set(sizes))  # the closer, the larger
    assert page.locator(".latent-map").get_attribute("data-revision") == revision


def test_the_map_has_its_final_place_and_size_before_its_points_are_there(small_map: str, page: Page) -> None:
    page.set_viewport_size({"width": 700, "height": 900})  # where the classes take two rows
    page.add_init_script(WATCH_BOX)
    page.add_init_script(POINTS_LATER)
    page.goto(small_map, wait_until="commit")
    page.wait_for_function("window.boxes.size > 0")
    next_frame(page)
    page.evaluate("releasePoints()")
    ready(page, "map")
    next_frame(page)
    assert page.evaluate("boxes.size") == 1
