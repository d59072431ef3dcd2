"""The HTML file of a run, opened from the disk in browsers without a network."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Page, expect

from pages.components.explore.page_file import PageContent, page_file
from pages.components.map.pin_urls import place_text
from pages.components.runs import loaded_model
from pages.components.runs.loaded_model import LoadedModel
from pages.components.stores.points import map_points
from tests.pages.map.test_time_machine import model_of
from tests.support.browser import READY, Scripted, pixels, place_on, wait_until
from tests.support.latent_page import MAP, TIMELINE, place_at
from tests.support.other_browsers import FIREFOX, WEBKIT, OtherBrowser, Tab
from vae import __version__
from vae.inference.paths import spherical
from vae.inference.scored_set import nearest_images
from vae.models.network import VAE
from vae.runs.checkpoints import load_snapshot
from vae.runs.run import Run

pytestmark = pytest.mark.browser
MARKUP = "<img src=x onerror=document.title='run'></script><script>document.title='run'</script>"


@pytest.fixture
def opened(page: Page) -> Iterator[Page]:
    """A tab without a network; as every tab it fails its test if it asks anything of another host."""
    page.context.set_offline(True)
    yield page
    page.context.set_offline(False)


def save(path: Path, data: Path, *runs: Run, address: str | None = None, **content: object) -> str:
    """Makes a file, of a project that has an address on the web or none; returns its own address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(data))
        patch.setattr("pages.components.explore.page_file.project_address", lambda: address)
        patch.setattr("pages.components.explore.page_document.PART", 20_000)  # small files have several, too
        path.write_bytes(page_file(runs, PageContent(**content)))  # type: ignore[arg-type]
    return path.as_uri()


def loaded_on(data: Path, run: Run) -> LoadedModel:
    """A run as the app loads it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(data))
        return loaded_model.load(run)


def wait_for(page: Scripted, expression: str, arg: object = None) -> None:
    """As Playwright's `wait_for_function`, which the file's policy does not let evaluate text in the page."""
    wait_until(lambda: page.evaluate(expression, arg))


def shown(page: Scripted, chart: str = "map") -> None:
    """Waits until a chart is drawn."""
    wait_for(page, READY, [chart, 1])


CONTROL = re.compile(
    r"^\s*- '?(button|checkbox|combobox|link|radio|slider|spinbutton|switch|textbox)\b(?! \"[^\"])", re.M
)


def use_by_keyboard(page: Page) -> None:
    """Opens the file anew, and explores its five dimensions without a pointer."""
    page.mouse.move(0, 0)  # away from the map
    page.reload()
    shown(page)
    expect(page.get_by_role("button", name="Path between pins")).to_be_disabled()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the map")).to_be_focused()
    for keys in (["Enter", "ArrowRight", "ArrowUp"], ["ArrowRight"] * 3):
        for key in keys:
            page.keyboard.press(key)
        expect(page.locator(".look-pointer")).to_contain_text("At the cursor")
        page.keyboard.press("Enter")
    expect(page.locator(".pins-row-tile")).to_have_count(2)
    expect(page.locator(".look-panel-spoken")).to_have_attribute("role", "status")
    page.get_by_role("button", name="Path between pins").press("Enter")
    page.get_by_role("slider", name="Point on the path").press("ArrowRight")
    expect(page.locator(".look-pointer")).to_contain_text("On the path")
    slider = page.get_by_role("slider", name="z₂ slider")
    slider.press("Home")
    expect(page.locator(".look-pointer")).to_contain_text("At the sliders")
    slider.press("Tab")
    snapshot = page.locator("body").aria_snapshot()
    assert CONTROL.findall(snapshot) == []
    assert snapshot.count("[level=1]") == 1
    page.get_by_role("button", name="Remove the path").press("Enter")
    expect(page.get_by_role("button", name="Path between pins")).to_be_focused()


def under_pointer(page: Scripted, number: int = 0) -> tuple[list[float], npt.NDArray[np.int64]]:
    """z under the pointer, and the values that are drawn, of the first or another explorer."""
    z, levels = page.evaluate(
        """(number) => {
            const card = document.querySelectorAll(".look-pointer")[number];
            const { data } = card.querySelector("canvas").getContext("2d").getImageData(0, 0, 28, 28);
            return [JSON.parse(card.dataset.z), [...data].filter((_, i) => i % 4 === 0)];
        }""",
        number,
    )
    return z, np.array(levels).reshape(28, 28)


def assert_decoded(page: Scripted, model: VAE, x: float, y: float, number: int = 0) -> None:
    """Waits until the place at the pointer is drawn, and compares it with torch."""
    wait_for(
        page,
        """([number, x, y]) => {
            const { z } = document.querySelectorAll(".look-pointer")[number].dataset;
            const [a, b] = JSON.parse(z ?? "[9, 9]");
            return Math.hypot(a - x, b - y) < 0.05;
        }""",
        [number, x, y],
    )
    z, levels = under_pointer(page, number)
    with torch.no_grad():
        expected = 255 * model.decode(torch.tensor([z]))[0].numpy().reshape(28, 28)
    assert np.abs(levels - expected).max() <= 1


def lonely(means: npt.NDArray[np.float32]) -> list[float]:
    """Of points (N, 2) the one that is farthest from all others."""
    distances = np.linalg.norm(means[:, None] - means, axis=2)
    np.fill_diagonal(distances, np.inf)
    return means[distances.min(1).argmax()].tolist()


def test_a_file_explores_a_run(opened: Page, small_data: Path, trained: Run, tmp_path: Path) -> None:
    page = opened
    text = f"First line.\n\n{MARKUP}"
    home = "https://example.org/vae"
    content = {"title": MARKUP, "text": text, "pictures": True}
    page.goto(save(tmp_path / "one.html", small_data, trained, address=home, **content))
    shown(page)
    expect(page.get_by_text("This needs JavaScript")).to_have_count(0)
    expect(page.get_by_role("link", name=f"VAE playground {__version__}")).to_have_attribute("href", home)
    expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    expect(page.locator("header p")).to_have_text(["First line.", MARKUP])
    assert page.title() == MARKUP
    model = trained.load_model()
    generator = np.random.default_rng(0)
    for x, y in generator.uniform(-2, 2, (20, 2)):
        page.mouse.move(*place_on(page, "map", x, y))
        assert_decoded(page, model, x, y)

    # A point and a place between the points are pinned; a path leads from one to the other.
    scores = trained.saved_model().scores
    assert scores is not None
    x, y = (float(value) for value in scores.mean[3])
    page.mouse.click(*place_on(page, "map", x, y))
    expect(page.locator(".look-chosen")).to_contain_text("Test image")
    expect(page.locator(".look-chosen figcaption canvas")).to_be_visible()  # the real one
    page.mouse.click(*place_on(page, "map", 3.2, 3.2))
    expect(page.locator(".look-chosen")).to_contain_text("Free point")
    expect(page.locator(".pins-row-tile")).to_have_count(2)
    z = json.loads(page.locator(".look-chosen").get_attribute("data-z") or "")
    ends = f"_i3_z={place_text(scores.mean[3])}", f"_z={place_text(np.array(z, np.float32))}"
    for number, end in enumerate(ends):
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as PNG").nth(number).click()
        assert saved.value.suggested_filename == f"{trained.name}{end}.png"
    page.get_by_role("button", name="Path between pins").click()
    page.get_by_role("combobox", name="Way").select_option("spherical")
    pinned = [page.locator(".pins-row-tile").nth(k).locator("button").first for k in (0, 1)]
    for each in pinned:
        expect(each).to_be_visible()
    page.get_by_role("slider", name="Point on the path").fill("50")
    expect(page.locator(".look-pointer")).to_contain_text("On the path")
    z, _ = under_pointer(page)
    data = page.evaluate("document.querySelector('.path-strip').closest('.part').pathStrip.data.places")
    first, last = (np.array(data[k], np.float32) for k in (0, -1))
    np.testing.assert_allclose(data, spherical(first, last, 61), atol=1e-6)
    np.testing.assert_allclose(z, data[30], atol=1e-6)
    page.locator(".path-strip-row canvas").last.click()
    expect(page.locator(".path-strip-place")).to_contain_text("100 % of the way")

    # A lasso counts what it holds by class; a class of the name 9 is told from its count.
    page.locator('.modebar-btn[data-val="lasso"]').click()
    corners = [place_on(page, "map", x, y) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -0.9))]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    said = page.get_by_text(re.compile(r"^\d+ test images selected: (\d \(\d+\), )*\d \(\d+\)\.$"))
    expect(said).to_be_visible()
    page.get_by_role("button", name="Remove the selection").press("Enter")
    expect(said).to_have_count(0)
    expect(page.get_by_role("button", name="Remove the selection")).to_have_count(0)
    expect(page.locator(".latent-map-plot")).to_be_focused()
    wait_for(page, f"() => {MAP}.selected === null")

    # The time machine plays from the first moment to the newest weights.
    page.get_by_role("button", name="Play the moments").click()
    wait_for(page, f"{TIMELINE}.position === {TIMELINE}.last && !{TIMELINE}.playback.moving")
    page.get_by_role("button", name="One moment back").click()
    expect(page.locator(".latent-map[data-past]")).to_have_count(1)
    shown(page, "curves")

    # The nearest real images of the chosen place, as the app finds them; a click pins one.
    test = loaded_on(small_data, trained).test
    place = np.array(json.loads(page.locator(".look-chosen").get_attribute("data-z") or ""), np.float32)
    nearest, _ = nearest_images(test, place, 6)
    tiles = page.locator(".tile")
    assert [int(each.get_attribute("data-number") or "") for each in tiles.all()] == nearest.tolist()
    np.testing.assert_array_equal(pixels(tiles.first.locator("canvas"))[..., 0], test.images[nearest[0]])
    tiles.first.click()
    expect(page.locator(".pins-row-tile")).to_have_count(3)
    expect(page.locator(".look-chosen")).to_contain_text(f"#{nearest[0]}")

    page.get_by_text("Settings and data").click()
    expect(page.get_by_role("row", name="Latent dimension")).to_contain_text("2")


def test_a_file_of_five_dimensions_has_planes_and_sliders(
    opened: Page, small_data: Path, wide: Run, tmp_path: Path
) -> None:
    page = opened
    page.goto(save(tmp_path / "wide.html", small_data, wide))
    shown(page)
    expect(page.locator("footer")).to_contain_text(f"Made with VAE playground {__version__}.")
    expect(page.get_by_role("link")).to_have_count(0)
    before = page.locator('[data-chart="map"]').get_attribute("data-points")
    names = page.get_by_role("combobox", name="Across").locator("option").all_inner_texts()
    assert sorted(names) == ["z₁", "z₂", "z₃", "z₄", "z₅"]
    page.get_by_role("combobox", name="Across").select_option("z₁")
    page.get_by_role("combobox", name="Upwards").select_option("z₅")
    expect(page.locator(f'[data-chart="map"]:not([data-points="{before}"])')).to_have_count(1)
    page.mouse.click(*place_on(page, "map", 0.5, 3))
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    z = json.loads(page.locator(".look-chosen").get_attribute("data-z") or "")
    assert (z[0], z[4]) == pytest.approx((0.5, 3), abs=0.05)
    number = page.get_by_role("spinbutton", name="z₂")
    number.fill("-0.0022010803")
    assert number.evaluate("field => field.scrollWidth <= field.clientWidth")  # all of it is visible
    page.get_by_role("slider", name="z₂ slider").fill("1.5")
    expect(page.locator(".look-pointer")).to_contain_text("At the sliders")
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.locator(".pins-row-tile")).to_have_count(2)
    z = json.loads(page.locator(".look-chosen").get_attribute("data-z") or "")
    assert (z[0], z[1], z[4]) == pytest.approx((0.5, 1.5, 3), abs=0.05)

    # Principal components: the points lie where the app has them, and a click leads to the same plane.
    loaded = loaded_on(small_data, wide)
    dimensions = loaded_model.dimensions(wide, loaded)
    principal = dimensions.principal
    assert principal is not None
    page.get_by_role("combobox", name="The map shows").select_option("principal components")
    page.get_by_role("combobox", name="Other coordinates fixed at").select_option("the mean")
    expect(page.get_by_role("combobox", name="Across")).to_be_disabled()
    expect(page.locator(".explorer-note")).to_contain_text(f"The map shows {principal.shown}.")
    expect(page.locator('[data-chart="map"][data-points$="principal components"]')).to_have_count(1)
    expected = map_points(loaded.test, principal)
    for name in ("xy", "covariance"):
        drawn = page.evaluate(f"[...{MAP}.newest.points.{name}]")
        np.testing.assert_allclose(drawn, getattr(expected, name).ravel(), rtol=1e-5, atol=1e-5)
    wait_for(page, f"{MAP}.current")
    x, y = place_at(page, 0.95, 0.95)
    page.mouse.click(*place_on(page, "map", x, y))
    expect(page.locator(".pins-row-tile")).to_have_count(3)
    expect(page.locator(".look-chosen")).to_contain_text("Free point")
    expect(page.locator(".look-chosen")).to_contain_text("PC 1")
    z = np.array(json.loads(page.locator(".look-chosen").get_attribute("data-z") or ""), np.float32)
    plane = principal.through(dimensions.mean)
    (place,) = plane.coordinates(z[None])
    np.testing.assert_allclose(place, (x, y), atol=0.05)
    np.testing.assert_allclose(plane.at(*place), z, atol=1e-4)
    use_by_keyboard(page)


def test_a_file_of_two_runs_has_both_maps_under_one_pointer(
    opened: Page, small_data: Path, trained: Run, convolved: Run, tmp_path: Path
) -> None:
    page = opened
    page.goto(save(tmp_path / "two.html", small_data, trained, convolved))
    for chart in ("map", "map1"):
        shown(page, chart)
    page.mouse.move(*place_on(page, "map", 1, 1))
    for k, run in enumerate((trained, convolved)):
        expect(page.locator(".look-pointer").nth(k)).to_contain_text("Under the pointer")
        assert_decoded(page, run.load_model(), 1, 1, k)

    # What is pinned on one map is pinned on both: a test image, or a place.
    chosen = page.locator(".look-chosen")
    means = [run.saved_model().scores.mean for run in (trained, convolved)]  # type: ignore[union-attr]
    page.mouse.click(*place_on(page, "map1", *lonely(means[1])))
    tiles = [page.locator(".explorer").nth(k).locator(".pins-row-tile") for k in (0, 1)]
    for k in (0, 1):
        expect(chosen.nth(k)).to_contain_text(re.compile(r"Test image .*#\d+"))
    (name,) = {found.group() for text in chosen.all_inner_texts() if (found := re.search(r"#\d+", text))}
    for mean, card in zip(means, chosen.all(), strict=True):
        assert json.loads(card.get_attribute("data-z") or "") == mean[int(name[1:])].tolist()
    page.mouse.click(*place_on(page, "map", 3.1, 3.1))
    for k in (0, 1):
        expect(chosen.nth(k)).to_contain_text("Free point")
        expect(tiles[k]).to_have_count(2)
    assert len({card.get_attribute("data-z") for card in chosen.all()}) == 1
    page.mouse.dblclick(*place_on(page, "map", -3.1, 3.1))  # shows the whole map, and pins nothing
    for k in (0, 1):
        expect(tiles[k]).to_have_count(2)
    tiles[1].last.get_by_role("button", name="Remove").click()
    for k in (0, 1):
        expect(tiles[k]).to_have_count(1)
        expect(chosen.nth(k)).to_contain_text(name)

    # One set of controls is that of both; a legend hides classes on both.
    page.locator(".latent-map-legend").first.get_by_role("button", name=re.compile("^1")).click()
    expect(page.locator('.latent-map-legend button[aria-pressed="false"]')).to_have_count(2)
    page.get_by_role("combobox", name="Colour by").select_option("loss")
    expect(page.locator(".latent-map-scale")).to_have_count(2)
    page.get_by_role("checkbox", name="points").uncheck()
    expect(page.locator(".latent-map-points:visible")).to_have_count(0)
    slider = page.get_by_role("slider", name="Moment of the training")
    slider.first.press("Home")
    expect(page.locator(".latent-map[data-past]")).to_have_count(2)
    page.get_by_role("checkbox", name="Both at the same epoch").uncheck()
    slider.first.press("End")
    expect(page.locator(".latent-map[data-past]")).to_have_count(1)


def test_a_place_is_pinned_on_the_map_of_another_size_only_as_a_test_image(
    opened: Page, small_data: Path, trained: Run, wide: Run, tmp_path: Path
) -> None:
    page = opened
    page.goto(save(tmp_path / "sizes.html", small_data, trained, wide, moments=1))
    for chart in ("map", "map1"):
        shown(page, chart)
    chosen = page.locator(".look-chosen")
    page.mouse.click(*place_on(page, "map", 3.1, 3.1))
    expect(chosen.first).to_contain_text("Free point")
    expect(chosen.last).to_be_hidden()
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    page.mouse.click(*place_on(page, "map", *lonely(loaded_on(small_data, trained).test.means)))
    for k in (0, 1):
        expect(chosen.nth(k)).to_contain_text("Test image")
    expect(page.locator(".pins-row-tile")).to_have_count(3)


def test_a_file_works_in_a_frame_of_another_site(
    page: Page, small_data: Path, trained: Run, tmp_path: Path
) -> None:
    path = tmp_path / "framed.html"
    save(path, small_data, trained, moments=2)
    page.route("http://localhost:8/latent.html", lambda route: route.fulfill(path=path))
    frames = [
        f'<iframe src="http://localhost:8/latent.html" width="1200" height="900" {sandbox}></iframe>'
        for sandbox in ("", 'sandbox="allow-scripts"')  # with which there is no storage
    ]
    host = f"<!doctype html><link rel=icon href=data:,>{''.join(frames)}"
    page.route("http://localhost:9/", lambda route: route.fulfill(body=host, content_type="text/html"))
    page.goto("http://localhost:9/")
    for number in (0, 1):
        inside = page.frame_locator("iframe").nth(number)
        plot = inside.locator(".latent-map-plot")
        expect(inside.locator(".latent-map[data-ready]")).to_have_count(1)
        expect(inside.locator(".latent-map-manifold")).to_be_visible()
        plot.hover(position={"x": 200, "y": 200})
        expect(inside.locator(".look-pointer")).to_contain_text("Under the pointer")
        plot.click(position={"x": 200, "y": 200})
        expect(inside.locator(".pins-row-tile")).to_have_count(1)
        inside.locator(".latent-map-legend button").first.click()
        expect(inside.locator('.latent-map-legend button[aria-pressed="false"]')).to_have_count(1)
        inside.get_by_role("button", name="One moment back").click()
        expect(inside.locator(".latent-map[data-past]")).to_have_count(1)


@pytest.fixture(params=(FIREFOX, WEBKIT), ids=lambda browser: browser.name)
def tab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of another browser; a test fails if its page logs an error, or asks a host for anything."""
    browser: OtherBrowser = request.param
    if not browser.found():
        assert not browser.required, browser.missing
        pytest.skip(browser.missing)
    with browser.open(tmp_path_factory.mktemp("profile")) as tab:
        yield tab
        assert tab.troubles() == []


def test_a_file_explores_a_run_in_other_browsers(
    tab: Tab, small_data: Path, trained: Run, tmp_path: Path
) -> None:
    tab.goto(save(tmp_path / "one.html", small_data, trained, pictures=True))
    shown(tab)
    for x, y in np.random.default_rng(0).uniform(-2, 2, (5, 2)):
        tab.move(*place_on(tab, "map", x, y))
        assert_decoded(tab, trained.load_model(), x, y)

    # Two places are pinned, and their path is followed by the images along it.
    for count, (x, y) in enumerate(((-3.2, 1), (3.2, 2)), 1):
        tab.click(*place_on(tab, "map", x, y))
        wait_for(tab, "(count) => document.querySelectorAll('.pins-row-tile').length === count", count)
    tab.click_on("document.querySelector('button[title=\"Between the last two pins\"]')")
    wait_for(tab, "() => document.querySelector('.path-strip-row canvas') !== null")
    row = "[...document.querySelectorAll('.path-strip-row canvas')]"
    for share in (0, 0.5, 1):
        tab.click_on(f"{row}.at({share} * ({row}.length - 1))")
        assert_decoded(tab, trained.load_model(), -3.2 + 6.4 * share, 1 + share)

    # An earlier moment of the training.
    tab.click_on("document.querySelector('.time-machine [type=range]')", share=0.1)
    shown_step = "() => Number(document.querySelector('.time-machine').dataset.step)"
    newest = trained.snapshots()[-1]
    wait_for(tab, f"(newest) => ({shown_step})() < newest", int(newest.stem))
    step = tab.evaluate(shown_step)
    (snapshot,) = (path for path in trained.snapshots() if int(path.stem) == step)
    earlier = model_of(trained, load_snapshot(snapshot, trained.config))
    for x, y in ((1, -1), (-1, 1)):
        tab.move(*place_on(tab, "map", x, y))
        assert_decoded(tab, earlier, x, y)
