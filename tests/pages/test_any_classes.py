"""The pages with many classes, with a single one, with none, and without the run's data set."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from pages.components.compare.metrics_table import quick_metrics
from pages.components.runs import loaded_model
from tests.support.app_test import component, html, messages, read, visit
from tests.support.browser import Server
from tests.support.on_screen import assert_on_screen, hide_sidebar
from tests.support.own_pictures import TEST, write_own_pictures
from tests.support.paths import APP, ROOT
from tests.support.small_runs import save_model, small_config
from vae import VaeError
from vae.cli.commands import main
from vae.cli.figure_command import FigureOptions, write_figure
from vae.datasets.registry import UNLABELLED, delete_dataset
from vae.export.colours import CLASS_COLOURS
from vae.export.figures import Subject
from vae.runs.catalogue import new_run
from vae.runs.evaluation_record import load_evaluation
from vae.runs.run import Run
from vae.training.loop import fit, train

LATENT, RECONSTRUCTIONS, TRAIN, COMPARE = (
    f"pages/{name}.py" for name in ("latent", "reconstructions", "train", "compare")
)
MISSING = "The data set own is not in"


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data folder and a trained run for 40 classes, for one and for none; read only."""
    folder = tmp_path_factory.mktemp("sets")
    for classes in (40, 1, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VAE_DATA_DIR", str(folder / f"{classes}" / "data"))
            write_own_pictures(folder / f"{classes}" / "data", channels=1, side=12, classes=classes)
            for _ in fit(new_run(small_config(dataset="own"), folder / f"{classes}" / "runs")):
                pass
    return folder


@pytest.fixture
def place(sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes copies of the data and runs of so many classes those of this test, and returns the run."""

    def placed(classes: int) -> Run:
        shutil.copytree(sets / f"{classes}", tmp_path, dirs_exist_ok=True)
        monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path / "runs"))
        monkeypatch.chdir(ROOT)
        streamlit.cache_resource.clear()
        (path,) = (tmp_path / "runs").iterdir()
        return Run(path)

    return placed


def labels(test: AppTest) -> set[str]:
    """Of all widgets."""
    parts = (test.segmented_control, test.pills, test.multiselect, test.toggle, test.selectbox, test.button)
    return {element.label for part in parts for element in part}


def options(test: AppTest, key: str) -> list[str]:
    return list(test.segmented_control(key=key).options)


def written(test: AppTest) -> str:
    """All that the page says in Markdown and HTML, in lower case."""
    texts = (*test.caption, *test.markdown, *test.subheader)
    own = re.sub(r"<style>.*?</style>", "", html(test), flags=re.DOTALL)
    return (own + read(" ".join(element.value for element in texts))).lower()


def sent(test: AppTest, key: str, part: str) -> dict[str, Any]:
    """The data of a component, found by its key and a part that it has."""
    texts = (element.proto.json for element in test.get("bidi_component"))
    data = [json.loads(text) for text in texts if f'"key": "{key}"' in text]
    return next(each for each in data if part in each)


def test_forty_classes_share_twenty_colours_and_have_their_names(place: Any) -> None:
    run = place(40)
    test = visit(LATENT, index="3", lasso="-9,-9_9,-9_9,9_-9,9")
    assert messages(test) == ""
    shown = component(test, "map")
    assert shown["classes"] == [f"class {k}" for k in range(40)]
    assert shown["colours"] == [*CLASS_COLOURS["light"], *CLASS_COLOURS["light"]]
    label = loaded_model.load(run).test.labels[3]
    assert component(test, "look")["chosen"]["title"] == f"Test image class {label} · #3"
    said = html(test)
    # The largest classes of the selection have a bar each, and the others one together.
    selection = said[said.index(f"{TEST} test images selected") :]
    assert selection.count("<tr>") == 6
    assert "35 others" in selection
    stripes = sent(test, "moment", "moments")["colours"]
    assert len(stripes) == 10
    assert len(set(stripes)) > 5


def test_many_classes_are_chosen_from_a_list(place: Any) -> None:
    run = place(40)
    test = visit(RECONSTRUCTIONS)
    assert not test.pills
    test.multiselect(key="digit").set_value([7, 33]).run()
    test.toggle(key="boxes").set_value(True).run()
    assert not test.exception
    test_labels = loaded_model.load(run).test.labels
    assert component(test, "gallery")["numbers"] == np.flatnonzero(np.isin(test_labels, [7, 33])).tolist()
    figure = json.loads(component(test, "losses_by_class")["figure"])
    assert len(figure["layout"]["xaxis"]["ticktext"]) == 20
    assert sum(trace["type"] == "box" for trace in figure["data"]) == 40
    test = visit(RECONSTRUCTIONS, view="Class means")
    assert len(component(test, "class_means")["captions"]) == 40


@pytest.mark.parametrize("classes", [0, 1])
def test_without_classes_no_page_speaks_of_them(place: Any, classes: int) -> None:
    run = place(classes)
    loaded = loaded_model.load(run)
    assert loaded.classes == (UNLABELLED if classes == 0 else ("red",))
    assert quick_metrics(loaded).keys() == {"negative_elbo", "reconstruction", "kl", "active_units"}
    test = visit(LATENT, index="3", colour="class", lasso="-9,-9_9,-9_9,9_-9,9", hide="0")
    assert messages(test) == ""
    assert options(test, "colour") == ["loss", "KL", "σ"]
    assert component(test, "map")["colouring"] == "reconstruction"
    assert component(test, "look")["chosen"]["title"] == "Test image #3"
    assert "#3" in component(test, "pins")["pins"][0]["text"]
    assert f"{TEST} test images selected" in written(test)
    assert set(sent(test, "moment", "moments")["colours"]) == {"transparent"}
    shown = [written(test)]
    test = visit(RECONSTRUCTIONS)
    assert {tab.label for tab in test.tabs} == {"Gallery", "Your own"}
    assert labels(test) >= {"Sort by"}
    assert "surprise" not in test.selectbox(key="sort").options
    assert component(test, "gallery")["captions"][0][0] == "#0"
    shown.append(written(test))
    shown.append(written(visit(RECONSTRUCTIONS, index="4")))
    shown.append(written(visit(TRAIN)))
    shutil.copytree(run.path, run.path.parent / "other")
    test = visit(COMPARE, None, run=run.name, **{"with": "other"})
    assert messages(test) == ""
    shown.append(written(test))
    for text in shown:
        for word in ("class ", "classes", "digit", "surprise", "nn accuracy"):
            assert word not in text


def test_a_single_test_image_has_no_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(ROOT)
    write_own_pictures(tmp_path / "data", channels=1, test=1)
    run = train(small_config(dataset="own"), tmp_path / "runs")
    assert main(["evaluate", run.name]) == 0
    shown = capsys.readouterr().out
    assert "± – over the images" in shown
    found = load_evaluation(run)
    assert found is not None
    assert (found.images, found.standard_error, found.refined_standard_error, found.active_units) == (
        1,
        None,
        None,
        None,
    )
    assert found.negative_elbo > 0
    with pytest.raises(VaeError, match="has one image: a path needs --start and --end"):
        write_figure(run, tmp_path / "x.png", FigureOptions(of="path"))
    subjects: tuple[Subject, ...] = ("map", "reconstructions")
    for subject in subjects:
        write_figure(run, tmp_path / f"{subject}.png", FigureOptions(of=subject))
    shutil.copytree(run.path, run.path.parent / "other")
    for page in (LATENT, RECONSTRUCTIONS, TRAIN, COMPARE):
        for index in ({}, {"index": "0"}):
            test = visit(page, None, run=run.name, **{"with": "other"}, **index)
            assert not [*test.error, *test.warning]
    assert f">{found.negative_elbo:.2f}<" in html(test)


def test_a_run_without_its_data_set_can_still_be_explored(place: Any) -> None:
    run = place(40)
    before = loaded_model.load(run)
    delete_dataset("own")
    test = visit(LATENT, index="3", path="-1,0_1,0.5", lasso="-9,-9_9,-9_9,9_-9,9")
    assert messages(test) == ""
    assert written(test).count(MISSING.lower()) == 1
    shown = component(test, "map")
    assert shown["decoder"] == before.decoder.name
    assert (shown["pictures"], shown["moments"]["pictures"]) == (None, None)
    assert shown["classes"] == list(UNLABELLED)
    assert shown["pinned"] == [3]
    assert options(test, "panel") == ["samples", "coordinates", "save"]
    assert not any(control.label == "Images" for control in test.segmented_control)
    chosen = component(test, "look")["chosen"]
    assert (chosen["title"], chosen["image"]) == ("Test image #3", None)
    assert chosen["reconstruction"] == pytest.approx(float(before.test.reconstruction[3]))
    assert component(test, "pins")["pins"][0]["link"] is None
    assert component(test, "region_means")["count"] == 1
    assert all(f'"key": "{key}"' not in _sent(test) for key in ("region_pictures", "chosen_nearest"))
    after = loaded_model.load(run)
    assert np.array_equal(after.test.means, before.test.means)
    assert not after.test.images.any()
    test = visit(RECONSTRUCTIONS, index="3")
    assert messages(test) == "Upload a picture and see what the model makes of it."
    assert written(test).count(MISSING.lower()) == 1
    assert not test.tabs
    test = visit(TRAIN)
    assert messages(test) == ""
    assert written(test).count(MISSING.lower()) == 1
    assert component(test, "training_map")["decoder"] == before.decoder.name
    write_own_pictures(Path(str(run.path.parent.parent / "data")), channels=1, side=12, classes=40)
    assert loaded_model.load(run).classes == before.classes  # it is noticed at once
    assert MISSING.lower() not in written(visit(LATENT))


def test_another_data_set_of_the_same_name_is_not_taken_for_the_runs_own(place: Any) -> None:
    run = place(40)
    delete_dataset("own")
    write_own_pictures(run.path.parent.parent / "data", channels=1, side=12, classes=3, seed=1)
    test = visit(LATENT)
    assert messages(test) == ""
    assert "own is another than the one that this run learned" in written(test)
    assert component(test, "map")["classes"] == list(UNLABELLED)


def test_one_of_two_compared_runs_is_without_its_data_set(place: Any, trained: Run, small_data: Path) -> None:
    run = place(40)
    delete_dataset("own")
    shutil.copytree(small_data / "mnist", run.path.parent.parent / "data" / "mnist")
    shutil.copytree(trained.path, run.path.parent / trained.name)
    for names in ((run.name, trained.name), (trained.name, run.name)):
        test = visit(COMPARE, None, run=names[0], **{"with": names[1]})
        assert messages(test) == ""
        assert written(test).count(MISSING.lower()) == 1
        assert "class" in options(test, "colour")
        assert "1-nn accuracy" in written(test)
    shutil.copytree(run.path, run.path.parent / "other")
    test = visit(COMPARE, None, run=run.name, index="3", **{"with": "other"})
    assert messages(test) == ""
    assert written(test).count(MISSING.lower()) == 1  # both miss the same one
    assert "accuracy" not in written(test)
    assert component(test, "left")["pinned"] == component(test, "right")["pinned"] == [3]


def test_weights_without_scores_need_the_data_set(place: Any) -> None:
    run = place(40)
    save_model(run.model_path, run.load_model(), run.config, 12, 1.0)
    delete_dataset("own")
    for page in (LATENT, RECONSTRUCTIONS):
        said = messages(visit(page))
        assert MISSING in said
        assert "the weights of this older run have no scores" in said


def test_a_film_without_the_data_set_is_one_of_the_map(place: Any) -> None:
    place(40)
    delete_dataset("own")
    test = visit(LATENT, panel="save")
    next(each for each in test.button if each.label == "Export training video").click().run()
    assert not test.exception
    assert "Film of" not in labels(test)
    next(each for each in test.button if each.label == "Make the film").click().run()
    assert not test.exception
    assert next(each.proto.label for each in test.get("download_button")).startswith("Save it")


def _sent(test: AppTest) -> str:
    return " ".join(element.proto.json for element in test.get("bidi_component"))


def test_choices_about_classes_end_with_a_run_that_has_none(
    place: Any, trained: Run, small_data: Path
) -> None:
    run = place(0)
    shutil.copytree(small_data / "mnist", run.path.parent.parent / "data" / "mnist")
    shutil.copytree(trained.path, run.path.parent / trained.name)
    test = visit(LATENT, run=trained.name)
    test.segmented_control(key="colour").set_value("distance").run()
    assert component(test, "map")["colouring"] == "distance"
    test.query_params["run"] = run.name
    test.run()
    assert not test.exception
    assert component(test, "map")["colouring"] == "reconstruction"
    test = visit(RECONSTRUCTIONS, run=trained.name)
    test.pills(key="digit").set_value([7]).run()
    test.selectbox(key="sort").set_value("surprise").run()
    test.toggle(key="boxes").set_value(True).run()
    test.query_params["run"] = run.name
    test.run()
    assert not test.exception
    assert len(component(test, "gallery")["numbers"]) == 50
    test.query_params["run"] = trained.name
    test.run()
    assert not test.exception


def test_before_the_first_weights_the_live_view_has_the_classes_too(place: Any) -> None:
    run = place(40)
    examples = loaded_model.load(run).test.examples
    own = loaded_model.load(run).test.labels[examples]
    run.model_path.unlink()
    streamlit.cache_resource.clear()
    test = visit(TRAIN)
    assert not test.exception
    shown = component(test, "training_map")
    assert (shown["decoder"], len(shown["classes"])) == (None, 40)
    stripes = sent(test, "rewind", "moments")["colours"]
    assert stripes == [shown["colours"][label] for label in own]
    delete_dataset("own")
    streamlit.cache_resource.clear()
    test = visit(TRAIN)
    assert not test.exception
    assert component(test, "training_map")["classes"] == list(UNLABELLED)
    assert set(sent(test, "rewind", "moments")["colours"]) == {"transparent"}


ON_SCREEN = {  # what of each page is visible without scrolling, also without images
    "map?index=3": ("controls", "legend", "map", "slider", "pointer", "chosen", "pins"),
    "train?": ("controls", "progress", "curves", "slider", "legend", "map"),
    "compare?with=other": ("controls", "legend", "map", "slider", "pointer", "chosen", "figures"),
}


@pytest.mark.browser
def test_neither_many_classes_nor_missing_data_push_anything_off_the_screen(place: Any, page: Page) -> None:
    run = place(40)
    shutil.copytree(run.path, run.path.parent / "other")
    page.set_viewport_size({"width": 1280, "height": 720})
    opener = page.locator(".latent-map-classes-opener")
    hidden = False
    with Server(APP, VAE_RUNS_DIR=str(run.path.parent), VAE_DATA_DIR=os.environ["VAE_DATA_DIR"]) as server:
        for missing in (False, True):
            if missing:
                opener.click()
                page.get_by_role("button", name="class 7 (").click()
                expect(page).to_have_url(re.compile("[?&]hide=7(&|$)"))
                expect(opener).to_have_text("39 of 40 classes")
                delete_dataset("own")
            for address, parts in ON_SCREEN.items():
                page.goto(server.address(f"{address}&run={run.name}"))
                page.locator(".latent-map[data-ready]").first.wait_for()
                if not hidden:
                    hide_sidebar(page)
                    hidden = True
                assert_on_screen(page, [part for part in parts if part != "legend" or not missing])
                expect(opener).to_have_count(0 if missing else 1)
