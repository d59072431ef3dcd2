"""The app behind a proxy: HTTPS, websockets, and a path of its own (`server.baseUrlPath`)."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import SLOW, Server, place_on, ready
from tests.support.paths import APP
from tests.support.proxy import MISSING, Proxy, nginx
from vae.runs.run import Run

pytestmark = pytest.mark.browser
PATH = "lab/vae"


def test_pages_work_behind_a_proxy_with_a_path(
    browser: Browser, trained: Run, small_data: Path, tmp_path: Path
) -> None:
    if nginx() is None:
        assert os.environ.get("CI") != "true", MISSING
        pytest.skip(MISSING)
    environment = {"VAE_RUNS_DIR": str(trained.path.parent), "VAE_DATA_DIR": str(small_data)}
    with (
        Server(APP, STREAMLIT_SERVER_BASE_URL_PATH=PATH, **environment) as server,
        Proxy(tmp_path, server.port, PATH) as proxy,
        browser.new_context(ignore_https_errors=True, viewport={"width": 1400, "height": 900}) as context,
    ):
        page = context.new_page()
        page.set_default_timeout(SLOW)
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))

        def asked(url: str) -> None:
            if not re.match(rf"(https|wss)://localhost:{proxy.port}/|data:|blob:", url):
                troubles.append(url)

        page.on("request", lambda request: asked(request.url))
        page.on("websocket", lambda socket: asked(socket.url))

        page.goto(f"{proxy.address}?run={trained.name}")
        ready(page, "map")
        page.mouse.click(*place_on(page, "map", 0.5, 0.5))
        expect(page.locator(".pins-row-tile")).to_have_count(1)
        page.get_by_role("link", name="Show the nearest in Reconstructions").click()
        page.wait_for_url(f"{proxy.address}reconstructions?*")
        expect(page.locator("[data-tiles] canvas").first).to_be_visible()
        page.reload()  # the server serves this address, too
        expect(page.locator("[data-tiles] canvas").first).to_be_visible()
        assert troubles == []
