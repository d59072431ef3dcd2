"""The dialog that makes a figure for print."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from tests.support.app_test import messages, visit
from tests.support.browser import Server
from vae.cli.commands import main
from vae.runs.run import Run

LATENT = "pages/latent.py"
pytestmark = pytest.mark.usefixtures("runs_dir")


def opened(**query: str) -> AppTest:
    return press(visit(LATENT, None, panel="save", **query), "Figure for print")


def options(arguments: list[str]) -> dict[str, list[str]]:
    """The options of a command with their values."""
    found: dict[str, list[str]] = {}
    for each in arguments:
        if each.startswith("--"):
            found[each] = []
        elif found:
            found[list(found)[-1]].append(each)
    return found


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception
    return test


def downloads(test: AppTest) -> list[str]:
    return [part.proto.label for part in test.get("download_button")]


def commands(monkeypatch: pytest.MonkeyPatch, status: int = 0, said: Sequence[str] = ()) -> list[list[str]]:
    """The arguments of the processes that would draw a figure; each writes one, or says why it fails."""
    begun: list[list[str]] = []

    def run_process(*arguments: str, hear: object) -> int:
        begun.append(list(arguments))
        if status:
            assert callable(hear)
            for line in said:
                hear(line)
        else:
            with open(arguments[arguments.index("--out") + 1], "wb") as file:  # noqa: PTH123
                file.write(b"a figure")
        return status

    monkeypatch.setattr("pages.components.explore.figure_dialog.run_process", run_process)
    return begun


def test_a_figure_is_made_as_chosen_and_can_be_saved(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = commands(monkeypatch)
    test = opened(path="-1,0.5_1,0")
    next(each for each in test.number_input if each.label == "Width, cm").set_value(8.5).run()
    next(each for each in test.button_group if each.label == "Figure of").set_value("path").run()
    next(each for each in test.button_group if each.label == "Format").set_value("svg").run()
    press(test, "Make the figure")
    (arguments,) = begun
    assert arguments[:1] + arguments[2:4] == ["export", "figure", "--out"]
    assert arguments[1].endswith(trained.name)
    assert arguments[4].endswith(".svg")
    found = options(arguments)
    assert (found["--of"], found["--width"], found["--font"]) == (["path"], ["8.5"], ["9.0"])
    ends = found["--start"] + found["--end"]
    np.testing.assert_array_equal([float(each) for each in ends], [-1, 0.5, 1, 0])
    assert found["--way"] == ["straight"]
    assert "Save it (SVG, 1\u00a0kB)" in downloads(test)
    next(each for each in test.number_input if each.label == "Text, points").set_value(8.0).run()
    assert downloads(test) == ["GIF", "PNG"], "it would be the figure of the settings before"


def test_the_map_is_as_on_the_page(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = commands(monkeypatch)
    seen = {"layers": "points", "window": "-1,1,-0.5,0.75", "hide": "0,3", "pins": "0.5,-1_i7", "index": "7"}
    test = opened(colour="KL", path="-1,0.5_1,0", way="spherical", **seen)
    press(test, "Make the figure")
    found = options(begun[0])
    assert found["--of"] == ["map"]
    assert (found["--colour"], found["--layers"]) == (["kl"], ["points"])
    assert (found["--window"], found["--hide"]) == (["-1.0", "1.0", "-0.5", "0.75"], ["0", "3"])
    saved = trained.saved_model()
    assert saved.scores is not None
    pins = [0.5, -1, *saved.scores.mean[7].tolist()]
    np.testing.assert_array_equal([float(each) for each in found["--pins"]], pins)
    assert (found["--start"], found["--way"]) == (["-1.0", "0.5"], ["spherical"])
    assert "--axes" not in found
    layers = next(each for each in test.button_group if each.label == "Show")
    press(layers.set_value([]).run(), "Make the figure")
    assert options(begun[1])["--layers"] == []


def test_without_the_data_only_the_curves_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.components.runs.loaded_model._why_missing", lambda _: "It is gone.")
    (subjects,) = (each for each in opened().button_group if each.label == "Figure of")
    assert subjects.options == ["curves"]


def test_the_plane_is_that_of_the_page(
    small: Path, wide: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(wide.path, small / wide.name)
    begun = commands(monkeypatch)
    for query in (
        {"x": "z₅", "y": "z₂", "pins": "1,2,3,4,5", "z": "1,2,3,4,5", "pictures": "training"},
        {"plane": "principal components", "rest": "the mean", "z": "1,2,3,4,5"},
    ):
        press(opened(run=wide.name, **query), "Make the figure")
    axes, principal = map(options, begun)
    assert axes["--axes"] == ["5", "2"]
    assert [float(each) for each in axes["--through"]] == [1, 2, 3, 4, 5]
    assert "--training" in axes
    assert "--principal" in principal
    assert not {"--axes", "--through", "--training"} & principal.keys()
    test = opened(run=wide.name, pictures="training")
    next(each for each in test.button_group if each.label == "Figure of").set_value("manifold").run()
    press(test, "Make the figure")
    assert "--training" not in begun[2], "the command refuses it"
    out = tmp_path / "x.png"
    assert main([*begun[0][:3], "--out", str(out), *begun[0][5:]]) == 0  # the command understands it
    assert out.exists()


def test_a_failure_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    commands(monkeypatch, 1, ["scored 1 %", "Figures need the package matplotlib.", "scored 2 %"])
    assert "Figures need the package matplotlib." in messages(press(opened(), "Make the figure"))
    commands(monkeypatch, -9, ["scored 99 %"])
    assert "The figure could not be drawn." in messages(press(opened(), "Make the figure"))


@pytest.mark.browser
def test_the_subjects_stand_in_one_row_on_a_phone_too(shared: Server, page: Page) -> None:
    page.goto(shared.address("?panel=save"))
    page.get_by_role("button", name="Figure for print").click()
    subjects = page.get_by_role("dialog").locator(".st-key-figure_subject button")
    expect(subjects).to_have_text(["map", "manifold", "curves", "path", "reconstructions"])
    for width in (1400, 390):
        page.set_viewport_size({"width": width, "height": 844})
        tops = subjects.evaluate_all("all => all.map(each => each.getBoundingClientRect().top)")
        assert len(set(tops)) == 1, f"in a window of {width} pixels"
