"""Imports in the background: their end, their failures, two of one name, and one that is cancelled."""

import errno
import os
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.browser import wait_until
from tests.support.picture_files import encoded, left_in, picture, write_files
from vae import VaeError
from vae.datasets import import_jobs
from vae.datasets.fitting import Form
from vae.datasets.folder import DatasetWriter
from vae.datasets.import_jobs import ImportJob, begin_import, running_imports
from vae.datasets.importing import Progress, import_pictures, open_source
from vae.datasets.registry import load
from vae.datasets.sources import LeftOut, Source

FORM = Form(16, 3)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def source(tmp_path: Path) -> Generator[Source, None, None]:
    files = {f"{i}.png": encoded(picture(i)) for i in range(20)} | {"broken.png": b"nothing"}
    with open_source(write_files(tmp_path / "mine", files)) as opened:
        yield opened


def ended(job: ImportJob) -> ImportJob:
    wait_until(lambda: job.ended)
    return job


@pytest.mark.usefixtures("root")
def test_an_import_ends_with_a_record_and_what_was_left_out(source: Source) -> None:
    job = ended(begin_import(source, FORM, "mine", 0.25))
    assert job.record is not None
    assert job.record.counts == {"train": 15, "test": 5}
    assert job.left_out == ("1 left out: no picture that can be read (broken.png).",)
    assert (job.done, job.total, job.error) == (21, 21, "")
    assert len(load("mine", train=True).images) == 15
    assert running_imports() == []
    with pytest.raises(VaeError, match="There is a data set mine already"):
        begin_import(source, FORM, "mine")


def test_one_that_is_cancelled_leaves_nothing_and_its_name_is_free(
    source: Source, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()

    def slow(*arguments: object) -> Generator[Progress, None, None]:
        yield Progress(0, 21, LeftOut())
        assert going_on.wait(60)
        yield from import_pictures(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(import_jobs, "import_pictures", slow)
    job = begin_import(source, FORM, "mine")
    assert running_imports() == [job]
    with pytest.raises(VaeError, match="mine is being imported already"):
        begin_import(source, FORM, "mine")
    job.cancel()
    going_on.set()
    assert ended(job).record is None
    assert job.error == ""
    assert left_in(root) == []
    monkeypatch.undo()
    monkeypatch.setenv("VAE_DATA_DIR", str(root))
    assert ended(begin_import(source, FORM, "mine")).record is not None


def test_a_full_disk_ends_it_with_a_sentence(
    source: Source, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(DatasetWriter, "add", full)
    job = ended(begin_import(source, FORM, "mine"))
    assert job.error.startswith(f"The data set mine cannot be saved in {root}: No space left on device.")
    assert left_in(root) == []


@pytest.mark.usefixtures("root")
def test_a_fault_of_the_program_ends_it_too(
    source: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(import_jobs, "import_pictures", faulty)
    assert "by a fault of this program" in ended(begin_import(source, FORM, "mine")).error
    assert "ZeroDivisionError" in caplog.text
    assert running_imports() == []
