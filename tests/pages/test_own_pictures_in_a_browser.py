"""Pictures of one's own in a real browser: from files to an explored run, which is opened elsewhere."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from pages.components.data.draft import PREFIX
from tests.support.browser import Server, Workshop, click_at, pixels, place_on, points, ready, wait_until
from tests.support.latent_page import POINTER, next_frame, place_at, tiles
from tests.support.on_screen import assert_on_screen, hide_sidebar
from tests.support.paths import APP
from tests.support.picture_files import encoded, imported, left_in, write_files, write_zip
from vae.datasets import registry
from vae.datasets.fitting import Form
from vae.datasets.importing import open_source
from vae.datasets.registry import classes_of, load, preset_for, record_of
from vae.datasets.sprites import draw_sprites
from vae.inference.forward import Model
from vae.runs.catalogue import list_runs
from vae.runs.records import LIVE
from vae.runs.run import Run
from vae.training import jobs
from vae.training.loop import train

pytestmark = pytest.mark.browser

SIDE = 16  # pixels that the pictures are brought to
EACH = 100  # pictures of each class
DELAY = 0.5  # seconds after each of 30 batches, so that the training outlasts what is watched of it
# Whose mean has a colour, too: so has all that a model decodes after its first steps.
CLASSES = {"dusk": (150, 40, 120), "meadow": (130, 180, 30), "sunset": (230, 90, 40)}
MISSING = re.compile("The data set holidays is not in")
TEN = ".time-machine-ten"  # test pictures and their reconstructions


class Place(NamedTuple):
    """The folders of a server, which are empty at the beginning of a test."""

    server: Server
    data: Path
    runs: Path
    temporary: Path


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("own_pictures")
    data, temporary = folder / "data", folder / "temporary"
    temporary.mkdir()
    with Workshop(folder, data, TMPDIR=str(temporary)) as server:
        yield Place(server, data, server.runs, temporary)


@pytest.fixture
def place(folders: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("VAE_DATA_DIR", str(folders.data))
    for folder in (folders.data, folders.runs):
        folder.mkdir()
    yield folders
    if (run := jobs.live_run(folders.runs)) is not None:  # of a test that failed
        run.request_stop()
        wait_until(lambda: jobs.live_run(folders.runs) is None)
    for folder in (folders.data, folders.runs):
        shutil.rmtree(folder)


def holidays(path: Path) -> Path:
    """A zip of three folders of pictures of 48 x 24 pixels: a third of each in its class's colour, at the
    left, the rest a darker shade of it. One file more is broken."""
    random = np.random.default_rng(0)
    files = {"pictures/dusk/broken.png": b"nothing", "__MACOSX/pictures/dusk/._0.png": b"nothing"}
    for name, colour in CLASSES.items():
        for number in range(EACH):
            picture = np.full((24, 48, 3), colour) * random.uniform(0.2, 0.6)
            picture[:, :16] = colour
            files[f"pictures/{name}/{number}.png"] = encoded(picture.astype(np.uint8))
    return write_zip(path, files)


def uploads(place: Place) -> list[str]:
    """The temporary folders of uploads."""
    return [name for name in left_in(place.temporary) if name.startswith(PREFIX)]


def colours(canvas: Locator) -> npt.NDArray[np.int64]:
    """The pixels of a canvas, (height, width, 3)."""
    return pixels(canvas)[:, :, :3]


def colourful(shown: npt.NDArray[np.int64]) -> float:
    """How far apart red, green and blue are in the middle half of the pixels, (H, W, 3), at the least."""
    return float(np.quantile(np.ptp(shown, axis=2), 0.25))


def assert_decoded(box: Locator, model: Model) -> list[float]:
    """That a picture is what NumPy decodes at the place that it tells of; returns the place."""
    expect(box).to_have_attribute("data-z", re.compile("."))  # the decoder may come after the map
    z: list[float] = json.loads(str(box.get_attribute("data-z")))
    expected = model.decode(np.array([z], np.float32))[0].astype(int)
    shown = colours(box.locator("canvas").first)
    assert np.abs(shown - (expected if expected.ndim == 3 else expected[..., None])).max() <= 1
    return z


def navigate(page: Page, name: str) -> None:
    """Follows a link of the navigation."""
    page.get_by_test_id("stSidebarNavItems").get_by_role("link", name=name).click()


def walk(page: Page, model: Model) -> None:
    """Moves over the map and clicks it: what is under the pointer is decoded, and what is clicked stays."""

    def answered() -> bool:
        """Whether the map has answered a pointer: while a new page still scrolls, it does not."""
        for across in (0.45, 0.55):
            page.mouse.move(*place_on(page, "map", *place_at(page, across, 0.5)))
        next_frame(page)
        return page.locator(POINTER).get_attribute("data-z") is not None

    wait_until(answered)
    seen = []
    for across in (0.3, 0.5, 0.7):
        page.mouse.move(*place_on(page, "map", *place_at(page, across, 0.6)))
        next_frame(page)
        seen.append(assert_decoded(page.locator(POINTER), model))
    assert len({tuple(z) for z in seen}) == 3
    click_at(page, "map", *place_at(page, 0.35, 0.35))
    expect(tiles(page)).to_have_count(1)
    expect(page.locator(".look-chosen")).to_contain_text("z = (")
    assert_decoded(page.locator(".look-chosen"), model)


def test_a_zip_is_looked_at_imported_trained_on_explored_and_opened_elsewhere(
    page: Page, place: Place, tmp_path: Path
) -> None:
    pictures = holidays(tmp_path / "Holidays.zip")
    _import(page, place, pictures)
    run = _train(page, place)
    model = run.saved_model().model
    _explore(page, place, model)
    packed = _download(page, place, run, tmp_path / "run.zip")

    page.goto(place.server.address("data?dataset=holidays"))
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("radio", name=re.compile("holidays"))).to_have_count(0)
    assert left_in(place.data) == []
    elsewhere = tmp_path / "elsewhere"
    with Server(APP, VAE_DATA_DIR=str(place.data), VAE_RUNS_DIR=str(elsewhere)) as server:
        _open_without_pictures(page, server, elsewhere, packed, model)
        with open_source(pictures) as source:
            imported(source, Form(SIDE, 3, "stretch"), "holidays")
        navigate(page, "Reconstructions")
        first = page.locator("[data-tiles=gallery] button canvas").first
        expect(first).to_be_visible()
        expect(page.get_by_text(MISSING)).to_have_count(0)
        real = load("holidays", train=False).images[0].astype(int)
        assert np.array_equal(colours(first)[:, :SIDE], real)


def _import(page: Page, place: Place, pictures: Path) -> None:
    """Drops the zip in, sees the preview follow each choice, and imports it."""
    page.goto(place.server.address("data?view_of_data=Add+pictures"))
    page.locator("input[type=file]").set_input_files(pictures)
    preview = page.locator("[data-tiles=import_preview] canvas")
    expect(preview).to_have_count(24)
    expect(page.get_by_text(f"{3 * EACH + 1} pictures, 3 classes")).to_be_visible()
    expect(page.get_by_text("(pictures/dusk/broken.png)")).to_be_visible()
    assert_on_screen(page, ("settings", "preview"))
    assert left_in(place.data) == []

    def becomes(condition: str) -> None:
        """Waits until the pixels of the first picture fulfil a condition in JavaScript."""
        page.wait_for_function(
            f"""() => {{
                const canvas = document.querySelector("[data-tiles=import_preview] canvas");
                const side = canvas.width;
                const {{ data }} = canvas.getContext("2d").getImageData(0, 0, side, side);
                const at = (x) => [...data.subarray(4 * x, 4 * x + 3)];
                const bright = (x) => Math.max(...at(x)) > 149;
                return {condition};
            }}"""
        )

    page.get_by_label("Pixels a side", exact=True).fill(f"{SIDE}")
    page.get_by_label("Pixels a side", exact=True).press("Enter")
    becomes(f"side === {SIDE} && !bright(2)")  # cropped, it has 4 of 24 columns at the left
    page.get_by_role("radio", name="Stretch").click()
    becomes("bright(3) && !bright(8)")
    page.get_by_role("radio", name="Grey").click()
    becomes("at(0)[0] === at(0)[1] && at(0)[1] === at(0)[2]")
    page.get_by_text("Exchange black and white").click()
    becomes("at(0)[0] < at(15)[0]")
    page.get_by_text("Exchange black and white").click()
    page.get_by_role("radio", name="Colour").click()
    becomes("at(0)[0] - at(0)[1] > 100 && bright(3)")
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile("dataset=holidays"))
    expect(page.locator("[data-tiles=dataset_mosaic] .tile-title")).to_have_text(["all", *CLASSES])
    summary = "16 × 16, colour · 3 classes · 270 training and 30 test pictures"
    expect(page.get_by_text(summary)).to_be_visible()
    assert_on_screen(page, ("sets", "chosen", "row-1", "row-2", "row-3", "row-4"))
    record = record_of("holidays")
    assert (record.side, record.channels, record.fit, record.inverted) == (SIDE, 3, "stretch", False)
    assert uploads(place) == []


def _train(page: Page, place: Place) -> Run:
    """Trains on the set by the form, which proposes what suits it, and watches."""
    page.get_by_role("link", name="Train on it").click()
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("holidays")
    page.get_by_text("Settings of quick").click()
    for name, value in (("Network", "conv"), ("Likelihood", "gaussian")):
        expect(page.get_by_role("combobox", name=name)).to_have_value(value)
    for name, value in (("Epochs", "10"), ("Width", "4")):
        page.get_by_label(name, exact=True).fill(value)
        page.get_by_label(name, exact=True).press("Enter")
        expect(page.get_by_text(re.compile(f"Changed from quick: .*{name.lower()} {value}"))).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    wait_until(lambda: len(list_runs(place.runs)) == 1)
    (run,) = list_runs(place.runs)
    run.update_request(delay=DELAY)
    ready(page, "curves")
    lengths: set[int] = set()
    drawn: set[str] = set()
    while (len(lengths) < 3 or len(drawn) < 3) and run.status().state in LIVE:
        lengths.add(points(page, "curves"))
        drawn.add(page.locator(TEN).evaluate("(canvas) => canvas.toDataURL()"))
        page.wait_for_timeout(100)
    assert len(lengths) >= 3, "the curves did not grow while it trained"
    assert len(drawn) >= 3, "the pictures did not change while it trained"
    ready(page, "training_map")
    run.update_request(delay=0)
    expect(page.get_by_role("heading", name=": finished")).to_be_visible()
    upper, lower = np.split(colours(page.locator(TEN))[3:], [SIDE + 1])
    assert colourful(upper[:, :SIDE]) > 30
    assert colourful(lower[1:, :SIDE]) > 30
    return run


def _explore(page: Page, place: Place, model: Model) -> None:
    """Walks over the map, sorts reconstructions, and places a picture of one's own."""
    navigate(page, "Latent space")
    ready(page, "map")
    expect(page.locator(".latent-map[data-decoder]")).to_have_count(1)
    walk(page, model)
    assert colourful(colours(page.locator(POINTER).locator("canvas").first)) > 30

    navigate(page, "Reconstructions")
    shown = page.locator("[data-tiles=gallery] button")
    expect(shown).to_have_count(30)
    page.get_by_role("combobox", name="Sort by").click()
    page.get_by_role("option", name="worst").click()
    page.wait_for_url(re.compile("sort=worst"))
    scores = model_losses(place)
    expect(shown.first).to_have_attribute("data-number", f"{scores.argmax()}")
    numbers = [int(str(tile.get_attribute("data-number"))) for tile in shown.all()]
    assert np.all(np.diff(scores[numbers]) <= 0)
    images, labels = load("holidays", train=False)
    worst = colours(shown.first.locator("canvas"))
    assert np.array_equal(worst[:, :SIDE], images[numbers[0]])
    expect(shown.first).to_contain_text(f"{list(CLASSES)[labels[numbers[0]]]} · #{numbers[0]}")

    page.get_by_role("tab", name="Your own").click()
    sunset = np.full((30, 60, 3), 60, np.uint8)
    sunset[:, :20] = CLASSES["sunset"]
    upload: FilePayload = {"name": "mine.png", "mimeType": "image/png", "buffer": encoded(sunset)}
    page.locator("input[type=file]").set_input_files(upload)
    own = page.locator("[data-tiles=own_picture] canvas").first
    expect(own).to_be_visible()
    assert np.array_equal(colours(own)[0, 2], CLASSES["sunset"])
    expect(page.locator("[data-tiles=own_neighbours] button")).to_have_count(10)
    page.get_by_role("link", name="Show on the latent map").click()
    ready(page, "map")
    expect(page.get_by_text("Your own image")).to_be_visible()


def model_losses(place: Place) -> npt.NDArray[np.float64]:
    """The stored reconstruction losses of the only run there, nats."""
    (run,) = list_runs(place.runs)
    scores = run.saved_model().scores
    assert scores is not None
    return scores.reconstruction.astype(float)


def _download(page: Page, place: Place, run: Run, path: Path) -> Path:
    page.goto(place.server.address(f"train?show=Runs&overlay={run.name}"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    download.value.save_as(path)
    return path


def _open_without_pictures(page: Page, server: Server, runs: Path, packed: Path, model: Model) -> None:
    """Opens a packed run in an empty runs directory, without its data set, and looks at all pages."""
    page.goto(server.address("train?show=Runs"))
    page.locator("input[type=file]").set_input_files(packed)
    page.wait_for_url(re.compile("run="))
    (run,) = list_runs(runs)
    shutil.copytree(run.path, runs / "other")  # to be compared with
    page.get_by_text("Watch", exact=True).click()
    ready(page, "curves")
    expect(page.get_by_text(MISSING)).to_be_visible()
    for name in ("Compare", "Reconstructions"):
        navigate(page, name)
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        expect(page.get_by_text(MISSING)).to_be_visible()
    navigate(page, "Latent space")
    ready(page, "map")
    expect(page.locator(".latent-map[data-decoder]")).to_have_count(1)
    expect(page.get_by_text(MISSING)).to_be_visible()
    walk(page, model)


def test_sprites_and_a_folder_without_classes_are_explored(
    page: Page, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sprites", "sprites-colour"):
        fewer = registry.BUILT_IN_SETS[name]._replace(counts=(300, 60))
        monkeypatch.setitem(registry.BUILT_IN_SETS, name, fewer)
        for _ in draw_sprites(place.data / name, colour=name != "sprites"):
            pass
    _import_stripes(page, place, stripes(tmp_path / "stripes"))
    for name in ("sprites", "sprites-colour", "stripes"):
        fields = {"epochs": 2, "batch_size": 50, "hidden_dims": (16,), "width": 2, "threads": 1}
        run = train(preset_for("quick", name, **fields), place.runs)
        _look_at_all_pages(page, place, run)
    compared = [run.name for run in list_runs(place.runs)][:2]
    page.goto(place.server.address("compare?run={}&with={}".format(*compared)))
    ready(page, "left")
    ready(page, "right")
    expect(page.get_by_text("They learned different data sets")).to_be_visible()
    overflow = "(main) => main.scrollWidth - main.clientWidth"
    assert page.get_by_test_id("stMain").evaluate(overflow) == 0, "two legends have their own room"
    expect(page.locator("body")).not_to_contain_text(re.compile("digit", re.IGNORECASE))


def test_the_preview_fits_a_small_screen_and_is_forgotten_with_its_tab(
    page: Page, place: Place, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(place.server.address("data?view_of_data=Add+pictures"))
    hide_sidebar(page)
    page.locator("input[type=file]").set_input_files(holidays(tmp_path / "Holidays.zip"))
    expect(page.locator("[data-tiles=import_preview] canvas")).to_have_count(24)
    assert_on_screen(page, ("settings", "preview"))
    assert len(uploads(place)) == 1
    page.get_by_role("button", name="Other pictures …").click()
    expect(page.locator("input[type=file]")).to_be_attached()
    assert uploads(place) == []


def stripes(folder: Path) -> Path:
    """A folder of grey pictures of 28 x 28 pixels: horizontal stripes, of which the first row is bright."""
    random = np.random.default_rng(0)
    files = {}
    for number in range(EACH):
        rows = np.resize(np.repeat([230, 40], random.integers(3, 9)), 28)
        files[f"{number}.png"] = encoded(np.repeat(rows[:, None], 28, 1).astype(np.uint8))
    return write_files(folder, files)


def _import_stripes(page: Page, place: Place, folder: Path) -> None:
    """Imports a folder that lies beside the server."""
    page.goto(place.server.address("data?view_of_data=Add+pictures"))
    page.get_by_label("Or a file or folder").fill(str(folder))
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("[data-tiles=import_preview] canvas")).to_have_count(24)
    expect(page.get_by_text(f"{EACH} pictures, no classes")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile("dataset=stripes"))
    expect(page.get_by_text("28 × 28, grey · no classes · 90 training and 10 test pictures")).to_be_visible()
    expect(page.locator("[data-tiles=dataset_mosaic] .tile-title")).to_have_count(0)


def _look_at_all_pages(page: Page, place: Place, run: Run) -> None:
    """Looks at a run on all pages, which know its classes, if there are any, and speak of no digits."""
    classes, images = classes_of(run.config), load(run.config.dataset, train=False).images
    speaks_of_digits = re.compile("digit", re.IGNORECASE)
    page.goto(place.server.address(f"?run={run.name}"))
    ready(page, "map")
    expect(page.locator(".latent-map[data-decoder]")).to_have_count(1)
    listed = page.locator(".latent-map-class span")
    expect(listed).to_have_text(list(classes) if len(classes) > 1 else [])
    walk(page, run.saved_model().model)
    expect(page.locator("body")).not_to_contain_text(speaks_of_digits)

    navigate(page, "Reconstructions")
    shown = page.locator("[data-tiles=gallery] button canvas")
    expect(shown).to_have_count(min(50, len(images)))
    first = images[0].astype(int)
    assert np.array_equal(
        colours(shown.first)[:, : run.config.side],
        first if first.ndim == 3 else np.repeat(first[..., None], 3, 2),
    )
    expect(page.get_by_role("tab", name="Class means")).to_have_count(int(len(classes) > 1))
    expect(page.locator("body")).not_to_contain_text(speaks_of_digits)

    navigate(page, "Train")
    ready(page, "curves")
    ready(page, "training_map")
    upper = colours(page.locator(TEN))[3 : 3 + run.config.side]
    assert (np.ptp(upper, axis=2).max() > 30) == (run.config.channels == 3)
    expect(page.locator("body")).not_to_contain_text(speaks_of_digits)
