"""A Chromium and a running app, for the browser tests, the benchmarks and the README's pictures.

`python -m tests.browser` installs a Chromium where it may, and says so where it can't.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from playwright.sync_api import sync_playwright

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
ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app.py"
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


def install() -> None:
    """Installs Debian's Chromium, if this is Debian and we may."""
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print("Installing Chromium for the browser tests ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Waits for another process; the limit only ends a wait that would never end."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("nothing happened")
        time.sleep(0.02)


class Server:
    """`streamlit run SCRIPT` on a free port, from the moment it answers until the block is left."""

    def __init__(self, script: Path, **environment: str) -> None:
        with socket.create_server(("localhost", 0)) as free:
            self.port = free.getsockname()[1]
        self.script = script
        self.environment = {**os.environ, **environment}

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", str(self.script), "--server.headless", "true"]
        self.process = subprocess.Popen(
            [*command, "--server.port", str(self.port)],
            cwd=self.script.parent,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"The server of {self.script} ended by itself.")
        with socket.socket() as probe:
            return probe.connect_ex(("localhost", self.port)) == 0

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def address(self, page: str = "") -> str:
        return f"http://localhost:{self.port}/{page}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


if __name__ == "__main__":
    if chromium() is None:
        install()
    print(f"Browser tests use {path}." if (path := chromium()) else MISSING)
