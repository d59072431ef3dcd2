"""Pictures of one's own for runs that learned other things than digits."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import streamlit
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.components.runs import loaded_model
from tests.support.app_test import PAGES, component, messages, visit
from tests.support.own_pictures import write_own_pictures
from tests.support.paths import ROOT
from tests.support.small_runs import small_config
from vae.datasets.fitting import Form, fitted
from vae.datasets.folder import RECORD
from vae.datasets.images import ImageArray, rows_as_images
from vae.datasets.registry import delete_dataset
from vae.runs.run import Run
from vae.training.loop import train

PAGE = PAGES[1]
COLOURED = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data and runs of this test."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(ROOT)
    streamlit.cache_resource.clear()
    return tmp_path


def own_run(place: Path, channels: int, side: int, **changes: object) -> Run:
    """A run that has learned a data set whose record has these changes."""
    record = write_own_pictures(place / "data", channels=channels, side=side)
    changed = record.model_copy(update=changes)
    (place / "data" / "own" / RECORD).write_text(changed.model_dump_json())
    return train(small_config(dataset="own", likelihood="gaussian", epochs=1), place / "runs")


def uploaded(picture: ImageArray, kind: str = "PNG", **changes: str) -> AppTest:
    test = visit(PAGE, {"own_way": "Upload"}, view="Your own", **changes)
    content = io.BytesIO()
    Image.fromarray(picture).save(content, kind, **({"lossless": True} if kind == "WEBP" else {}))
    test.file_uploader[0].upload(f"own.{kind.lower()}", content.getvalue(), f"image/{kind.lower()}").run()
    assert not test.exception
    assert messages(test) == ""
    return test


def seen(test: AppTest, channels: int) -> ImageArray:
    """What the model gets: (S, S) or (S, S, 3)."""
    levels = np.frombuffer(base64.b64decode(component(test, "own_picture")["pictures"]), np.uint8)
    return rows_as_images(levels.reshape(2, -1), channels)[0]


@pytest.mark.parametrize(("fit", "inverted"), [("crop", False), ("pad", False), ("stretch", True)])
def test_an_upload_is_brought_to_the_form_of_the_data_set(place: Path, fit: str, inverted: bool) -> None:
    own_run(place, 3, 12, fit=fit, inverted=inverted)
    test = uploaded(COLOURED)
    assert component(test, "own_part")["edges"] == [0, 0, 1000, 1000]
    form = Form(12, 3, fit, inverted)  # type: ignore[arg-type]
    np.testing.assert_array_equal(seen(test, 3), fitted(COLOURED, form))
    # The part in the frame, and all of it.
    frame = {"picture": component(test, "own_part")["picture"], "edges": [500, 0, 1000, 500]}
    test.session_state["own_part"] = {"frame": frame}
    test.run()
    assert not test.exception
    np.testing.assert_array_equal(seen(test, 3), fitted(COLOURED[:20, 30:], form))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_grey_runs_read_all_formats(place: Path, kind: str) -> None:
    own_run(place, 1, 9)
    grey = np.asarray(Image.fromarray(COLOURED).convert("L"))
    np.testing.assert_array_equal(seen(uploaded(grey, kind), 1), fitted(grey, Form(9)))


def test_losses_of_densities_are_filtered_in_a_range_of_their_own(place: Path) -> None:
    run = own_run(place, 3, 12)
    losses = loaded_model.load(run).test.reconstruction
    assert losses.min() < 0 or np.median(losses) > 1000
    test = visit(PAGE)
    (slider,) = (each for each in test.slider if each.label == "Reconstruction loss, nats")
    low, high = slider.value
    assert (low, high) == (slider.min, slider.max)
    assert low <= losses.min() < losses.max() <= high
    assert high - low < 3 * (losses.max() - losses.min()) + 3
    assert len(component(test, "gallery")["numbers"]) == 50
    middle = int(np.median(losses))
    slider.set_value((low, middle)).run()
    assert not test.exception
    assert component(test, "gallery")["numbers"] == np.flatnonzero(losses <= middle)[:50].tolist()


def test_only_where_pictures_are_light_on_black_one_draws(place: Path) -> None:
    run = own_run(place, 3, 12)
    test = visit(PAGE, view="Your own")
    assert not [each for each in test.segmented_control if each.key == "own_way"]
    assert "digit" not in " ".join(part.value for part in (*test.info, *test.caption))
    delete_dataset("own")
    grey = own_run(place, 1, 12)
    strokes = [[300, 500, 700, 500]]
    test = visit(PAGE, {"own_drawing": {"strokes": strokes}}, view="Your own", run=grey.name)
    assert messages(test) == ""
    picture = seen(test, 1)
    # As it is on the pad: a bar in the middle, a tenth of the pad high.
    bar = np.flatnonzero(picture[:, 6] > 100)
    assert bar.tolist() == [5, 6]
    assert np.flatnonzero(picture[5] > 60).tolist() == [3, 4, 5, 6, 7, 8]
    assert run.name != grey.name
    delete_dataset("own")
    test = visit(PAGE, run=grey.name)
    assert not [each for each in test.segmented_control if each.key == "own_way"], "their ground is unknown"


def test_without_its_data_set_an_upload_is_cropped(place: Path) -> None:
    own_run(place, 3, 12, fit="pad", inverted=True)
    delete_dataset("own")
    test = visit(PAGE)
    content = io.BytesIO()
    Image.fromarray(COLOURED).save(content, "PNG")
    test.file_uploader[0].upload("own.png", content.getvalue(), "image/png").run()
    assert not test.exception
    np.testing.assert_array_equal(seen(test, 3), fitted(COLOURED, Form(12, 3)))


def test_a_kept_upload_is_brought_to_the_form_of_each_run(place: Path) -> None:
    coloured = own_run(place, 3, 12)
    write_own_pictures(place / "data", "grey", channels=1, side=9)
    grey = train(small_config(dataset="grey", epochs=1), place / "runs")
    test = uploaded(COLOURED, run=coloured.name)
    test.sidebar.selectbox[0].select(grey.name).run()
    test.segmented_control(key="own_way").set_value("Upload").run()
    assert not test.exception
    np.testing.assert_array_equal(seen(test, 1), fitted(COLOURED, Form(9)))
