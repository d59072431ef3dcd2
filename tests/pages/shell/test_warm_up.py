"""What servers do when they start, before anybody visits them."""

import gzip
import logging
import shutil
import threading
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pages.components.shell import assets, warm_up
from tests.support.app_test import PAGES, messages, visit
from tests.support.browser import Server, wait_until
from tests.support.paths import APP
from tests.support.small_runs import write_small_mnist
from vae.datasets import registry
from vae.runs.run import Run


def test_two_servers_prepare_one_folder_before_anybody_visits_them(trained: Run, tmp_path: Path) -> None:
    runs_dir, data, static = (tmp_path / name for name in ("runs", "data", "static"))
    shutil.copytree(trained.path, runs_dir / trained.name)
    write_small_mnist(data)
    environment = {"VAE_RUNS_DIR": str(runs_dir), "VAE_DATA_DIR": str(data), "VAE_STATIC_DIR": str(static)}
    one, other = Server(APP, **environment), Server(APP, **environment)
    one.log = other.log = tmp_path / "log.txt"
    folder = static / assets.OWN_FOLDER
    kinds = ("plotly-*.min.js", "modules-*/shell/window.js", "moments-*/*.safetensors", "pictures-*.gz")
    with one, other:  # the first answers before it is ready
        wait_until(lambda: all(any(folder.glob(kind)) for kind in kinds))
        (pictures,) = folder.glob("pictures-*.gz")
        (plotly,) = folder.glob("plotly-*.min.js")
        images = np.frombuffer(gzip.decompress(pictures.read_bytes()), np.uint8, offset=8)
        wait_until(lambda: not any(path.name.startswith(".") for path in folder.rglob("*")))
    assert plotly.read_bytes() == assets.PLOTLY.read_bytes()
    assert np.array_equal(images, registry._load_mnist(False, data).images.ravel())
    assert "missing ScriptRunContext" not in one.log.read_text()


def test_a_server_that_cannot_prepare_leaves_it_to_the_page(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert runs_dir.exists()
    taken = tmp_path / "static"
    taken.write_text("a file")
    monkeypatch.setattr(assets, "STATIC", taken)
    with caplog.at_level(logging.INFO):
        warm_up.prepare()
    assert "The server did not warm up: What this page shows is fetched from" in caplog.text
    assert f"fetched from {taken}, where nothing can be written" in messages(visit(PAGES[0]))


def test_two_threads_import_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor who comes while the server imports its pages."""
    inside, together, both = [0], [0], threading.Barrier(2)

    def importing(name: str) -> ModuleType:
        inside[0] += 1
        together[0] = max(together[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1
        return import_module(name)

    def work() -> None:
        both.wait()
        for _ in range(3):
            warm_up.imported("json")

    monkeypatch.setattr(warm_up, "import_module", importing)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1]
