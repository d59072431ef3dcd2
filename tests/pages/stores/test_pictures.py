"""What the map shows, as it is cached: the training set, the points, the real pictures in the browser."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pages.components.map import map_data
from pages.components.runs import loaded_model
from pages.components.shell import assets
from pages.components.stores import pictures
from pages.components.stores.pictures import pictures_name, serve_parts, serve_pictures
from pages.components.stores.points import map_points
from tests.support.browser import Workshop
from tests.support.own_pictures import TEST, write_own_pictures
from tests.support.small_runs import TRAIN_IMAGES, save_model, score_training_set
from vae.datasets.images import as_rows
from vae.datasets.registry import delete_dataset, load
from vae.inference.planes import axis_directions
from vae.inference.scoring import score_images
from vae.runs.run import Run


def test_the_training_set_is_scored_under_the_weights_that_are_shown(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    loaded = loaded_model.load(run)
    images, labels = load("mnist", train=True)
    expected = score_images(trained.saved_model().model, images)
    assert loaded_model.training_set(run, loaded) is None  # not scored yet
    score_training_set(run)
    newer = run.load_model()
    for parameter in newer.parameters():
        parameter.data *= 0.9
    save_model(run.model_path, newer, run.config, 1, 0.1)  # the run trains on meanwhile
    shown = loaded_model.training_set(run, loaded)
    assert shown is not None
    assert np.array_equal(shown.means, expected.mean)
    assert np.array_equal(shown.reconstruction, expected.reconstruction)
    assert np.array_equal(shown.images, images)
    assert np.array_equal(shown.labels, labels)
    assert np.shares_memory(shown.images, images)
    assert loaded_model.training_set(run, loaded) is shown
    assert loaded_model.training_set(run, loaded_model.load(run)) is None  # not with these weights
    score_training_set(run)
    after = loaded_model.training_set(run, loaded_model.load(run))
    assert after is not None
    assert not np.array_equal(after.means, shown.means)


@pytest.mark.usefixtures("runs_dir")
def test_points_are_made_once_for_each_set_and_plane(wide: Run) -> None:
    loaded = loaded_model.load(wide)
    training = loaded_model.training_set(wide, loaded)
    points = map_data.points_of(wide, loaded, axis_directions(5, 2, 0))
    assert points.payload == map_points(loaded.test, axis_directions(5, 2, 0)).payload
    assert map_data.points_of(wide, loaded, axis_directions(5, 2, 0)) is points
    others = [
        map_data.points_of(wide, loaded, axis_directions(5, 0, 2)),
        map_data.points_of(wide, loaded, axis_directions(5, 2, 0), training),
    ]
    assert len({points.name, *(other.name for other in others)}) == 3
    assert len(others[1].labels) == TRAIN_IMAGES


def test_the_real_pictures_are_a_file_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    levels = np.random.default_rng(0).integers(0, 256, (5, 3, 3), np.uint8)
    name = pictures_name(levels)
    assert assets.served_url(name) is None
    url = serve_pictures(name, levels)
    assert assets.served_url(name) == url
    (file,) = tmp_path.iterdir()
    assert url == f"app/static/{file.name}"
    content = gzip.decompress(file.read_bytes())
    assert np.frombuffer(content[:8], "<u4").tolist() == [5, 9]
    assert content[8:] == levels.tobytes()
    assert serve_pictures(name, levels) == url
    assert len({name, pictures_name(levels[:4]), pictures_name(levels.reshape(45, 1, 1))}) == 3


def test_a_large_set_is_files_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    url = serve_parts("parts-a", images, 100)
    assert url == "app/static/parts-a/index.json"
    assert json.loads((tmp_path / "parts-a" / "index.json").read_text()) == {
        "count": 5,
        "size": 48,
        "each": 2,
    }
    parts = [(tmp_path / "parts-a" / f"{number}.bin").read_bytes() for number in range(3)]
    assert [len(part) for part in parts] == [96, 96, 48]
    assert b"".join(parts) == as_rows(images).tobytes()


def test_what_a_browser_holds_of_a_set_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")
    record = write_own_pictures(tmp_path / "data")
    assert pictures.pictures_url("own") is None
    pictures.prepare("own")
    small = pictures.pictures_url("own")
    assert small is not None
    assert small.endswith(".gz")
    delete_dataset("own")
    other = write_own_pictures(tmp_path / "data", seed=1)
    assert other.contents != record.contents
    assert pictures.pictures_url("own") is None  # another set of this name
    monkeypatch.setattr(pictures, "WHOLE", TEST * 3 * 12 * 12 - 1)
    delete_dataset("own")
    large = write_own_pictures(tmp_path / "data", seed=2)
    pictures.prepare("own")
    assert pictures.pictures_url("own") == f"app/static/parts-{large.contents}-test/index.json"
    content = (tmp_path / "static" / f"parts-{large.contents}-test" / "0.bin").read_bytes()
    assert content == as_rows(load("own", train=False).images).tobytes()


SCRIPT = """
import numpy as np
import streamlit as st
from pages.components.shell import assets
from pages.components.stores.pictures import pictures_name, serve_parts, serve_pictures

from pages.components.shell.links import RECONSTRUCTIONS
from pages.components.charts.tiles import Caption, TileClicks, TileLayout, tiles

levels = (np.arange(5 * 9) * 5).reshape(5, 3, 3).astype(np.uint8)

def shown():
    st.text(serve_pictures(pictures_name(levels), levels))
    coloured = np.arange(7 * 12, dtype=np.uint8).reshape(7, 2, 2, 3)
    st.text(serve_parts("parts-test", coloured, 36))
    st.text(f"app/static/{assets.serve_modules()}/stores/pictures/pictures.js")
    query = {"run": "a-run", "view": None}
    captions = [Caption(f"picture {i}") for i in range(5)]
    clicks = TileClicks([7, 8, 9, 10, 11], RECONSTRUCTIONS, query)
    tiles(levels[:, None], captions, key="row", label="Row", layout=TileLayout(60), clicks=clicks)

def reconstructions():
    st.text(f"index {st.query_params.get('index')} of {st.query_params.get('run')}")

st.navigation([st.Page(shown, default=True), st.Page(reconstructions)]).run()
"""


@pytest.fixture
def visitor(workshop: Workshop, context: BrowserContext) -> Iterator[Page]:
    """A tab of which answers may fail, but no script."""
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(workshop.serve_script(SCRIPT).address())
    yield page
    page.close()
    assert troubles == []


ASK = """
    async ([script, url]) => {
        const { pictures } = await import(new URL(script, document.baseURI));
        const set = await pictures(url);
        return [set.levels(0).length, set.count, [...set.levels(0)], [...set.levels(set.count - 1)]];
    }
"""


def addresses(page: Page) -> tuple[str, str]:
    texts = page.get_by_text("app/static/")
    expect(texts).to_have_count(3)
    url, _, script = texts.all_inner_texts()
    return url, script


@pytest.mark.browser
def test_the_browser_asks_for_the_pictures_once(visitor: Page) -> None:
    url, script = addresses(visitor)
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url) if url in request.url else None)
    size, count, first, last = visitor.evaluate(ASK, [script, url])
    assert visitor.evaluate(ASK, [script, url])[0] == size == 9
    assert count == 5
    assert first == list(range(0, 45, 5))
    assert last == list(range(180, 225, 5))
    assert len(asked) == 1
    # Two sets are kept: the two that were wanted last.
    for number in ("?1", "", "?2", "", "?1"):
        visitor.evaluate(ASK, [script, url + number])
    assert [each.partition("?")[2] for each in asked] == ["", "1", "2", "1"]


@pytest.mark.browser
def test_pictures_that_did_not_come_are_asked_for_again(visitor: Page) -> None:
    url, script = addresses(visitor)
    visitor.route("**/*.gz", lambda route: route.fulfill(status=503))
    with pytest.raises(Exception, match="The pictures cannot be fetched: 503"):
        visitor.evaluate(ASK, [script, url])
    visitor.unroute("**/*.gz")
    assert visitor.evaluate(ASK, [script, url])[1] == 5


SINGLE = """
    async ([script, url, wanted]) => {
        const { pictures } = await import(new URL(script, document.baseURI));
        const set = await pictures(url);
        const before = wanted.map((index) => set.image(index));
        const arrived = [];
        await new Promise((resolve) => {
            for (const index of wanted) set.want(index, () => resolve(arrived.push(index)));
        });
        const { width, height, data } = set.blank;
        const image = set.image(arrived[0]);
        return {
            before,
            arrived,
            levels: [...set.levels(arrived[0])],
            pixel: [...image.data.slice(4, 8)],
            blank: [width, height, Math.max(...data)],
        };
    }
"""


@pytest.mark.browser
def test_of_a_large_set_the_browser_fetches_the_picture_that_is_looked_at(visitor: Page) -> None:
    _, script = addresses(visitor)
    url = "app/static/parts-test/index.json"
    asked: list[tuple[str, str]] = []
    visitor.on(
        "request",
        lambda request: (
            asked.append((request.url.rpartition("/")[2], request.headers["range"]))
            if request.url.endswith(".bin")
            else None
        ),
    )
    # Passed over: 0 and 6; only the last is fetched.
    got = visitor.evaluate(SINGLE, [script, url, [0, 6, 4]])
    coloured = np.arange(7 * 12, dtype=np.uint8).reshape(7, 2, 2, 3)
    assert got["before"] == [None, None, None]
    assert got["arrived"] == [4]
    assert got["levels"] == as_rows(coloured[4:5])[0].tolist()
    assert got["pixel"] == [*coloured[4, 0, 1].tolist(), 255]
    assert got["blank"] == [2, 2, 0]
    assert asked == [("1.bin", "bytes=12-23")]
    assert visitor.evaluate(SINGLE, [script, url, [4]])["levels"] == got["levels"]
    assert len(asked) == 1  # it is held


@pytest.mark.browser
def test_a_server_that_knows_no_ranges_is_understood(visitor: Page) -> None:
    _, script = addresses(visitor)
    coloured = np.arange(7 * 12, dtype=np.uint8).reshape(7, 2, 2, 3)
    whole = as_rows(coloured[3:6]).tobytes()
    visitor.route("**/1.bin", lambda route: route.fulfill(status=200, body=whole))
    got = visitor.evaluate(SINGLE, [script, "app/static/parts-test/index.json", [5]])
    assert got["levels"] == as_rows(coloured[5:])[0].tolist()


@pytest.mark.browser
def test_tiles_lead_to_another_page_and_one_step_back(visitor: Page) -> None:
    tile = visitor.get_by_role("link", name="Open picture 2")
    expect(tile).to_have_attribute("href", re.compile(r"/reconstructions\?run=a-run&index=9$"))
    tile.click()
    expect(visitor.get_by_text("index 9 of a-run")).to_be_visible()
    visitor.go_back()
    expect(tile).to_be_visible()
