"""What is on the disk when: a power cut takes whatever was not flushed."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.small_runs import small_config
from vae.runs.archive import pack, unpack
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.storage.atomic import remove_leftovers, write_atomic, write_together


def further(run: Run, runs_dir: Path) -> Run:
    return new_run(small_config(seed=9), runs_dir, origin=run)


def unpacked(run: Run, runs_dir: Path) -> Run:
    file = io.BytesIO()
    pack(run, file)
    return unpack(file, runs_dir)


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The inodes of the files and folders that were flushed since they were last forgotten here."""
    inodes: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda descriptor: inodes.add(os.fstat(descriptor).st_ino))
    return inodes


@pytest.mark.parametrize("made", [further, unpacked])
def test_a_run_is_on_the_disk_before_it_has_its_name(
    made: Callable[[Run, Path], Run],
    trained: Run,
    tmp_path: Path,
    flushed: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rename = Path.rename

    def watched(folder: Path, target: Path) -> Path:
        lost = {path.name for path in (folder, *folder.rglob("*")) if path.stat().st_ino not in flushed}
        assert lost == set()
        flushed.clear()
        return rename(folder, target)

    monkeypatch.setattr(Path, "rename", watched)
    run = made(trained, tmp_path / "runs")
    assert run.model_path.exists()
    assert flushed == {run.path.parent.stat().st_ino}, "its name, which the folder holds"


def test_what_is_written_for_good_is_flushed_before_it_has_its_name_and_its_name_then(
    tmp_path: Path, flushed: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def watched(source: Path, target: Path) -> None:
        assert flushed == {source.stat().st_ino}
        flushed.clear()
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    write_atomic(tmp_path / "file", b"content")
    assert flushed == {tmp_path.stat().st_ino}


def test_what_was_left_half_done_is_swept_and_what_is_being_done_is_not(tmp_path: Path) -> None:
    old, new = tmp_path / ".run.0123abcd", tmp_path / ".other.0123abcd"
    for folder in (old, new):
        folder.mkdir()
        (folder / "config.json").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / ".start.lock").touch()
    (tmp_path / ".link.0123abcd").symlink_to(tmp_path / "run")
    os.utime(old, (0, 0))
    remove_leftovers(tmp_path, older=3600)
    assert {path.name for path in tmp_path.iterdir()} == {new.name, "run", ".start.lock", ".link.0123abcd"}
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"run", ".start.lock"}


def test_a_start_sweeps_the_runs_folder_of_what_is_a_day_old(tmp_path: Path) -> None:
    old, new = tmp_path / ".run.0123abcd", tmp_path / ".run.4567abcd"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    new_run(small_config(), tmp_path)
    assert [path.exists() for path in (old, new)] == [False, True]


def test_files_that_belong_together_are_written_all_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_together({first: b"1", second: b"2"})
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    left = [1]  # file for which there is room

    def fsync(_: int) -> None:
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left.pop()

    with monkeypatch.context() as patch:
        patch.setattr("vae.storage.atomic._sync_folder", lambda _: None)
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="No space"):
            write_together({first: b"3", second: b"4"})
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    assert len(list(tmp_path.iterdir())) == 2
