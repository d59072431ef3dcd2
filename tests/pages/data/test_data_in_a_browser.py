"""Pictures of one's own in a real browser: dropped in, looked at, imported, shown, trained on, deleted."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Server, pixels
from tests.support.on_screen import assert_on_screen, hide_sidebar
from tests.support.paths import APP
from tests.support.picture_files import encoded, left_in, write_zip
from tests.support.small_runs import write_small_mnist
from vae.datasets.registry import record_of

pytestmark = pytest.mark.browser

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (40, 40, 230)}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """With an empty folder of runs, and a data directory and temporary files of its own."""
    data, temporary = write_small_mnist(tmp_path / "data"), tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("VAE_DATA_DIR", str(data))
    with Server(
        APP, VAE_DATA_DIR=str(data), VAE_RUNS_DIR=str(tmp_path / "runs"), TMPDIR=str(temporary)
    ) as server:
        yield server


def holidays(path: Path) -> Path:
    """A zip of 36 pictures of 60 x 30 pixels: a third at the left in the class's colour, the rest grey."""
    files = {}
    for name, colour in COLOURS.items():
        for number in range(12):
            picture = np.full((30, 60, 3), 100 + number, np.uint8)
            picture[:, :20] = colour
            files[f"pictures/{name}/{number}.png"] = encoded(picture)
    files["pictures/red/broken.png"] = b"nothing"
    return write_zip(path, files)


def first_row(canvas: Locator) -> np.ndarray:
    """The colours of the first row of pixels: (S, 3)."""
    row: np.ndarray = pixels(canvas)[0, :, :3]
    return row


def test_a_zip_is_dropped_in_looked_at_imported_and_deleted(
    page: Page, server: Server, tmp_path: Path
) -> None:
    page.goto(server.address("data"))
    page.get_by_role("radio", name="Add pictures").click()
    expect(page.get_by_text("Nothing is added before you have seen")).to_be_visible()
    page.locator("input[type=file]").set_input_files(holidays(tmp_path / "Holidays.zip"))
    preview = page.locator("[data-tiles=import_preview] canvas")
    expect(preview).to_have_count(24)
    expect(page.get_by_text("37 pictures, 3 classes")).to_be_visible()
    expect(page.get_by_text("(pictures/red/broken.png)")).to_be_visible()
    assert_on_screen(page, ("settings", "preview"))
    assert "holidays" not in left_in(tmp_path / "data")

    # Cropped, a picture has 5 of 30 columns in colour; padded, all 20 of 60, and its border's colour around.
    assert (np.ptp(first_row(preview.first), axis=1) > 100).sum() in (5, 6)
    page.get_by_role("radio", name="Stretch").click()
    page.wait_for_function(
        """() => {
            const canvas = document.querySelector("[data-tiles=import_preview] canvas");
            const [red, green, blue] = canvas.getContext("2d").getImageData(8, 0, 1, 1).data;
            return Math.max(red, green, blue) - Math.min(red, green, blue) > 100;
        }"""
    )
    assert (np.ptp(first_row(preview.first), axis=1) > 100).sum() in (10, 11)
    page.get_by_label("Pixels a side", exact=True).fill("16")
    page.get_by_label("Pixels a side", exact=True).press("Enter")
    page.wait_for_function("() => document.querySelector('[data-tiles=import_preview] canvas').width === 16")
    page.get_by_role("button", name="Import", exact=True).click()

    page.wait_for_url(re.compile(r"dataset=holidays"))
    shown = page.locator("[data-tiles=dataset_mosaic] .tile-title")
    expect(shown).to_have_text(["all", "blue", "green", "red"])
    expect(page.get_by_text("16 × 16, colour · 3 classes · 32 training and 4 test pictures")).to_be_visible()
    assert_on_screen(page, ("sets", "chosen", "row-1", "row-2"))
    record = record_of("holidays")
    assert (record.side, record.channels, record.fit) == (16, 3, "stretch")
    assert left_in(tmp_path / "temporary") == []
    page.reload()
    expect(shown).to_have_count(4)

    page.get_by_role("link", name="Train on it").click()
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("holidays")
    page.go_back()
    expect(shown).to_have_count(4)
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("radio", name=re.compile("holidays"))).to_have_count(0)
    expect(page.locator("[data-tiles=dataset_mosaic] .tile-title")).to_have_count(11)
    assert "holidays" not in left_in(tmp_path / "data")


def test_the_preview_fits_a_small_screen_and_is_forgotten_with_its_tab(
    page: Page, server: Server, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(server.address("data?view_of_data=Add+pictures"))
    hide_sidebar(page)
    page.locator("input[type=file]").set_input_files(holidays(tmp_path / "Holidays.zip"))
    expect(page.locator("[data-tiles=import_preview] canvas")).to_have_count(24)
    assert_on_screen(page, ("settings", "preview"))
    assert len(left_in(tmp_path / "temporary")) == 1
    page.get_by_role("button", name="Other pictures …").click()
    expect(page.locator("input[type=file]")).to_be_attached()
    assert left_in(tmp_path / "temporary") == []
