"""What tests share: a small MNIST, and one small trained run."""

import functools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import streamlit
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)
from streamlit.components.v2 import manifest_scanner

from tests.support.browser import (
    ARGUMENTS,
    LISTS_LIBRARIES,
    MISSING,
    SLOW,
    Server,
    Workshop,
    chromium,
    removed,
    serve_modules,
    wait_until,
)
from tests.support.paths import APP, BUNDLED, ROOT
from tests.support.processes import FORKED
from tests.support.small_runs import SMALL_CONV, score_training_set, small_config, write_small_mnist
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.training import jobs
from vae.training.loop import fit

expect.set_options(timeout=SLOW)  # its own five seconds are too few for a busy machine
# Streamlit asks these at the page's own address before it asks them at the root.
OURS = re.compile(r"(https?|wss?)://localhost:|data:|blob:|about:|file:")
PROBES = re.compile(r"/_stcore/(health|host-config)$")
DESKTOP: ViewportSize = {"width": 1400, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs long files first, so that the short ones fill the gap at the end.

    First those with browser tests, then those whose tests start processes.
    """
    browser = {item.path for item in items if item.get_closest_marker("browser")}
    processes = {"training", "cli"}
    items.sort(key=lambda item: (item.path not in browser, item.path.parent.name not in processes))


@pytest.fixture(autouse=True)
def main_module_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit puts the script it tests in the place of `__main__`, which spawned processes then import."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session", autouse=True)
def packages_scanned_once() -> Iterator[None]:
    """Caches Streamlit's scan of all installed packages for components, which AppTest repeats at each page.

    Written for Streamlit 1.67; without this function there the tests are only slower.
    """
    with pytest.MonkeyPatch.context() as patch:
        if scan := getattr(manifest_scanner, "scan_component_manifests", None):
            patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(scan))
        yield


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 600 training and 200 test images; read only."""
    return write_small_mnist(tmp_path_factory.mktemp("data"))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, small_data: Path, tmp_path: Path) -> Path:
    """Makes the small MNIST and an empty runs directory those of this test; returns the latter."""
    runs_dir = tmp_path / "runs"
    monkeypatch.setenv("VAE_DATA_DIR", str(small_data))
    monkeypatch.setenv("VAE_RUNS_DIR", str(runs_dir))
    return runs_dir


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings and evaluations are forked instead of started, without an import of torch each."""
    monkeypatch.setattr("vae.training.processes.subprocess", FORKED)


def _trained(small_data: Path, runs_dir: Path, **changes: object) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        run = new_run(small_config(**changes), runs_dir)
        for _ in fit(run):
            pass
    return run


@pytest.fixture(scope="session")
def trained(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run on the small MNIST; read only."""
    return _trained(small_data, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def convolved(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of a network with convolutions; read only."""
    return _trained(small_data, tmp_path_factory.mktemp("runs"), **SMALL_CONV)


@pytest.fixture(scope="session")
def wide(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same of five latent dimensions, after one epoch, with its training set scored."""
    run = _trained(small_data, tmp_path_factory.mktemp("runs"), latent_dim=5, epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        score_training_set(run)
    return run


@pytest.fixture
def runs_dir(small: Path, trained: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs directory with one finished run in it, its caches empty."""
    shutil.copytree(trained.path, small / trained.name)
    monkeypatch.chdir(ROOT)
    streamlit.cache_resource.clear()
    return small


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A Chromium with a profile: it compiles the scripts of a server once, and not for each page."""
    path = chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=path, args=ARGUMENTS, viewport=DESKTOP
        )
        context.set_default_timeout(SLOW)
        yield context
        context.close()


@pytest.fixture(scope="session")
def browser(context: BrowserContext) -> Browser:
    """The same Chromium, for visitors that share nothing with the others."""
    assert context.browser is not None
    return context.browser


@pytest.fixture
def open_page(context: BrowserContext) -> Iterator[Callable[[], Page]]:
    """Opens tabs; the test fails if one logs an error, or asks another host for anything."""
    pages: list[Page] = []
    troubles: list[str] = []

    def opened() -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: None if OURS.match(request.url) else troubles.append(request.url))
        page.on("response", lambda response: troubles.append(response.url) if _failed(response) else None)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        with suppress(Error):  # it was closed, or is about:blank
            page.evaluate(
                "localStorage.clear()"
            )  # such as a collapsed sidebar, which the next tab would have
        page.close()
    assert troubles == []


@pytest.fixture
def page(open_page: Callable[[], Page]) -> Page:
    """A new tab."""
    return open_page()


@pytest.fixture
def bare_page(modules: str, page: Page) -> Page:
    """A tab that shows nothing, and can import the modules of components by their paths."""
    page.goto(modules)
    return page


@pytest.fixture(scope="session")
def modules() -> Iterator[str]:
    """The address of a bare page beside the modules of components."""
    with serve_modules() as address:
        yield address


@pytest.fixture(scope="session")
def workshop_server(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Workshop(tmp_path_factory.mktemp("workshop"), small_data) as server:
        yield server


@pytest.fixture
def workshop(workshop_server: Workshop) -> Iterator[Workshop]:
    """A server on the small MNIST whose runs a test may change; without runs at first."""
    if workshop_server.process.poll() is not None:  # a test that stopped it failed
        workshop_server.start()
    workshop_server.serve_app()
    workshop_server.runs.mkdir(exist_ok=True)
    without_torch = not _has_torch(workshop_server)  # a test's own script may have loaded it before
    yield workshop_server
    if without_torch and workshop_server.serves_app():
        assert not _has_torch(workshop_server), "a page made the server load torch"
    if (run := jobs.live_run(workshop_server.runs)) is not None:
        run.request_stop()
        wait_until(lambda: jobs.live_run(workshop_server.runs) is None)
    wait_until(lambda: removed(workshop_server.runs))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the bundled run; nothing is changed there."""
    runs_dir = tmp_path_factory.mktemp("runs")
    shutil.copytree(BUNDLED, runs_dir / BUNDLED.name)
    with Server(APP, VAE_RUNS_DIR=str(runs_dir)) as server:
        yield server
        assert not _has_torch(server), "a page made the server load torch"


def _has_torch(server: Server) -> bool:
    """Whether a server has loaded torch; False where that cannot be known."""
    return LISTS_LIBRARIES and server.process.poll() is None and server.maps("torch")


def _failed(response: Response) -> bool:
    return response.status >= 400 and not PROBES.search(response.url)
