"""The dialog that makes an HTML file of what a page explores."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.explore import page_dialog
from tests.support.app_test import messages, visit

pytestmark = pytest.mark.usefixtures("runs_dir")


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception
    return test


@pytest.fixture
def opened() -> AppTest:
    return press(visit("pages/latent.py", panel="save"), "Take away as one file")


def downloads(test: AppTest) -> list[str]:
    return [part.proto.label for part in test.get("download_button") if "HTML" in part.proto.label]


def test_a_file_is_made_as_chosen_and_can_be_saved(opened: AppTest) -> None:
    title = next(field for field in opened.text_input if field.label == "Title")
    title.set_value("<b>Mine</b>").run()
    assert any(caption.value.startswith("About ") for caption in opened.caption)
    assert downloads(press(opened, "Make the file"))[0].startswith("Save it (HTML, ")
    title.set_value("Another").run()
    assert downloads(opened) == [], "it would be the file of the settings before"


def test_images_that_are_missing_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in ("", "It is gone."):
        monkeypatch.setattr("pages.components.runs.loaded_model._why_missing", lambda _, why=missing: why)
        test = press(visit("pages/latent.py", panel="save"), "Take away as one file")
        (toggle,) = (each for each in test.toggle if each.label == "With the real test images")
        assert toggle.disabled == bool(missing)


def test_a_second_person_waits(opened: AppTest) -> None:
    with page_dialog._one_at_a_time:
        press(opened, "Make the file")
    assert "Somebody else's file is being made" in messages(opened)
    assert downloads(opened) == []


def test_a_failure_is_a_sentence(opened: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error", "run/snapshots/00000010.safetensors")

    monkeypatch.setattr(page_dialog, "page_file", fail)
    press(opened, "Make the file")
    assert "00000010.safetensors cannot be read or written: Input/output error." in messages(opened)
    assert downloads(opened) == []
