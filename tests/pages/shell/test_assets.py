"""What browsers fetch from this app: written when it is needed, and what is said where it cannot be had."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pages.components.shell import assets
from tests.support.app_test import PAGES, messages, visit
from tests.support.browser import Workshop
from vae.runs.run import Run


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
        assert not test.dataframe[0].value.empty


def test_modules_are_written_whole_and_again_where_they_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")
    folder = assets.STATIC / assets.serve_modules()
    here = assets.COMPONENTS
    written = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.js")}
    assert written == {path.relative_to(here): path.read_bytes() for path in here.rglob("*.js")}
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
