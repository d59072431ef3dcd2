"""Runs as zips on the Train page: downloaded, dropped in, refused."""

import io
from pathlib import Path

import pytest

from pages.components.runs import run_zip
from tests.support.app_test import PAGES, messages, read, visit
from vae.runs.archive import pack
from vae.runs.run import Run
from vae.runs.titles import title_of


def zipped(run: Run) -> bytes:
    file = io.BytesIO()
    pack(run, file)
    return file.getvalue()


@pytest.mark.usefixtures("small")
def test_the_first_run_can_be_dropped_in(trained: Run, small: Path) -> None:
    test = visit(PAGES[2], show="Runs")
    test.file_uploader[0].upload("run.zip", zipped(trained), "application/zip").run()
    assert not test.exception
    assert [path.name for path in small.iterdir()] == [trained.name]
    assert test.query_params["run"] in (trained.name, [trained.name])
    assert title_of(trained) in read(test.toast[0].value)
    assert list(test.dataframe[0].value["name"]) == [trained.name]
    assert not test.file_uploader[0].value, "it is ready for the next"


def test_a_zip_that_is_none_gets_a_sentence_and_is_looked_at_once(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = visit(PAGES[2], show="Runs")
    test.file_uploader[0].upload("run.zip", b"hello", "application/zip").run()
    assert "The zip cannot be unpacked" in messages(test)
    monkeypatch.setattr(run_zip, "unpack", lambda *_: pytest.fail("unpacked again"))
    assert "The zip cannot be unpacked" in messages(test.run())
    assert [path.name for path in runs_dir.iterdir()] == [trained.name]


def test_a_zip_is_made_when_it_is_asked_for(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs_dir.exists()
    monkeypatch.setattr(run_zip, "pack", lambda *_: pytest.fail("packed too early"))
    test = visit(PAGES[2], {"chosen_runs": [trained.name]}, run=trained.name, show="Runs")
    (button,) = test.get("download_button")
    assert not button.proto.disabled
    monkeypatch.setattr(run_zip, "MAX_BYTES", 1000)
    (button,) = visit(PAGES[2], {"chosen_runs": [trained.name]}, run=trained.name, show="Runs").get(
        "download_button"
    )
    assert button.proto.disabled
    assert "copy its folder" in button.proto.help
