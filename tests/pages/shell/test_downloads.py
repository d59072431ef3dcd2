"""A run of a data set that is not there: its pages show how it is got, and themselves once it is there."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app_test import PAGES, component, messages, read, visit
from tests.support.browser import wait_until
from tests.support.small_runs import small_config, write_mirrored_mnist
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.training import downloads, processes

# Stands in for `python -m vae download`: goes on once the folder has a file `go`, `fail` or `killed`.
PROCESS = """
import os, shutil, sys, time
from pathlib import Path
root, source, text = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
print(text, file=sys.stderr, flush=True)
end = time.monotonic() + 180  # where a test has failed
while not any((root / name).exists() for name in ("go", "fail", "killed")):
    time.sleep(0.01)
    assert time.monotonic() < end
if (root / "killed").exists():
    os._exit(137)
if (root / "fail").exists():
    (root / "fail").unlink()
    sys.exit("The data set kmnist could not be downloaded or read (no network).")
shutil.copytree(source, root / source.name)
"""


ACTIVITY = {"kmnist": "Downloading kmnist: 3 of 21 MB.", "sprites": "Drawing sprites: 40 %."}


@pytest.fixture
def run(runs_dir: Path, trained: Run) -> Run:
    """A run of another set than MNIST."""
    return run_of("kmnist", runs_dir, trained)


def run_of(dataset: str, runs_dir: Path, trained: Run) -> Run:
    run = new_run(small_config(dataset=dataset), runs_dir)
    shutil.copy(trained.model_path, run.model_path)
    return run


@pytest.fixture
def root(small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory."""
    root = tmp_path / "data"
    root.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        for dataset in ACTIVITY:
            write_mirrored_mnist(tmp_path / "source" / dataset)
    monkeypatch.setenv("VAE_DATA_DIR", str(root))

    def start(*arguments: str, module: str, **streams: Any) -> subprocess.Popen[Any]:
        command, dataset = arguments
        assert (module, command) == ("vae", "download")
        started.append(arguments)
        source = tmp_path / "source" / dataset
        return subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(root), str(source), ACTIVITY[dataset]], **streams
        )

    monkeypatch.setattr(processes, "start_process", start)
    return root


started: list[tuple[str, ...]] = []


@pytest.fixture(autouse=True)
def nothing_started() -> None:
    started.clear()


def job(dataset: str = "kmnist") -> downloads.DownloadJob:
    found = downloads.download_job(dataset)
    assert found is not None
    return found


def shown(test: AppTest, dataset: str = "kmnist") -> str:
    """What the page says once the process has said how far it is."""
    wait_until(lambda: job(dataset).activity != "")
    return messages(test.run())


def test_the_page_shows_the_download_and_then_itself(run: Run, root: Path) -> None:
    tests = [visit(page, run=run.name) for page in PAGES[:2]]
    for test in tests:
        text = shown(test)
        assert "needs the data set kmnist, which is not here yet: it is being downloaded (21 MB)" in text
        assert text.endswith("Downloading kmnist: 3 of 21 MB.")
        assert not test.error
    assert len(started) == 1, "one for both pages"
    (root / "go").touch()
    wait_until(lambda: job().ended)
    for test, key in zip(tests, ("map", "gallery"), strict=True):
        assert messages(test.run()) == ""
        assert component(test, key)


def test_sprites_are_drawn_where_a_page_needs_them(runs_dir: Path, trained: Run, root: Path) -> None:
    test = visit(PAGES[0], run=run_of("sprites", runs_dir, trained).name)
    text = shown(test, "sprites")
    assert "needs the data set sprites, which is not here yet: it is being drawn (19 MB)" in text
    assert text.endswith("Drawing sprites: 40 %.")
    (root / "go").touch()
    wait_until(lambda: job("sprites").ended)
    assert messages(test.run()) == ""
    assert component(test, "map")


def test_a_missing_set_of_ones_own_is_said_and_nothing_is_begun(run: Run, root: Path) -> None:
    run.write_config(run.config.model_copy(update={"dataset": "cats", "contents": "0" * 16}))
    page = visit(PAGES[0], run=run.name)
    text = read(" ".join(each.value for each in page.caption)).replace("`", "")
    assert f"The data set cats is not in {root}." in text
    assert "Add it on the page Data or by python -m vae data add cats SOURCE" in text
    assert started == []


def test_a_download_that_fails_says_why_and_can_be_tried_again(run: Run, root: Path) -> None:
    (root / "fail").touch()
    test = visit(PAGES[0], run=run.name)
    wait_until(lambda: job().ended)
    assert "could not be downloaded or read (no network)" in messages(test.run())
    assert len(started) == 1
    next(button for button in test.button if button.label == "Try again").click()
    assert "it is being downloaded" in shown(test)
    assert len(started) == 2
    (root / "go").touch()
    wait_until(lambda: job().ended)
    assert messages(test.run()) == ""


def test_a_download_that_is_killed_ends_with_a_sentence(run: Run, root: Path) -> None:
    (root / "killed").touch()
    test = visit(PAGES[0], run=run.name)
    wait_until(lambda: job().ended)
    assert messages(test.run()) == "The process that gets kmnist ended by itself."


@pytest.mark.usefixtures("root")
def test_where_only_the_host_may_change_runs_visitors_download_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_READ_ONLY", "1")
    assert "The host gets it by opening this page, or with python -m vae download kmnist" in messages(
        visit(PAGES[0], run=run.name)
    ).replace("`", "")
    assert started == []


@pytest.mark.usefixtures("forked")
def test_a_real_process_says_why_it_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # where nobody answers
    downloads.begin_download("kmnist")
    wait_until(lambda: job().ended)
    assert job().error.startswith("The data set kmnist could not be downloaded or read")
    assert job().activity in ("", "Downloading kmnist: 0 of 21 MB.")
