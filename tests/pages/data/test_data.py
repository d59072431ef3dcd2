"""The Data page without a browser: its list, a data set, and an import from a path."""

import base64
import shutil
import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, wait
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from streamlit.testing.v1 import AppTest

from pages.components.data import actions, contents, draft, import_panel
from pages.components.data.draft import Draft, Files, opened
from pages.components.data.import_panel import _JOB, _LOOK
from tests.support.app_test import component, html, messages, read, visit
from tests.support.browser import wait_until
from tests.support.picture_files import encoded, imported, left_in, picture, write_files
from vae import VaeError
from vae.datasets import import_jobs
from vae.datasets.array_pictures import Layout
from vae.datasets.fitting import Form, fitted
from vae.datasets.importing import Progress, open_source
from vae.datasets.registry import BUILT_IN_SETS, load
from vae.datasets.sources import LeftOut
from vae.runs.run import Run

DATA = "pages/data.py"


@pytest.fixture
def root(runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001 (a run)
    """An empty data directory."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of pictures, wider than high, of two classes whose names are Markdown."""
    files = {f"{kind}/{i}.png": encoded(picture(i, 30, 20)) for i in range(6) for kind in ("*a*", "[b](c)")}
    return write_files(tmp_path / "mine", files)


def add(path: Path, name: str = "mine") -> None:
    with open_source(path) as source:
        imported(source, Form(16, 3), name)


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception
    return test


def labels(test: AppTest) -> set[str]:
    return {button.label for button in test.button}


def mosaic(test: AppTest) -> npt.NDArray[np.uint8]:
    """The values of all pictures of the mosaic: (M, K, P)."""
    data = component(test, "dataset_mosaic")
    levels = np.frombuffer(base64.b64decode(data["pictures"]), np.uint8)
    return levels.reshape(data["tiles"], data["count"], -1)


def look_at(path: Path) -> AppTest:
    """The preview of a file or folder on this machine."""
    test = visit(DATA, view_of_data="Add pictures")
    test.text_input[0].set_value(str(path))
    return looked(press(test, "Look at it"))


def looked(test: AppTest) -> AppTest:
    """The page after the files are opened."""
    if _LOOK in test.session_state:
        wait((test.session_state[_LOOK].draft,))
        test.run()
    assert not test.exception
    return test


def end(test: AppTest) -> AppTest:
    """The page after the import of its tab has ended."""
    if _JOB in test.session_state:
        job = test.session_state[_JOB]
        wait_until(lambda: job.ended)
        test.run()
    assert not test.exception
    return test


@pytest.mark.usefixtures("runs_dir")
def test_mnist_is_shown_with_counts_means_and_examples(trained: Run) -> None:
    test = visit(DATA)
    assert messages(test) == ""
    assert test.radio[0].options[:2] == ["mnist", "sprites"]
    train = load("mnist", train=True)
    counts = np.bincount(train.labels)
    data = component(test, "dataset_mosaic")
    assert [title for title, _ in data["captions"]] == ["all", *"0123456789"]
    assert data["captions"][4][1].startswith(f"{counts[3]} training, ")
    shown = mosaic(test)
    threes = train.images[train.labels == 3].reshape(-1, 784)
    np.testing.assert_array_equal(shown[4, 0], np.rint(threes.mean(axis=0)))
    np.testing.assert_array_equal(shown[4, 1:], threes[:11])
    assert np.abs(shown[0, 0] - train.images.mean(axis=0).ravel()).max() <= 1
    assert "600 training and 200 test pictures" in html(test)
    assert any(f'"run": "{trained.name}"' in part.proto.json for part in test.get("bidi_component"))
    assert "Delete" not in labels(test), "it comes with the project"


@pytest.mark.usefixtures("runs_dir")
def test_means_of_large_sets_are_those_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MEAN_BYTES", 10 * 5 * 784)
    test = visit(DATA)
    train = load("mnist", train=True)
    fives = train.images[train.labels == 5][:5].reshape(-1, 784)
    np.testing.assert_array_equal(mosaic(test)[6, 0], np.rint(fives.mean(axis=0)))
    assert ", of 50 of them." in test.caption[-1].value


def test_the_url_names_the_set_and_says_if_there_is_none(root: Path, mine: Path) -> None:
    add(mine)
    test = visit(DATA, dataset="mine")
    assert test.radio[0].value == "mine"
    assert test.radio[0].options[:2] == ["mnist", "mine"], "what is here comes first"
    assert [title for title, _ in component(test, "dataset_mosaic")["captions"]] == ["all", "*a*", "[b](c)"]
    test.radio[0].set_value("mnist").run()
    assert test.query_params["dataset"] == "mnist"
    test = visit(DATA, dataset="[yours](x)")
    assert messages(test) == "There is no data set [yours](x) here. Choose one."
    assert test.radio[0].value == "mnist"
    (root / "mine" / "dataset.json").write_text("{}")
    assert messages(visit(DATA, dataset="mine")).startswith("The data set mine in")


def test_a_set_without_classes_has_rows_without_names(root: Path, tmp_path: Path) -> None:  # noqa: ARG001
    add(write_files(tmp_path / "plain", {f"{i}.png": encoded(picture(i)) for i in range(30)}))
    test = visit(DATA, dataset="mine")
    assert component(test, "dataset_mosaic")["captions"] == []
    train = load("mine", train=True).images.transpose(0, 3, 1, 2).reshape(27, -1)
    shown = mosaic(test).reshape(-1, 16 * 16 * 3)
    assert (len(shown), len(train)) == (24, 27)
    np.testing.assert_array_equal(shown[1:], train[:23])


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(("name", "label"), [("sprites", "Draw it"), ("kmnist", "Download it")])
def test_a_built_in_set_that_is_not_here_has_a_button(
    name: str, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(actions, "begin_download", begun.append)
    test = visit(DATA, dataset=name)
    assert f"{BUILT_IN_SETS[name].megabytes} MB" in messages(test)
    assert begun == []
    press(test, label)
    assert begun == [name]


def test_a_set_is_deleted_after_a_warning_of_its_runs(
    root: Path, mine: Path, runs_dir: Path, trained: Run
) -> None:
    add(mine)
    run = Run(shutil.copytree(trained.path, runs_dir / "on-mine"))
    config = run.config.model_dump() | {"dataset": "mine", "side": 16, "channels": 3}
    run.write_config(type(run.config).model_validate(config))
    test = visit(DATA, dataset="mine")
    assert "Runs that use it: " in " ".join(each.value for each in test.markdown)
    press(test, "Delete")
    assert "mine" not in left_in(root)
    assert test.radio[0].value == "mnist"
    assert messages(test) == ""


def test_pictures_are_looked_at_and_imported(root: Path, mine: Path) -> None:
    (mine / "*a*" / "broken.png").write_bytes(b"nothing")
    test = look_at(mine)
    assert messages(test) == ""
    assert left_in(root) == [], "nothing is written before one has seen it"
    said = read(" ".join(each.value for each in test.markdown))
    assert "mine: 13 pictures, 2 classes" in said.replace("**", "")
    assert "no picture that can be read (*a*/broken.png)" in said
    assert ">7</td>" in html(test)

    def shown() -> npt.NDArray[np.uint8]:
        data = component(test, "import_preview")
        levels = np.frombuffer(base64.b64decode(data["pictures"]), np.uint8)
        return levels.reshape(data["tiles"], -1, data["side"], data["side"])

    first = picture(0, 30, 20)
    np.testing.assert_array_equal(shown()[0], fitted(first, Form(32, 3)).transpose(2, 0, 1))
    test.number_input[0].set_value(16)
    grey, fit = test.segmented_control[1:3]
    grey.set_value("Grey")
    fit.set_value("Pad")
    test.toggle[0].set_value(True).run()
    form = Form(16, 1, "pad", invert=True)
    np.testing.assert_array_equal(shown()[0, 0], fitted(first, form))
    test.slider[0].set_value(0.5)
    press(test, "Import")
    end(test)
    assert test.radio[0].value == "mine"
    assert test.query_params["dataset"] == "mine"
    assert load("mine", train=False).images.shape == (6, 16, 16)
    assert "1 left out: no picture that can be read" in html(test)


def test_names_that_are_taken_or_impossible_are_refused(root: Path, mine: Path) -> None:
    test = look_at(mine)
    for name, why in (("mnist", "built-in"), ("My Set", "no name for a data set")):
        test.text_input[0].set_value(name).run()
        assert why in messages(test)
        assert next(button for button in test.button if button.label == "Import").disabled
    add(mine, "yours")
    test.text_input[0].set_value("yours").run()
    assert "There is a data set yours already" in messages(test)
    press(test, "Other pictures …")
    assert "Look at it" in labels(test)
    assert left_in(root) == ["yours"]


def test_an_import_is_seen_in_all_tabs_and_can_be_cancelled(
    root: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()

    def slow(*_: object) -> Generator[Progress, None, None]:
        while True:
            yield Progress(3, 12, LeftOut())
            assert going_on.wait(60)

    monkeypatch.setattr(import_jobs, "import_pictures", slow)
    test, other = press(look_at(mine), "Import"), visit(DATA)
    for tab in (test, other):
        assert any("Importing mine: " in part.proto.text for part in tab.get("progress"))
        assert "Cancel" in labels(tab)
    assert next(button for button in test.button if button.label == "Import").disabled
    monkeypatch.setenv("VAE_READ_ONLY", "1")
    assert "Cancel" not in labels(visit(DATA))
    monkeypatch.delenv("VAE_READ_ONLY")
    press(other, "Cancel")
    going_on.set()
    end(test)
    assert "mine was not imported" in test.toast[0].value
    assert not next(button for button in test.button if button.label == "Import").disabled
    assert messages(test) == ""
    assert "mine" not in left_in(root)


@pytest.mark.usefixtures("root")
def test_what_cannot_be_imported_is_said(tmp_path: Path) -> None:
    assert "There is no file or folder" in messages(look_at(tmp_path / "nowhere"))
    (tmp_path / "x[1].pdf").write_bytes(b"%PDF-1.7")
    assert "x[1].pdf is no file of pictures" in messages(look_at(tmp_path / "x[1].pdf"))
    one = look_at(write_files(tmp_path / "one", {"a.png": encoded(picture(0))}))
    assert "one has one picture" in messages(end(press(one, "Import")))
    assert "Import" in labels(one), "to choose something else"


@pytest.mark.usefixtures("root")
def test_the_opening_of_a_large_table_is_seen_and_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()

    def slow(files: Files, layout: Layout | None, report: Callable[[float], None]) -> Draft:
        report(0.25)
        assert going_on.wait(60)
        report(0.5)
        return opened(files, layout)

    monkeypatch.setattr(draft, "opened", slow)
    monkeypatch.setattr(import_panel, "QUICK", 0)
    np.savetxt(tmp_path / "a_b.csv", np.arange(320, 0, -1).reshape(5, 64) % 256, "%d", ",")
    for cancelled in (True, False):
        going_on.clear()
        test = visit(DATA, view_of_data="Add pictures")
        test.text_input[0].set_value(str(tmp_path / "a_b.csv"))
        press(test, "Look at it")
        look = test.session_state[_LOOK]
        wait_until(lambda look=look: look.share == 0.25)  # type: ignore[misc]
        test.run()
        (bar,) = test.get("progress")
        assert (bar.proto.value, bar.proto.text) == (25, r"Looking at a\_b.csv …")
        if cancelled:
            press(test, "Cancel")
            assert "Look at it" in labels(test)
            going_on.set()
            assert isinstance(look.draft.exception(60), CancelledError)
        else:
            going_on.set()
            assert component(looked(test), "import_preview")["tiles"] == 5


@pytest.mark.usefixtures("root")
def test_an_unclear_array_is_asked_about(tmp_path: Path) -> None:
    np.save(tmp_path / "three.npy", np.zeros((3, 16, 16, 3), np.uint8))
    test = look_at(tmp_path / "three.npy")
    assert "can mean more than one thing" in messages(test)
    test.radio[0].set_value("NHW")
    assert "which are no pictures" in messages(looked(press(test, "Look at it")))
    test.radio[0].set_value("NHWC")
    looked(press(test, "Look at it"))
    assert component(test, "import_preview")["tiles"] == 3


def test_visitors_see_sets_and_change_none(mine: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(mine)
    assert str(root) in html(visit(DATA, dataset="mine"))
    monkeypatch.setenv("VAE_READ_ONLY", "1")
    for test in (
        visit(DATA, dataset="mine"),
        visit(DATA, dataset="sprites"),
        visit(DATA, view_of_data="Add pictures"),
    ):
        assert labels(test) == set()
        assert not test.segmented_control
        assert not test.get("file_uploader")
        assert not [*test.error, *test.warning]
        assert str(root) not in html(test)
    assert "Only the host can do that" in messages(visit(DATA, dataset="sprites"))
    with open_source(mine) as source:
        for order in (
            lambda: actions.delete("mine"),
            lambda: actions.obtain("sprites"),
            lambda: actions.add(source, Form(16), "other", 0.1),
        ):
            with pytest.raises(VaeError, match="Only the host"):
                order()
    assert len(load("mine", train=True).images)


@pytest.mark.usefixtures("root")
def test_the_mosaic_of_large_pictures_is_bounded_and_means_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{kind}/{i}.png": encoded(picture(30 * kind + i)) for i in range(9) for kind in range(50)}
    with open_source(write_files(tmp_path / "large", files)) as source:
        imported(source, Form(64, 3), "large")
    test = visit(DATA, dataset="large")
    data = component(test, "dataset_mosaic")
    assert len(data["captions"]) == 13
    assert len(base64.b64decode(data["pictures"])) <= 2_000_000
    monkeypatch.setattr(contents, "to_levels", None)  # as nothing is averaged twice
    test.session_state["classes of large"] = 5
    test.run()
    assert not test.exception
    assert [title for title, _ in component(test, "dataset_mosaic")["captions"]] == [
        "all",
        *map(str, range(48, 50)),
    ]
