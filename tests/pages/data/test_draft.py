"""Uploads in a temporary folder, for as long as they are looked at."""

import gc
import io
import os
import tempfile
import time
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest

from pages.components.data.draft import PREFIX, Draft, Look, opened, stored
from tests.support.picture_files import encoded, left_in, picture, write_idx, write_zip
from vae import VaeError
from vae.datasets.array_pictures import UnclearShapeError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return folder


def upload(name: str, content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def a_zip(tmp_path: Path) -> bytes:
    files = {f"{kind}/{i}.png": encoded(picture(i)) for i in range(4) for kind in "ab"}
    return write_zip(tmp_path / "made.zip", files).read_bytes()


def test_a_zip_is_there_as_long_as_its_source(tmp_path: Path, temporary: Path) -> None:
    draft: Draft | None = opened(stored([upload("My Holidays (2026).zip", a_zip(tmp_path))]))
    assert draft is not None
    assert draft.name == "my-holidays-2026"
    assert draft.source.path.name == "My Holidays (2026).zip"
    assert draft.source.classes == ("a", "b")
    source = draft.source
    draft = None
    gc.collect()
    assert len(source.read(0, 3, 64)) == 20, "as an import may go on without a tab"
    del source
    gc.collect()
    assert left_in(temporary) == []


def test_what_cannot_be_opened_is_removed(temporary: Path) -> None:
    with pytest.raises(VaeError, match=r"notes\.pdf is no file of pictures"):
        opened(stored([upload("notes.pdf", b"%PDF-1.7 and more")]))
    gc.collect()
    assert left_in(temporary) == []


@pytest.mark.parametrize(
    "names",
    [("one.png", "two.png"), ("one.png", "one.png"), ("../../one.png", "C:\\pictures\\one.png", "\0*?.png")],
)
def test_several_pictures_are_a_folder(names: tuple[str, ...], temporary: Path) -> None:
    draft = opened(stored([upload(name, encoded(picture(i))) for i, name in enumerate(names)]))
    assert len(draft.source) == len(names)
    assert draft.name == "pictures"
    assert all(path.resolve().is_relative_to(temporary) for path in temporary.rglob("*"))
    assert left_in(temporary.parent) == ["temporary"]


def test_idx_files_find_their_labels(tmp_path: Path) -> None:
    images = np.stack([picture(i, colour=False) for i in range(6)])
    files = {
        "t-images-idx3-ubyte.gz": images,
        "t-labels-idx1-ubyte.gz": np.arange(6, dtype=np.uint8) % 2,
    }
    uploads = [
        upload(name, write_idx(tmp_path / name, values).read_bytes()) for name, values in files.items()
    ]
    assert opened(stored(uploads)).source.classes == ("0", "1")


def test_an_unclear_array_stays_for_a_second_look(temporary: Path) -> None:
    content = io.BytesIO()
    np.save(content, np.zeros((3, 16, 16, 3), np.uint8))
    files = stored([upload("mine.npy", content.getvalue())])
    with pytest.raises(UnclearShapeError):
        opened(files)
    gc.collect()
    assert left_in(temporary) != []
    assert len(opened(files, "NHWC").source) == 3


def test_a_table_that_is_cancelled_half_way_is_removed(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "\n".join(",".join(map(str, range(64))) for _ in range(40)).encode()
    shares: list[float] = []

    def report(look: Look, share: float) -> None:
        shares.append(share)
        look.cancel()
        told(look, share)

    told = Look._report
    monkeypatch.setattr(Look, "_report", report)
    look = Look(stored([upload("mine.csv", rows)]))
    assert isinstance(look.draft.exception(60), CancelledError)
    assert shares == [1], "so few rows are read at once"
    assert left_in(temporary) == []


def test_what_a_killed_server_has_left_is_removed_a_day_later(temporary: Path) -> None:
    old, new = temporary / f"{PREFIX}old", temporary / f"{PREFIX}new"
    for folder in (old, new, temporary / "other"):
        folder.mkdir()
        os.utime(folder, (0, time.time() - (3600 if folder == new else 90_000)))
    files = stored([upload("a.png", encoded(picture(0)))])
    assert sorted(path.name for path in temporary.iterdir() if path != files.path.parent) == [
        "other",
        new.name,
    ]


def test_what_a_tab_still_shows_a_day_later_stays(tmp_path: Path, temporary: Path) -> None:
    draft = opened(stored([upload("mine.zip", a_zip(tmp_path))]))
    (folder,) = temporary.iterdir()
    os.utime(folder, (0, time.time() - 90_000))
    other = stored([upload("a.png", encoded(picture(0)))])
    assert folder.exists()
    assert folder.stat().st_mtime > time.time() - 3600, "another server would remove it"
    assert len(draft.source.read(0, 3, 64)) == 20
    other.remove()
    assert list(temporary.iterdir()) == [folder]


def test_a_name_that_is_taken_is_not_proposed(tmp_path: Path) -> None:
    (tmp_path / "data" / "holidays").mkdir(parents=True)
    assert opened(stored([upload("Holidays.zip", a_zip(tmp_path))])).name == "holidays-2"
    assert opened(stored([upload("mnist.zip", a_zip(tmp_path))])).name == "mnist-2"
    assert opened(stored([upload("\N{HANGUL SYLLABLE GA}.zip", a_zip(tmp_path))])).name == "pictures"
