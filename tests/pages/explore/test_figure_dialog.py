"""The dialog that makes a figure for print."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app_test import messages, visit
from vae.runs.run import Run

LATENT = "pages/latent.py"
pytestmark = pytest.mark.usefixtures("runs_dir")


def opened(path: str | None = None) -> AppTest:
    test = visit(LATENT, panel="save") if path is None else visit(LATENT, panel="save", path=path)
    return press(test, "Figure for print")


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception
    return test


def downloads(test: AppTest) -> list[str]:
    return [part.proto.label for part in test.get("download_button")]


def commands(monkeypatch: pytest.MonkeyPatch, status: int = 0) -> list[list[str]]:
    """The arguments of the processes that would draw a figure; each writes one, or fails."""
    begun: list[list[str]] = []

    def run_process(*arguments: str, hear: object) -> int:
        begun.append(list(arguments))
        if status:
            assert callable(hear)
            hear("Figures need the package matplotlib.")
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
    settings = dict(zip(arguments[5:11:2], arguments[6:12:2], strict=True))
    assert settings == {"--of": "path", "--width": "8.5", "--font": "9.0"}
    ends = arguments[arguments.index("--start") + 1 :]
    np.testing.assert_array_equal([float(each) for each in ends if each != "--end"], [-1, 0.5, 1, 0])
    assert any(label.startswith("Save it (SVG") for label in downloads(test))
    next(each for each in test.number_input if each.label == "Text, points").set_value(8.0).run()
    assert downloads(test) == ["GIF", "PNG"], "it would be the figure of the settings before"


def test_a_failure_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    commands(monkeypatch, status=1)
    assert "Figures need the package matplotlib." in messages(press(opened(), "Make the figure"))
