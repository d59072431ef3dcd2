"""Settings of a new training in the address of the Train page."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app_test import PAGES, messages, visit
from vae.config import PRESET_DESCRIPTIONS, TrainConfig
from vae.runs.catalogue import find_run, new_run
from vae.runs.records import LIVE, Status
from vae.runs.run import Run
from vae.runs.titles import title_of

pytestmark = pytest.mark.usefixtures("runs_dir")


def field(test: AppTest, label: str) -> Any:
    widgets = (*test.sidebar.number_input, *test.sidebar.selectbox, *test.sidebar.text_input)
    (found,) = [widget for widget in widgets if widget.label == label]
    return found


def address(test: AppTest) -> dict[str, str]:
    values = {name: test.query_params[name] for name in test.query_params}
    texts = {name: value[0] if isinstance(value, list) else value for name, value in values.items()}
    return {name: text for name, text in texts.items() if name in {"preset", *TrainConfig.model_fields}}


def test_a_link_fills_in_the_form() -> None:
    link: dict[str, Any] = {
        "preset": "small",
        "beta": "4",
        "seed": "2",
        "hidden_dims": "64, 32",
        "threads": "2",
    }
    test = visit(PAGES[2], **link, activation="tanh")
    assert "**Start**" in test.toast[0].value, "a sidebar may be hidden"
    assert test.sidebar.segmented_control[0].value == "small"
    assert (field(test, "Beta").value, field(test, "Seed").value) == (4, 2)
    assert (field(test, "Hidden dimensions").value, field(test, "Threads").value) == ("64, 32", "2")
    assert field(test, "Activation").value == "tanh"
    assert address(test) == {**link, "activation": "tanh"}
    # The browser may draw the second message only.
    assert "of the link" not in messages(test.run())
    assert (field(test, "Beta").value, field(test, "Beta").proto.default) == (4, 4)
    assert field(test, "Hidden dimensions").proto.default == "64, 32"
    assert list(test.sidebar.segmented_control[0].proto.default) == [list(PRESET_DESCRIPTIONS).index("small")]


def test_the_settings_of_a_link_stay_unfolded_while_they_are_changed() -> None:
    test = visit(PAGES[2], preset="small", beta="4")
    for beta in (5, 6):
        settings = next(each for each in test.sidebar.expander if each.label == "Settings of small")
        assert settings.proto.expanded
        field(test, "Beta").set_value(beta).run()


def test_what_is_changed_is_in_the_address_and_a_later_link_replaces_it() -> None:
    test = visit(PAGES[2], preset="small", beta="4")
    field(test, "Beta").set_value(0.5).run()
    assert address(test) == {"preset": "small", "beta": "0.5"}
    assert field(test, "Beta").value == 0.5
    test.sidebar.segmented_control[0].set_value("quick").run()
    assert address(test) == {}
    test.query_params["seed"] = "9"
    test.run()
    assert (test.sidebar.segmented_control[0].value, field(test, "Seed").value) == ("quick", 9)


def test_nonsense_in_a_link_gets_a_sentence_and_the_rest_is_taken() -> None:
    wrong: dict[str, Any] = {"preset": "enormous", "beta": "abc", "epochs": "-3", "activation": "**x**"}
    test = visit(PAGES[2], **wrong, seed="5")
    said = messages(test)
    assert "There is no preset 'enormous'; there are small, quick, " in said
    for words in (
        "beta: 'abc' will not do",
        "epochs: ",
        "activation: ",
        "The other settings of the link are taken",
    ):
        assert words in said
    assert address(test) == {"preset": "quick", "seed": "5"}
    assert field(test, "Seed").value == 5
    field(test, "Seed").set_value(6).run()
    assert "enormous" not in messages(test)


def test_a_link_of_nonsense_alone_is_told_of_until_the_form_is_changed() -> None:
    test = visit(PAGES[2], beta="abc")
    assert "beta: 'abc' will not do" in messages(test)
    assert "are taken" not in messages(test)
    field(test, "Seed").set_value(6).run()
    assert "will not do" not in messages(test)
    test = visit(PAGES[2], preset="small", beta="abc")
    assert "The other settings of the link are taken" in messages(test)
    test.sidebar.segmented_control[0].set_value("quick").run()
    assert "will not do" not in messages(test)


def test_runs_laid_over_the_curves_are_in_the_address(runs_dir: Path, trained: Run) -> None:
    other = new_run(TrainConfig(seed=3), runs_dir)
    test = visit(PAGES[2], run=trained.name, overlay=f"{other.name},nowhere")
    curves = next(
        part.proto.json for part in test.get("bidi_component") if '"key": "curves"' in part.proto.json
    )
    assert title_of(other) in curves
    assert "nowhere" not in curves
    assert "there is no such run: nowhere." in messages(test)
    assert test.query_params["overlay"] in (other.name, [other.name])
    assert "nowhere" not in messages(test.run())
    test = visit(PAGES[2], {"chosen_runs": [other.name]}, run=trained.name)
    assert test.query_params["overlay"] in (other.name, [other.name])


@pytest.mark.usefixtures("forked")
def test_a_start_of_what_is_finished_offers_what_else_there_is(small: Path) -> None:
    finished = Status(state="finished", step=700, epoch=7, total_steps=700)
    run = new_run(TrainConfig(), small)
    run.write_status(finished)
    new_run(TrainConfig(seed=2), small).write_status(finished)

    def press(test: AppTest, label: str) -> AppTest:
        next(button for button in test.sidebar.button if button.label == label).click().run()
        assert not test.exception
        return test

    test = press(visit(PAGES[2]), "Start")
    assert f"{title_of(run)} has these settings, and is finished" in messages(test)
    assert [button.label for button in test.sidebar.button][-3:] == ["Open", "Another seed", "Train longer"]
    assert "has these settings" not in messages(field(test, "Seed").set_value(7).run())

    test = press(press(visit(PAGES[2]), "Start"), "Open")
    assert test.query_params["run"] in (run.name, [run.name])
    press(press(visit(PAGES[2]), "Start"), "Another seed")
    another = find_run(small, TrainConfig(seed=3).run_name)  # there is one with seed 2
    assert another.status().state in LIVE | {"failed"}
    another.request_stop()
