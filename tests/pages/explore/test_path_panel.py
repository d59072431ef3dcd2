"""A path on a page: its places, what is said of it, and in a browser the row, the player and the files."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import Page, WebSocket, expect
from streamlit.testing.v1 import AppTest

from pages.components.explore.path_strip import STEP
from tests.support.app_test import component
from tests.support.browser import Workshop
from tests.support.paths import BUNDLED
from vae.datasets.images import ImageArray
from vae.inference.paths import COUNT, path_places
from vae.inference.scored_set import Floats
from vae.runs.run import Run

START, END = np.array([[-2.0, 1.0], [1.5, -0.3]], np.float32)
PATH_PAGE = """
import numpy as np
import streamlit as st
from pages.components.runs import loaded_model
from pages.components.stores.decoder import decoder_store
from pages.components.explore.path_panel import End, path_panel
from pages.components.map.drawings import chosen_path_kind
from vae.inference.planes import axis_directions
from vae.runs.catalogue import open_run

run = open_run({run!r})
explored = loaded_model.load(run)
decoder_store(explored.decoder)

@st.fragment
def panel():
    turned = st.toggle("Turned round")
    ends = [np.array(place, np.float32) for place in {ends!r}]
    start, end = reversed(ends) if turned else ends
    st.session_state.asked_before = chosen_path_kind()
    if not st.toggle("Gone"):
        plane = axis_directions(len(start)).through(start)
        path_panel(run, explored, (End(start, "an [end]"), End(end, "0 · #13")), plane)
    st.session_state.parts = st.session_state.get("parts", 0) + 1
    st.text(f"part {{st.session_state.parts}}")
    st.button("Again")

panel()
"""


def path_script(run: Path) -> str:
    """A page that shows a path of a run."""
    return PATH_PAGE.format(run=str(run), ends=[START.tolist(), END.tolist()])


LISTEN = """() => {
    window.looks = [];
    addEventListener("latent-hover", ({ detail }) => window.looks.push(detail));
}"""
# What a click asked for has been drawn.
FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
# Of canvases: the grey levels, and that nothing else is in them.
LEVELS = """(canvases) => canvases.map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = Array.from({ length: data.length / 4 }, (_, i) => [...data.subarray(4 * i, 4 * i + 4)]);
    const grey = pixels.every(([red, green, blue, alpha]) => red === green && red === blue && alpha === 255);
    return grey ? pixels.map(([level]) => level) : null;
})"""


def page_of(way: str | None, tmp_path: Path) -> AppTest:
    script = tmp_path / "path_page.py"
    script.write_text(path_script(BUNDLED), encoding="utf-8")
    test = AppTest.from_file(str(script), default_timeout=60)
    if way is not None:
        test.query_params["way"] = way
    test.run()
    assert not test.exception
    return test


@pytest.fixture(autouse=True)
def whole_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts served from elsewhere would look for the data there."""
    monkeypatch.setenv("VAE_DATA_DIR", str(BUNDLED.parents[1] / "data"))


def from_numpy(along: Floats) -> ImageArray:
    return Run(BUNDLED).saved_model().model.decode(along)


@pytest.mark.parametrize(
    ("asked", "way", "length"),
    [(None, "straight", 3.73), ("spherical", "spherical", 5.46), ("a", "straight", 3.73)],
)
def test_the_page_shows_the_path_of_the_address(
    asked: str | None, way: str, length: float, tmp_path: Path
) -> None:
    test = page_of(asked, tmp_path)
    assert test.segmented_control(key="way").value == test.session_state["asked_before"] == way
    sent = component(test, "path")
    assert sent["label"] == f"From an [end] to 0 · #13, {length} long"
    along = path_places(START, END, "spherical" if way == "spherical" else "straight")
    assert np.array_equal(np.array(sent["places"], np.float32), along)
    assert np.array_equal(along[[0, -1]], (START, END))


def test_the_way_that_is_chosen_is_drawn_at_once(tmp_path: Path) -> None:
    test = page_of(None, tmp_path)
    test.segmented_control(key="way").select("spherical").run()
    assert test.session_state["asked_before"] == "spherical"
    assert "5.46 long" in component(test, "path")["label"]
    assert np.array_equal(
        np.array(component(test, "path")["places"], np.float32), path_places(START, END, "spherical")
    )


@pytest.fixture
def server(workshop: Workshop) -> Workshop:
    return workshop.serve_script(path_script(BUNDLED))


def visit(page: Page, server: Workshop, query: str = "") -> None:
    page.goto(server.address(query))
    expect(page.locator(".path-strip-row canvas")).to_have_count(13)
    page.evaluate(LISTEN)


def shown_place(page: Page, along: Floats) -> Floats:
    """The place of a path (D, Z) where the slider stands: (Z,)."""
    position = (
        float(page.get_by_role("slider", name="Point on the path").input_value()) / 100 * (len(along) - 1)
    )
    before = min(int(position), len(along) - 2)
    return along[before] + (position - before) * (along[before + 1] - along[before])


def looks(page: Page) -> list[list[float] | None]:
    """What the page was told that is looked at, from the path and nothing else."""
    details = page.evaluate("window.looks")
    assert {(each["source"], each["index"]) for each in details} <= {("path", None)}
    return [each["z"] for each in details]


def distance_from(along: Floats, place: list[float]) -> float:
    """From a place (Z,) to the nearest of a path's lines."""
    starts, steps = along[:-1], np.diff(along, axis=0)
    weights = ((place - starts) * steps).sum(axis=1) / (steps**2).sum(axis=1)
    feet = starts + weights.clip(0, 1)[:, None] * steps
    return float(np.linalg.norm(place - feet, axis=1).min())


@pytest.mark.browser
def test_it_plays_along_the_path_and_says_where_it_is(server: Workshop, page: Page) -> None:
    along = path_places(START, END, "spherical")
    visit(page, server, "?way=spherical")
    row = page.locator(".path-strip-row canvas").evaluate_all(LEVELS)
    assert np.abs(np.reshape(row, (-1, 28, 28)) - from_numpy(along[::STEP]).astype(int)).max() <= 1
    assert looks(page) == []  # it does not start by itself
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("window.looks.some(({ z }) => z[0] > 1.4)")  # near the end
    page.wait_for_function("window.looks.at(-1).z[0] < 1")  # and back again
    page.get_by_role("button", name="Pause").click()
    page.evaluate(FRAME)
    told = looks(page)
    seen = [place for place in told if place is not None]
    assert len(seen) == len(told) > 20  # the pointer is on the button
    assert max(distance_from(along, place) for place in seen) < 1e-6
    assert len({tuple(place) for place in seen}) > 20
    assert np.allclose(seen[-1], shown_place(page, along), atol=1e-6)
    page.mouse.move(5, 5)
    page.wait_for_function("window.looks.at(-1).z === null")  # left


@pytest.mark.browser
def test_keys_and_the_row_lead_to_places_exactly(server: Workshop, page: Page) -> None:
    along = path_places(START, END, "straight")
    visit(page, server)
    slider = page.get_by_role("slider", name="Point on the path")
    slider.press("End")
    page.wait_for_function("window.looks.length === 1")
    assert np.array_equal(np.array(looks(page)[-1], np.float32), END)
    expect(slider).to_have_attribute("aria-valuetext", "100 % of the way: z = (1.50, −0.30)")
    slider.press("ArrowLeft")
    page.wait_for_function("window.looks.length === 2")
    last = looks(page)[-1]
    assert last == pytest.approx(START + 0.99 * (END - START), abs=1e-6)
    assert last == pytest.approx(shown_place(page, along), abs=1e-6)
    slider.press("Shift+Tab")  # to Play, still here
    slider.press("Tab")
    slider.press("Tab")
    page.wait_for_function("window.looks.at(-1).z === null")
    assert [place is None for place in looks(page)] == [False, False, True]
    page.locator(".path-strip-row canvas").nth(4).click()
    page.wait_for_function("window.looks.length === 4")
    assert np.array_equal(np.array(looks(page)[-1], np.float32), along[4 * STEP])


@pytest.mark.browser
def test_files_hold_what_torch_draws(server: Workshop, page: Page) -> None:
    along = path_places(START, END, "straight")
    visit(page, server)
    content = {}
    for kind in ("PNG", "GIF"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).click()
        assert download.value.suggested_filename == f"{BUNDLED.name}-path.{kind.lower()}"
        content[kind] = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert content[kind].format == kind
    row = np.hstack(list(from_numpy(along[::STEP]))).repeat(8, axis=0).repeat(8, axis=1)
    assert np.array_equal(np.asarray(content["PNG"]), row)
    frames = from_numpy(along)
    there_and_back = [*range(COUNT), *range(COUNT - 2, 0, -1)]
    film = content["GIF"]
    assert film.info["loop"] == 0
    for frame, number in zip(ImageSequence.Iterator(film), there_and_back, strict=True):
        assert frame.info["duration"] == 50
        assert np.array_equal(
            np.asarray(frame.convert("L")), frames[number].repeat(10, axis=0).repeat(10, axis=1)
        )


@pytest.mark.browser
def test_it_goes_on_when_the_page_runs_again_and_stops_for_another(server: Workshop, page: Page) -> None:
    received: list[int] = []

    def count(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: received.append(len(frame)))

    page.on("websocket", count)
    visit(page, server)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("window.looks.length > 5")
    box = page.locator(".path-strip")
    before = sum(received)
    page.get_by_role("button", name="Again").click()
    expect(page.get_by_text("part 2")).to_be_visible()
    assert sum(received) - before < 10_000  # not the places and pictures again
    button = box.get_by_role("button")
    expect(button).to_have_text("Pause")
    page.get_by_text("spherical", exact=True).click()
    expect(page.get_by_role("group", name="5.46 long")).to_be_visible()
    expect(page).to_have_url(server.address("?way=spherical"))
    page.wait_for_function("window.looks.at(-1).z[1] > 1.2")  # where the straight path is not
    expect(button).to_have_text("Pause")
    page.get_by_text("Turned round").click()
    expect(button).to_have_text("Play")
    slider = page.get_by_role("slider", name="Point on the path")
    expect(slider).to_have_attribute("aria-valuetext", "0 % of the way: z = (1.50, −0.30)")
    page.wait_for_function("window.looks.at(-1).z === null")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("window.looks.at(-1).z !== null")
    page.get_by_text("Gone").click()
    expect(box).to_have_count(0)
    page.wait_for_function("window.looks.at(-1).z === null")
