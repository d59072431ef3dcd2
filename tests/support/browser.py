"""A Chromium and a running app, for the browser tests, the benchmarks and the README's pictures.

`python -m tests.support.browser` installs a Chromium where it may, and says so where it can't.
"""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Locator, Page, sync_playwright

from pages.components.shell.assets import COMPONENTS, STATIC
from tests.support.paths import APP, ROOT

# Without these it looks up hosts of its maker, and fails slowly where there is no network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LISTS_LIBRARIES = Path("/proc/self/maps").exists()  # whether this system lists those in a process's memory
SLOW = 180_000  # milliseconds: the limit of a step on a busy machine, which only ends what never would
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "No Chromium was found, so the browser tests cannot run. Install one with your system's packages, "
    "or with `.venv/bin/playwright install chromium`."
)


def chromium() -> str | None:
    """The path of a Chromium, or None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install(*packages: str) -> None:
    """Installs packages of Debian, if this is Debian and we may; none of their services is started."""
    if not _may_install():
        return
    print(f"Installing {', '.join(packages)} for the tests ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)


def can_install(*packages: str) -> bool:
    """Whether `install` can have these packages here."""
    trial = ["apt-get", "install", "--simulate", "-qq", "--no-install-recommends", *packages]
    return _may_install() and subprocess.run(trial, capture_output=True, check=False).returncode == 0


def _may_install() -> bool:
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def free_port() -> int:
    """A port that no server has now."""
    with socket.create_server(("localhost", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether a server on this machine listens at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def wait_until(condition: Callable[[], bool], seconds: float = SLOW / 1000) -> None:
    """Waits for another process."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("nothing happened")
        time.sleep(0.02)


def removed(folder: Path) -> bool:
    """Removes a folder in which a trainer may still be writing; returns whether it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


class Server:
    """`streamlit run SCRIPT` on a free port, from the moment it answers until the block is left.

    What it prints is appended to `log`, where that was set before.
    """

    def __init__(self, script: Path, **environment: str) -> None:
        self.port = free_port()
        self.script, self.log = script, Path(os.devnull)
        self.environment = {**os.environ, **environment}

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", str(self.script), "--server.headless", "true"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--server.port", str(self.port)],
                cwd=self.script.parent,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"The server of {self.script} ended by itself.")
        return answers(self.port)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def maps(self, library: str) -> bool:
        """Whether the server's memory holds a library whose file name contains `library`.

        Only where `LISTS_LIBRARIES`.
        """
        return library in Path(f"/proc/{self.process.pid}/maps").read_text()

    def address(self, page: str = "") -> str:
        return f"http://localhost:{self.port}/{page}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def own_page(folder: Path, script: str, **environment: str) -> Server:
    """A server of a page of its own, in which parts of the app are tried; its file in an empty folder."""
    path = folder / "page.py"
    path.write_text(script, encoding="utf-8")
    _copy_settings(folder)
    return Server(path, PYTHONPATH=str(ROOT), **environment)


def _copy_settings(folder: Path) -> None:
    """Streamlit's settings and static files of the app, beside another script."""
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    STATIC.mkdir(exist_ok=True)
    (folder / "static").symlink_to(STATIC)


class Workshop(Server):
    """A server whose runs and pages are those of one test after another, which saves a start for each.

    It serves the app, or a test's own script in its place; `runs` is its runs directory. Trainings and
    evaluations that its pages start are forked, without an import of torch each.
    """

    def __init__(self, folder: Path, data: Path, **environment: str) -> None:
        (folder / "page.py").write_text(_RUN_CURRENT_SCRIPT, encoding="utf-8")
        _copy_settings(folder)
        self.folder, self.runs = folder, folder / "runs"
        places = {"VAE_RUNS_DIR": str(self.runs), "VAE_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}
        super().__init__(folder / "page.py", **places, **environment)
        self.serve_app()

    def serve_app(self) -> None:
        (self.folder / "current").write_text(str(APP), encoding="utf-8")

    def serves_app(self) -> bool:
        return (self.folder / "current").read_text(encoding="utf-8") == str(APP)

    def serve_script(self, script: str) -> Self:
        """Serves a page of a test's own, in which parts of the app are tried."""
        # Python finds the source of a function by the name of its file.
        path = self.folder / f"{hashlib.sha256(script.encode()).hexdigest()}.py"
        path.write_text(script, encoding="utf-8")
        (self.folder / "current").write_text(str(path), encoding="utf-8")
        return self


_RUN_CURRENT_SCRIPT = """
from pathlib import Path
from tests.support.processes import FORKED
from vae.training import processes
processes.subprocess = FORKED
script = Path(__file__).with_name("current").read_text(encoding="utf-8")
code = compile(Path(script).read_text(encoding="utf-8"), script, "exec")
exec(code, {"__name__": "__main__", "__file__": script})
"""


class _Modules(SimpleHTTPRequestHandler):
    """Serves the components' files, and at / a page that shows nothing."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b'<!doctype html><link rel="icon" href="data:,"><title>Modules</title>')

    def log_message(self, *_: object) -> None:
        pass


class _ModuleServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Prints nothing of a browser that has left before its answer."""


@contextmanager
def serve_modules() -> Iterator[str]:
    """The address of a bare page; the components' modules lie beside it, in their folders."""
    with _ModuleServer(("localhost", 0), partial(_Modules, directory=str(COMPONENTS))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()


class Scripted(Protocol):
    """A tab that calls functions of JavaScript: Playwright's, or one of other_browsers.py."""

    def evaluate(self, expression: str, arg: Any = None) -> Any: ...


# In the page: whether a figure has been drawn so often, and where on the screen a place of it is.
READY = """([key, revision]) => {
    const box = document.querySelector(`[data-chart="${key}"]`);
    return box?.dataset.ready === "true" && Number(box.dataset.revision) >= revision;
}"""
PLACE = """([key, x, y]) => {
    const chart = document.querySelector(`[data-chart="${key}"] .js-plotly-plot`);
    const { left, top } = chart.getBoundingClientRect();
    const { xaxis, yaxis } = chart._fullLayout;
    return [left + xaxis._offset + xaxis.d2p(x), top + yaxis._offset + yaxis.d2p(y)];
}"""


def ready(page: Page, key: str, revision: int = 1) -> None:
    """Waits until the live figure `key` has been drawn `revision` times."""
    page.wait_for_function(READY, arg=[key, revision], timeout=SLOW)


def place_on(page: Scripted, key: str, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a place of a live figure is, given in data coordinates."""
    left, top = page.evaluate(PLACE, [key, x, y])
    return left, top


def click_at(page: Page, key: str, x: float, y: float) -> None:
    """Clicks a place of a live figure, given in data coordinates."""
    page.mouse.click(*place_on(page, key, x, y))


def points(page: Page, key: str) -> int:
    """How many points all curves of a live figure have now."""
    count = page.evaluate(
        """(key) => document.querySelector(`[data-chart="${key}"] .js-plotly-plot`)
            ._fullData.reduce((sum, trace) => sum + trace.x.length, 0)""",
        key,
    )
    return int(count)


def drawn(page: Page, alt: str = "What the model draws") -> list[list[int]]:
    """The grey levels of a large picture, as 28 rows of 28."""
    pixels: list[list[int]] = page.get_by_alt_text(alt).evaluate(
        """async (image) => {
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            const middle = (i) => Math.floor(((i + 0.5) * canvas.width) / 28);
            const grey = (row, column) => data[4 * (middle(row) * canvas.width + middle(column))];
            const places = [...Array(28).keys()];
            return places.map((row) => places.map((column) => grey(row, column)));
        }"""
    )
    return pixels


# In base64: as a list, Playwright takes a second for a map's half a million numbers.
_PIXELS = """(canvas) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const text = [];
    for (let k = 0; k < data.length; k += 30_000)
        text.push(String.fromCharCode(...data.subarray(k, k + 30_000)));
    return [width, height, btoa(text.join(""))];
}"""


def pixels(canvas: Locator) -> npt.NDArray[np.int64]:
    """The pixels of a canvas, red, green, blue and opacity from 0 to 255: (height, width, 4)."""
    width, height, text = canvas.evaluate(_PIXELS)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4).astype(int)


if __name__ == "__main__":
    if chromium() is None:
        install("chromium")
    print(f"Browser tests use {path}." if (path := chromium()) else MISSING)
