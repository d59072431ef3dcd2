"""Built-in data sets that are not there yet; `test_download` has the downloads."""

import errno
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.support.browser import wait_until
from tests.support.paths import ROOT
from vae import VaeError
from vae.cli.commands import main
from vae.config import BUILT_IN
from vae.datasets import folder, registry
from vae.datasets.obtain import prepare
from vae.datasets.registry import BUILT_IN_SETS


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory that does not exist yet; 30 sprites are drawn into it."""
    for name in ("sprites", "sprites-colour"):
        monkeypatch.setitem(BUILT_IN_SETS, name, BUILT_IN_SETS[name]._replace(counts=(20, 10)))
    root = tmp_path / "data"
    monkeypatch.setenv("VAE_DATA_DIR", str(root))
    return root


@pytest.mark.parametrize(("dataset", "shape"), [("sprites", (28, 28)), ("sprites-colour", (32, 32, 3))])
def test_sprites_are_drawn_once(dataset: str, shape: tuple[int, ...], root: Path) -> None:
    with pytest.raises(
        registry.MissingDataError, match=rf"python -m vae download {dataset}` draws it"
    ) as missing:
        registry.load(dataset, train=True)
    assert missing.value.obtainable
    assert list(prepare(dataset)) == [f"Drawing {dataset}: {percent} %." for percent in (0, 67)]
    assert list(prepare(dataset)) == []
    assert [path.name for path in root.iterdir()] == [dataset]
    images, labels = registry.load(dataset, train=True)
    assert images.shape == (20, *shape)
    assert set(np.unique(labels)) <= set(range(6))


def test_drawing_needs_no_torch(root: Path) -> None:
    script = (
        "import sys; from vae.datasets.obtain import prepare; list(prepare('sprites')); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'torchvision')))"
    )
    environment = {**os.environ, "VAE_DATA_DIR": str(root), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert registry.record_of("sprites").counts["train"] == 20_000, "this process would draw fewer"


def test_a_drawing_that_is_given_up_leaves_nothing(root: Path) -> None:
    with closing(prepare("sprites")) as texts:
        next(texts)
    assert list(root.iterdir()) == []
    assert len(list(prepare("sprites"))) == 2, "it begins anew"


def test_what_a_killed_drawing_left_is_removed_a_day_later(root: Path) -> None:
    old, new = root / ".sprites.01234567", root / ".sprites.89abcdef"
    for leftover in (old, new):
        leftover.mkdir(parents=True)
    os.utime(old, (0, 0))
    list(prepare("sprites"))
    assert {path.name for path in root.iterdir()} == {"sprites", new.name}


def test_two_who_want_the_same_set_draw_it_once(root: Path) -> None:
    texts: list[str] = []
    first = prepare("sprites")
    texts.append(next(first))
    second = threading.Thread(target=lambda: texts.extend(prepare("sprites")))
    second.start()
    wait_until(lambda: len(texts) > 1)
    assert texts[1] == "Waiting for another data set before drawing sprites."
    list(first)
    second.join()
    assert not any(text.startswith("Drawing") for text in texts[1:])
    assert registry.is_present("sprites", root)


def test_another_process_that_was_faster_is_no_error(root: Path) -> None:
    with closing(prepare("sprites")) as slow:
        next(slow)
        (root / "sprites").mkdir()
        (root / "sprites" / folder.RECORD).write_text("{}")
        assert not list(slow)[1:]
    assert {path.name for path in root.iterdir()} == {"sprites"}


def test_a_folder_that_is_in_the_way_is_named(root: Path) -> None:
    (root / "sprites").mkdir(parents=True)
    with pytest.raises(
        VaeError, match=r"sprites could not be drawn .*Delete its folder in .*data if there is one"
    ):
        list(prepare("sprites"))


def test_a_folder_that_cannot_be_written_is_named(root: Path) -> None:
    root.write_text("a file in the way")
    with pytest.raises(VaeError, match=r"sprites cannot be saved in .*data: .*Make that folder.*about 19 MB"):
        list(prepare("sprites"))


def test_a_full_disk_is_named_and_nothing_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VaeError, match=r"cannot be saved in .*No space left on device.*free some space"):
        list(prepare("sprites"))
    assert list(root.iterdir()) == []


def test_data_sets_that_are_not_built_in_are_not_obtained(root: Path) -> None:
    with pytest.raises(registry.MissingDataError, match=r"my-cats is not in .*page Data") as missing:
        list(prepare("my-cats"))
    assert not missing.value.obtainable
    with folder.DatasetWriter(root / "my-cats", 1, 8) as writer:
        for split in folder.SPLITS:
            writer.add(split, np.zeros((2, 1, 8, 8), np.uint8))
        writer.finish()
    assert list(prepare("my-cats")) == []


def test_the_command_line_draws(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "sprites-colour"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"sprites-colour is in {root}.\n"
    assert printed.err.startswith("Drawing sprites-colour: 0 %.\n")


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("name", ["cifar", "../mnist", "my-cats", "x" * 1000])
def test_the_command_line_names_the_sets_there_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", name]) == 1
    error = capsys.readouterr().err
    assert "There is no built-in data set" in error
    assert ", ".join(BUILT_IN) in error
    assert len(error) < 400
