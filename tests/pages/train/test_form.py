"""The form without a page around it: what it offers, what it gives back, what it refuses."""

from pathlib import Path
from typing import Any, get_args

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs.config_text import field_label
from pages.components.train.form import FIELDS, GROUPS, OTHERS
from tests.support.app_test import read
from tests.support.own_pictures import write_own_pictures
from tests.support.paths import ROOT
from vae.config import DATA_FIELDS, PRESETS, PresetName, TrainConfig
from vae.datasets.registry import dataset_names, delete_dataset, preset_for


def script() -> None:
    import streamlit as st

    from pages.components.train.form import config_form, preset_choice

    st.session_state["config"] = config_form(preset_choice())


@pytest.fixture
def form(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The form as it is first drawn."""
    monkeypatch.syspath_prepend(str(ROOT))
    test = AppTest.from_function(script, default_timeout=60).run()
    assert not test.exception
    return test


def widget(form: AppTest, field: str) -> Any:
    everything = (*form.selectbox, *form.number_input, *form.text_input)
    (found,) = [element for element in everything if element.label == field_label(field)]
    return found


def given(form: AppTest) -> TrainConfig | None:
    assert not form.exception
    return form.session_state["config"]


def messages(form: AppTest) -> str:
    return read(" ".join(element.value for element in (*form.error, *form.caption)))


def test_every_field_but_restarts_has_a_widget_that_explains_it(form: AppTest) -> None:
    assert set(TrainConfig.model_fields) - set(FIELDS) == {"restarts", *DATA_FIELDS}
    for name, field in OTHERS.items():
        assert widget(form, name).help == field.description
    assert len({field_label(name) for name in FIELDS}) == len(FIELDS)
    assert field_label("kl_warmup") == "KL warmup"


def test_fields_stand_under_the_headings_of_their_groups(form: AppTest) -> None:
    assert [each.value for each in form.markdown] == [f"**{group}**" for group in GROUPS]
    assert GROUPS == ("Network", "Training", "Machine")


NUMBERS = [name for name, field in FIELDS.items() if field.annotation in (int, float)]


def bounds(field: str) -> set[float]:
    named = (
        getattr(each, name, None) for each in FIELDS[field].metadata for name in ("ge", "gt", "le", "lt")
    )
    return {bound for bound in named if bound is not None}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "field", [name for name, field in FIELDS.items() if field.annotation in (int, float)]
)
def test_a_click_stays_inside_the_bounds_unless_it_starts_at_one(
    preset: PresetName, field: str, form: AppTest
) -> None:
    form.segmented_control[0].set_value(preset).run()
    before = widget(form, field).value
    assert before == getattr(TrainConfig.preset(preset), field)
    for click in ("increment", "decrement"):
        getattr(widget(form, field).set_value(before), click)().run()
        after = widget(form, field).value
        assert after != before
        if config := given(form):
            assert getattr(config, field) == pytest.approx(after)
        else:
            assert before in bounds(field), messages(form)


def test_a_choice_among_names_offers_all_of_them(form: AppTest) -> None:
    assert widget(form, "dataset").options == list(dataset_names())
    for name in ("network", "likelihood", "activation", "schedule", "device"):
        assert widget(form, name).options == list(get_args(TrainConfig.model_fields[name].annotation))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_shows_and_gives_what_it_is(preset: PresetName, form: AppTest) -> None:
    form.segmented_control[0].set_value(preset).run()
    assert given(form) == TrainConfig.preset(preset)
    assert messages(form) == ""
    assert not form.button


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("latent_dim", 64, 64),
        ("likelihood", "gaussian", "gaussian"),
        ("hidden_dims", "64 32", (64, 32)),
        ("hidden_dims", ", ".join(["4096"] * 8), (4096,) * 8),
        ("activation", "relu", "relu"),
        ("epochs", 10_000, 10_000),
        ("batch_size", 1, 1),
        ("learning_rate", 1.2e-4, 1.2e-4),
        ("learning_rate", 0.1 + 0.2, 0.3),  # what is shown, not what is left of a step of 0.1
        ("schedule", "constant", "constant"),
        ("beta", 0.0, 0.0),
        ("seed", 2**32 - 1, 2**32 - 1),
        ("device", "cpu", "cpu"),
        ("threads", " 2 ", 2),
    ],
)
def test_a_changed_field_changes_the_config(field: str, value: Any, meant: Any, form: AppTest) -> None:
    widget(form, field).set_value(value).run()
    assert given(form) == TrainConfig.preset("quick", **{field: meant})
    assert f"Changed from quick: {field_label(field).lower()} " in messages(form)


def test_a_data_set_proposes_what_suits_it(form: AppTest) -> None:
    widget(form, "dataset").set_value("cifar-10").run()
    assert given(form) == preset_for("quick", "cifar-10")
    assert messages(form) == ""
    widget(form, "latent_dim").set_value(5).run()
    widget(form, "dataset").set_value("mnist").run()
    assert given(form) == TrainConfig.preset("quick")
    widget(form, "dataset").set_value("cifar-10").run()  # what was changed for it is remembered
    assert given(form) == preset_for("quick", "cifar-10").model_copy(update={"latent_dim": 5})


def test_an_imported_set_is_offered_and_may_vanish(
    form: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    record = write_own_pictures(tmp_path)
    form.run()
    widget(form, "dataset").set_value("own").run()
    config = given(form)
    assert config is not None
    assert (config.dataset, config.channels, config.side) == ("own", 3, 12)
    assert config.contents == record.contents
    delete_dataset("own")
    form.run()
    assert given(form) == TrainConfig.preset("quick")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("hidden_dims", "abc", "'abc' will not do. Widths of"),
        ("hidden_dims", "256,,x", "'x' will not do. Widths of"),
        ("hidden_dims", "", "each 1 to 4096"),
        ("hidden_dims", "-5", "greater than or equal to 1, not '-5'"),
        ("hidden_dims", "9" * 80, "less than or equal to 4096"),
        ("hidden_dims", "**b** <script>", "'**b**' will not do"),
        ("threads", "[x](http://a.b)", "'[x](http://a.b)' will not do. CPU threads, 1 to 1024"),
        ("threads", "", "CPU threads, 1 to 1024"),
        ("latent_dim", 0, "1 to 64"),
        ("epochs", 10**9, "1 to 10000"),
        ("batch_size", 8193, "1 to 8192"),
        ("learning_rate", 0.0, "above 0"),
        ("learning_rate", 1.5, "at most 1"),
        ("beta", -0.1, "0 to 100"),
        ("seed", 2**32, "0 to 4294967295"),
    ],
)
def test_nonsense_gets_a_sentence_and_no_config(field: str, value: Any, sentence: str, form: AppTest) -> None:
    widget(form, field).set_value(value).run()
    assert given(form) is None
    assert f"{field}: " in messages(form)
    assert sentence in messages(form)
    form.button[0].click().run()
    assert given(form) == TrainConfig()
    assert not form.error


def test_markup_is_shown_letter_by_letter(form: AppTest) -> None:
    widget(form, "threads").set_value("**b** <i>").run()
    assert r"\*\*b\*\* \<i\>" in form.error[0].value


def test_each_preset_keeps_its_changes_until_it_is_reset(form: AppTest) -> None:
    widget(form, "epochs").set_value(3).run()
    form.segmented_control[0].set_value("blog").run()
    widget(form, "beta").set_value(4.0).run()
    assert given(form) == TrainConfig.preset("blog", beta=4)
    form.segmented_control[0].set_value("quick").run()
    assert given(form) == TrainConfig(epochs=3)
    typed = widget(form, "epochs").key
    form.button[0].click().run()
    assert given(form) == TrainConfig()
    assert widget(form, "epochs").key != typed  # the same widget would go on showing what was typed
    assert not form.button
    form.segmented_control[0].set_value("blog").run()
    assert given(form) == TrainConfig.preset("blog", beta=4)


def test_the_choices_outlast_a_change_of_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))

    def pages() -> None:
        import streamlit as st

        from pages.components.train.form import config_form, preset_choice

        if not st.session_state.get("elsewhere"):
            st.session_state["config"] = config_form(preset_choice())

    form = AppTest.from_function(pages, default_timeout=60).run()
    form.segmented_control[0].set_value("best").run()
    widget(form, "epochs").set_value(3).run()
    form.session_state["elsewhere"] = True
    form.run()
    assert not form.segmented_control
    form.session_state["elsewhere"] = False
    form.run()
    assert given(form) == TrainConfig.preset("best", epochs=3)
