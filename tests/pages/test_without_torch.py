"""The web server computes all pages without torch: a visit to every page and control in one server."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import LISTS_LIBRARIES, Workshop, place_on, ready
from tests.support.controls import Controls
from tests.support.latent_page import middle, place_at
from tests.support.small_runs import score_training_set
from vae.export.images import png
from vae.runs.catalogue import list_runs
from vae.runs.run import Run
from vae.runs.titles import title_of
from vae.training import jobs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not LISTS_LIBRARIES, reason="Only Linux lists the libraries in a process's memory."),
]
# Words in the names of controls that are used by hand, after the others.
BY_HAND = {
    "Remove": "takes away what others need",
    "Clear": "takes away what others need",
    "upload": "opens a dialog of the system, which would wait for a file",
    "Evaluate": "goes on while other pages are visited",
    "Start": "trains a preset for minutes",
    "Train again": "trains",
    "settings-data-set": "brings the same fields again, for another data set",
    "Go on": "trains",
}


@pytest.fixture
def server(small_data: Path, trained: Run, wide: Run, tmp_path: Path) -> Iterator[Workshop]:
    """It has loaded no page yet; with a run of two dimensions, and one of five."""
    with Workshop(tmp_path, small_data) as server:
        for run in (trained, wide):
            shutil.copytree(run.path, server.runs / run.name)
        score_training_set(Run(server.runs / wide.name))  # that of the other run is scored by a process
        yield server
        if (live := jobs.live_run(server.runs)) is not None:  # of a test that failed
            live.request_stop()


def test_no_page_and_no_control_makes_the_server_load_torch(
    server: Workshop, page: Page, trained: Run, wide: Run
) -> None:
    assert not server.maps("torch")
    controls = Controls(page)
    saved: set[str] = set()
    page.on("download", lambda download: saved.add(Path(download.suggested_filename).suffix))

    def visit(address: str, chart: str) -> None:
        page.goto(server.address(address))
        ready(page, chart)
        controls.settle()

    def computed() -> None:
        controls.settle()
        assert not server.maps("torch"), page.url

    visit(f"?run={trained.name}", "map")
    explore_two_dimensions(page, controls)
    computed()
    # A path, and two pins: with these come controls of their own.
    visit(f"?run={wide.name}&pins=1,1,1,1,1_0,0,0,0,0&path=1,0,0,0,0_0,1,0,0,0", "map")
    used = controls.use_all(BY_HAND)
    for name in (
        "pictures: training",
        "poster_ink:",
        "film_save:",
        "path_gif:",
        "coordinates: Pin",
        "panel: traversals",
    ):
        assert any(each.startswith(name) for each in used), (name, used)
    page.get_by_role("button", name="Remove the path").click()
    page.get_by_role("button", name="Clear").click()
    computed()

    visit(f"reconstructions?run={trained.name}&boxes=true", "losses_by_class")
    used = controls.use_all(BY_HAND)
    for name in ("digit:", "sort:", "page:", "opened_neighbours:", "view: Class means", "own_way: Upload"):
        assert any(each.startswith(name) for each in used), (name, used)
    give_own_pictures(page)
    computed()

    pair = f"compare?run={trained.name}&with={wide.name}"
    visit(pair, "left")
    page.locator('[data-chart="left"]').click()
    controls.use_all(BY_HAND)
    page.get_by_role("button", name="Evaluate both").click()
    expect(page.get_by_text(f"{title_of(trained)} is evaluated")).to_be_visible()
    computed()

    visit(f"train?run={trained.name}", "curves")
    used = controls.use_all(BY_HAND)
    for name in ("settings", "over:", "log:", "rewind:"):
        assert any(each.startswith(name) for each in used), (name, used)
    computed()
    visit(f"train?run={trained.name}", "curves")
    train(page, server.runs)
    computed()
    move_a_run(page, server.runs)
    computed()

    visit(pair, "left")
    expect(page.get_by_role("row", name="NLL, nats")).not_to_contain_text("–")
    computed()
    for address, part in (("data", "dataset_mosaic"), ("data?view_of_data=Add+pictures", None)):
        page.goto(server.address(address))
        shown = page.locator(f"[data-tiles={part}] canvas" if part else "input[type=file]").first
        expect(shown).to_be_attached()
        computed()
    assert saved >= {".png", ".gif", ".webp", ".zip"}


def explore_two_dimensions(page: Page, controls: Controls) -> None:
    """Pins a place, selects some, and shows the training set, on the map of a plane."""
    page.mouse.click(*place_on(page, "map", *middle(page)))
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    page.locator('.modebar-btn[data-val="lasso"]').click()
    start, *corners = ((0.2, 0.2), (0.2, 0.8), (0.8, 0.8), (0.8, 0.2))
    page.mouse.move(*place_on(page, "map", *place_at(page, *start)))
    page.mouse.down()
    for corner in corners:
        page.mouse.move(*place_on(page, "map", *place_at(page, *corner)), steps=4)
    page.mouse.up()
    expect(page.get_by_text("test images selected").first).to_be_visible()
    shown = page.locator('[data-chart="map"]').get_attribute("data-points")
    page.get_by_role("radio", name="training").click()
    expect(page.locator(f'[data-chart="map"]:not([data-points="{shown}"])')).to_have_count(1)
    controls.settle()


def give_own_pictures(page: Page) -> None:
    """Uploads a picture, and draws one, on the tab for pictures of one's own."""
    picture = np.full((40, 40), 255, np.uint8)
    picture[10:30, 18:22] = 0
    upload = page.locator("input[type=file]")
    upload.set_input_files({"name": "one.png", "mimeType": "image/png", "buffer": png(picture)})
    neighbours = page.locator("[data-tiles=own_neighbours] button")
    expect(neighbours).to_have_count(10)
    page.get_by_role("radio", name="Draw").click()
    expect(neighbours).to_have_count(0)
    box = page.locator(".draw-pad canvas[aria-label]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 180, steps=5)
    page.mouse.up()
    expect(neighbours).to_have_count(10)


def train(page: Page, runs_dir: Path) -> None:
    """Starts a training by the form, steers it, and stops it."""
    before = {run.name for run in list_runs(runs_dir)}
    page.get_by_text("Settings of quick").click()
    page.get_by_label("Epochs", exact=True).fill("10000")
    page.get_by_label("Epochs", exact=True).press("Enter")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name=": running")).to_be_visible()
    (run,) = (run for run in list_runs(runs_dir) if run.name not in before)
    page.get_by_role("slider", name="Slow motion").press("ArrowRight")
    expect(page.get_by_role("img", name="Test images over their")).to_be_visible()
    ready(page, "curves", 2)
    page.get_by_role("button", name=re.compile("^Pause")).click()
    paused = page.get_by_role("heading", name=": paused")
    for button in ("One batch", "One epoch"):
        expect(paused).to_be_visible()
        step = run.status().step
        page.get_by_role("button", name=button).click()
        page.wait_for_function("(text) => !document.body.innerText.includes(text)", arg=f"step {step:,} of")
    expect(paused).to_be_visible()
    page.get_by_label("Learning rate", exact=True).last.fill("0.0001")
    page.get_by_label("Learning rate", exact=True).last.press("Enter")
    page.get_by_role("button", name="One moment back").click()
    expect(page.get_by_text("live · step")).to_be_hidden()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name=": running")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name=": stopped")).to_be_visible()


def move_a_run(page: Page, runs_dir: Path) -> None:
    """Chooses the first run of the table, saves it as a zip, deletes it, and adds it from the zip."""
    before = {run.name for run in list_runs(runs_dir)}
    page.get_by_role("radio", name="Runs").click()
    table = page.locator("[data-testid=stDataFrame]")
    table.scroll_into_view_if_needed()
    table.click(position={"x": 15, "y": 50})
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download", exact=True).click()
    name = saving.value.suggested_filename.removesuffix(".zip")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Choose rows at the left")).to_be_visible()
    assert {run.name for run in list_runs(runs_dir)} == before - {name}
    page.locator("input[type=file]").set_input_files(
        {"name": "run.zip", "mimeType": "application/zip", "buffer": saving.value.path().read_bytes()}
    )
    page.wait_for_url(re.compile(f"run={name}"))
    assert {run.name for run in list_runs(runs_dir)} == before
