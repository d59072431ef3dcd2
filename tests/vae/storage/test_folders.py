"""Folders that people name, as absolute paths."""

from pathlib import Path

import pytest

from tests.support.paths import ROOT
from vae import VaeError
from vae.storage.folders import absolute_path, configured_folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a home in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("my 실행 runs", "my 실행 runs"),
        ("./a/../b", "b"),
        ("~/runs", "home/runs"),
        ("~", "home"),
        ("a/~", "a/~"),
        ("$HOME/runs", "$HOME/runs"),  # left to the shell
    ],
)
def test_a_named_folder_is_absolute(text: str, wanted: str, here: Path) -> None:
    assert absolute_path(text) == here / wanted


def test_links_are_followed(here: Path) -> None:
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    assert absolute_path("link/runs") == here / "real" / "runs"


@pytest.mark.parametrize("text", [None, "", "  "])
def test_without_a_name_the_folder_is_that_of_the_project(
    text: str | None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAE_RUNS_DIR", raising=False)
    if text is not None:
        monkeypatch.setenv("VAE_RUNS_DIR", text)
    assert here != ROOT
    assert configured_folder("VAE_RUNS_DIR", "checkpoints") == ROOT / "checkpoints"


@pytest.mark.parametrize("text", ["~nobody-of-this-name/x", "circle/x", "a\0b", "\udcff/x"])
def test_a_folder_that_cannot_be_is_a_sentence(text: str, here: Path) -> None:
    (here / "circle").symlink_to("circle")
    with pytest.raises(VaeError, match="cannot be used"):
        absolute_path(text)


def test_a_deleted_current_folder_is_a_sentence(here: Path) -> None:
    gone = here / "gone"
    gone.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(gone)
        gone.rmdir()
        with pytest.raises(VaeError, match="write its whole path"):
            absolute_path("runs")
        assert absolute_path(here) == here
