"""What browsers fetch from this app: written when it is needed, and what is said where it cannot be had."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import BrowserContext, Page, expect
from plotly.offline import get_plotlyjs_version
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from streamlit.web.server.starlette import starlette_routes

from pages.components.shell import assets
from tests.support.app_test import PAGES, messages, visit
from tests.support.browser import Workshop, ready
from vae import VaeError
from vae.runs.run import Run


def test_our_plotly_js_is_of_the_version_for_which_the_plotly_package_makes_figures() -> None:
    name = assets.plotly_js_url().rpartition("/")[2]
    head = (assets.static_dir() / name).read_text(encoding="utf-8")[:200]
    assert f"plotly.js (cartesian - minified) v{get_plotlyjs_version()}\n" in head
    assert f"-{get_plotlyjs_version()}-" in name


@pytest.mark.parametrize("page", PAGES)
def test_a_folder_that_cannot_be_written_gets_a_sentence(
    page: str, runs_dir: Path, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(runs_dir / trained.name, runs_dir / "other")  # beside which Compare shows it
    taken = tmp_path / "static"
    taken.write_text("a file")
    monkeypatch.setattr(assets, "STATIC", taken)
    test = visit(page)
    assert f"fetched from {taken}, where nothing can be written" in messages(test)
    assert "Let the app write into this folder" in messages(test)
    assert test.sidebar.selectbox[0].options
    if page == "pages/train.py":
        assert any(button.label == "Start" for button in test.button)
        assert not visit(page, show="Runs").dataframe[0].value.empty


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `VAE_STATIC_DIR` names, as a checkout without write permission needs."""
    taken = tmp_path / "taken"
    taken.write_text("nothing can be written below a file")
    folder = tmp_path / "정적 files"
    monkeypatch.setattr(assets, "STATIC", taken)
    names = vars(starlette_routes)
    monkeypatch.setitem(names, "build_safe_abspath", names["build_safe_abspath"])
    monkeypatch.setenv("VAE_STATIC_DIR", str(folder))
    return folder


def answer(script: Path, url: str) -> Response:
    """What a server of the main script `script` answers under a prefix of two levels."""
    get, _ = starlette_routes.create_app_static_serving_routes(str(script), "a/b")
    path = url.removeprefix("app/static/")
    request = Request({"type": "http", "method": "GET", "headers": [], "path_params": {"path": path}})
    with (
        start_blocking_portal() as portal
    ):  # a thread of its own, as a browser test leaves a loop in this one
        return portal.call(get.endpoint, request)  # type: ignore[attr-defined]


def test_files_are_served_from_the_folder_of_the_environment(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")  # where Streamlit looks for files
    url = assets.serve("words-1.txt", lambda: b"here")
    assert url == assets.served_url("words-1.txt") == "app/static/words-1.txt"
    assert (elsewhere / "vae-static" / "words-1.txt").read_bytes() == b"here"
    assert not assets.STATIC.exists()
    found = answer(tmp_path / "app.py", url)
    assert isinstance(found, FileResponse)
    assert Path(found.path).read_bytes() == b"here"
    (elsewhere / "private.txt").write_text("not for browsers")
    for outside in ("../private.txt", str(elsewhere / "private.txt"), "..", ""):
        with pytest.raises(HTTPException):
            answer(tmp_path / "app.py", outside)


def test_only_the_apps_own_folder_is_tidied(elsewhere: Path) -> None:
    (elsewhere / "modules-of-somebody").mkdir(parents=True)
    os.utime(elsewhere / "modules-of-somebody", (0, 0))
    assets.serve_modules()
    assert {path.name for path in elsewhere.iterdir()} == {"modules-of-somebody", "vae-static"}


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("~nobody-of-this-name/x", "VAE_STATIC_DIR is wrong"),
        ("/dev/null", "fetched from /dev/null/vae-static, where nothing can be written"),
        ("", "or set VAE_STATIC_DIR to another folder and start the app again"),
    ],
)
def test_a_folder_of_the_environment_that_cannot_be_gets_a_sentence(
    folder: str, sentence: str, elsewhere: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert elsewhere.parent == runs_dir.parent
    monkeypatch.setenv("VAE_STATIC_DIR", folder)
    test = visit(PAGES[0])
    assert sentence in messages(test)


def test_a_streamlit_that_serves_in_another_way_gets_a_sentence(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(starlette_routes, "build_safe_abspath")
    with pytest.raises(VaeError, match=r"VAE_STATIC_DIR works with Streamlit .* leave the variable unset"):
        assets.serve("words-1.txt", lambda: b"here")
    assert not elsewhere.exists()


def test_modules_are_written_whole_and_again_where_they_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")
    folder = assets.STATIC / assets.serve_modules()
    here = assets.COMPONENTS
    written = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.js")}
    ours = [path for path in here.rglob("*.js") if not path.name.endswith(".min.js")]
    assert written == {path.relative_to(here): path.read_bytes() for path in ours}
    folder.rename(tmp_path / "elsewhere")
    assert assets.STATIC / assets.serve_modules() == folder
    assert {path.relative_to(folder) for path in folder.rglob("*.js")} == set(written)


def test_modules_of_older_versions_are_removed_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    now = time.time()
    for name, hours in {"modules-old": 25, "modules-lately": 23, "pictures-old": 99}.items():
        (tmp_path / name / "tiles").mkdir(parents=True)
        (tmp_path / name / "tiles" / "component.js").touch()
        os.utime(tmp_path / name, (now - 3600 * hours,) * 2)
    folder = assets.serve_modules()
    names = {"modules-lately", "pictures-old", folder}
    assert {path.name for path in tmp_path.iterdir()} == names
    os.utime(tmp_path / folder, (0, 0))
    assets.serve_modules()
    assert {path.name for path in tmp_path.iterdir()} == names


# The paths of the modules that the browser fetches for a component, in order.
IMPORTED = """async (folder) => {
    await import(`/${folder}/component.js`);
    const { origin } = location;
    const urls = performance.getEntriesByType("resource").map(({ name }) => name);
    return urls.filter((url) => url.endsWith(".js")).map((url) => url.slice(origin.length + 1)).sort();
}"""


@pytest.mark.browser
def test_what_is_preloaded_is_what_a_component_imports(bare_page: Page) -> None:
    expected = bare_page.evaluate(IMPORTED, "map/latent_map")
    assert len(expected) > 20
    assert sorted(assets.imported_by(("map/latent_map",))) == expected


@pytest.mark.browser
def test_the_map_is_made_of_what_was_preloaded_without_a_gap(
    workshop: Workshop, trained: Run, page: Page
) -> None:
    shutil.copytree(trained.path, workshop.runs / trained.name)
    page.goto(workshop.address())
    ready(page, "map")
    links = page.locator("link[rel=modulepreload], link[rel=preload][as=script]")
    names = {str(each.get_attribute("href")).rpartition("/")[2] for each in links.all()}
    assert {"component.js", "decoder_pool.js", assets.plotly_js_url().rpartition("/")[2]} <= names
    expect(page.locator("[data-testid=stElementContainer]:has([data-preload])")).to_be_hidden()


SCRIPT = """
import streamlit as st
from pages.components.shell.links import RECONSTRUCTIONS, link
from pages.components.map.look_panel import look_panel

link("Elsewhere", RECONSTRUCTIONS, {}, key="link")
look_panel("none", key="look")
"""
SAID = "This part of the page cannot be loaded. Reload the page to try again."


@pytest.fixture
def server(workshop: Workshop) -> Workshop:
    return workshop.serve_script(SCRIPT)


@pytest.fixture
def visitor(context: BrowserContext) -> Iterator[tuple[Page, list[str]]]:
    """A tab, and the errors that its page does not catch."""
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page, troubles
    page.close()


@pytest.mark.browser
def test_a_module_that_does_not_come_leaves_a_sentence(
    server: Workshop, visitor: tuple[Page, list[str]]
) -> None:
    page, troubles = visitor
    page.route("**/links/navigate.js", lambda route: route.abort())
    page.goto(server.address())
    expect(page.get_by_role("alert")).to_have_text(SAID)
    expect(page.get_by_text("Move over the map.")).to_be_visible()  # the rest is there
    assert troubles == []
    page.unroute("**/links/navigate.js")
    page.reload()
    expect(page.get_by_role("link", name="Elsewhere")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.browser
def test_a_module_that_fails_leaves_a_sentence_and_says_why(
    server: Workshop, visitor: tuple[Page, list[str]]
) -> None:
    page, troubles = visitor
    broken = "export function show() { throw new Error('Nothing works.'); }"
    page.route(
        "**/links/component.js", lambda route: route.fulfill(body=broken, content_type="text/javascript")
    )
    page.goto(server.address())
    expect(page.get_by_role("alert")).to_have_text(SAID)
    assert troubles
    assert set(troubles) == {"Nothing works."}
