"""The package as it is installed: its commands, from anywhere, without the checkout."""

import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.browser import ready, wait_until
from tests.support.paths import BUNDLED, ROOT

SOURCES = ("vae", "pages", "docs", "data", ".streamlit", "static")
FILES = ("app.py", "pyproject.toml", "requirements.txt", "README.md", "LICENSE")
TINY = ["--preset", "small", "--hidden-dims", "8", "--epochs", "1", "--batch-size", "8192"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of the wheel, which is built from a copy of the sources."""
    source, wheels, installed = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "installed"))
    left_out = shutil.ignore_patterns("__pycache__", "*.min.js.map", "modules-*", "moments-*", "pictures-*")
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(BUNDLED, source / "checkpoints" / BUNDLED.name)
    command = [sys.executable, "-m", "pip", "wheel", str(source), "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--quiet", "--wheel-dir", str(wheels)], check=True, capture_output=True)
    (wheel,) = wheels.iterdir()
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(installed)
    return installed


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> dict[str, str]:
    """The variables of a person who has installed the package, with nothing of the checkout."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("VAE_")}
    home = {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    return {**own, **home, "PYTHONPATH": str(installed)}


def command(module: str, function: str, *arguments: str) -> list[str]:
    """A command as the script of an entry point runs it."""
    return [sys.executable, "-c", f"from {module} import {function} as run; run()", *arguments]


def test_the_wheel_names_its_commands_and_has_no_other_names(installed: Path) -> None:
    (facts,) = installed.glob("*.dist-info")
    scripts = (facts / "entry_points.txt").read_text()
    assert "vae = vae.__main__:run" in scripts
    assert "vae-playground = vae.cli.playground:main" in scripts
    assert {path.name for path in installed.iterdir()} == {"vae", facts.name}
    assert sorted(path.name for path in (facts / "licenses").rglob("*") if path.is_file()) == [
        "LICENSE",
        "LICENSE",
        "README.md",
    ]
    missing = [
        path.relative_to(ROOT)
        for part in ("vae", "pages")
        for path in (ROOT / part).rglob("*.*")
        if path.is_file() and path.suffix in {".py", ".js", ".css"}
        if not (installed / ("." if part == "vae" else "vae/app") / path.relative_to(ROOT)).exists()
    ]
    assert missing == []


def test_the_installed_command_line_trains_into_a_persons_own_folder(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    def run(*arguments: str) -> str:
        arguments = tuple(command("vae.__main__", "run", *arguments))
        done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = sorted(installed.rglob("*"))
    assert BUNDLED.name in run("runs")
    assert "finished at epoch 1" in run("train", *TINY, "--threads", "1")
    runs = [path.name for path in (tmp_path / "data" / "vae-playground" / "checkpoints").iterdir()]
    assert BUNDLED.name in runs
    assert len([name for name in runs if not name.startswith(".") and (name != "README.md")]) >= 2
    written = [path for path in sorted(installed.rglob("*")) if path not in before]
    assert [path for path in written if "__pycache__" not in path.parts] == []


@pytest.mark.browser
def test_the_installed_app_opens(
    installed: Path, environment: dict[str, str], tmp_path: Path, page: Page
) -> None:
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    start = command("vae.cli.playground", "main", "--port", str(port), "--server.headless", "true")
    with (tmp_path / "log").open("wb") as log:
        app = subprocess.Popen(start, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: "URL:" in (tmp_path / "log").read_text() or app.poll() is not None)
        assert app.poll() is None, (tmp_path / "log").read_text()
        page.goto(f"http://localhost:{port}/?run={BUNDLED.name}")
        ready(page, "map")
    finally:
        app.kill()
        app.wait()
    assert (
        f"Runs are in {tmp_path / 'data' / 'vae-playground' / 'checkpoints'}"
        in (tmp_path / "log").read_text()
    )
    served = [path.name for path in (installed / "vae" / "app" / "static").iterdir()]
    assert served == [".gitignore"], "files for browsers are in a person's own folder of caches"
