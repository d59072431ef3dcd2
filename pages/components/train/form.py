"""The form of a new training: a preset, and each field of the config, from the field's own metadata."""

from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from pages.components.runs.config_text import field_label, value_text
from pages.components.shell.messages import error_text, escape_markdown
from pages.components.train.form_url import (
    DATASET,
    DEFAULT_DATASET,
    DEFAULT_PRESET,
    Settings,
    new_settings,
    write_settings,
)
from vae import VaeError
from vae.config import PRESET_DESCRIPTIONS, PresetName, TrainConfig, explain
from vae.datasets.registry import dataset_names, preset_for
from vae.training import forecast

_KEY = "settings"
_PRESET = f"{_KEY} preset"
_DATASET = f"{_KEY} data set"
_LINK = "settings_of_a_link"
_EXPANDED = "settings_expanded"  # the preset whose fields a link has set, until they are reset
_WIDTH = 200  # pixels: four fields side by side in a window of 1400, three in one of 700
_DIGITS = 6  # of a float that is shown, and trained: adding 0.1 three times gives 0.30000000000000004
_MAX_CHARS = 80  # of a text; eight widths of four digits need 46


def _metadata(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


FIELDS = {name: field for name, field in TrainConfig.model_fields.items() if "group" in _metadata(field)}
OTHERS = {name: field for name, field in FIELDS.items() if name != DATASET}  # than the data set
GROUPS = tuple(dict.fromkeys(_metadata(field)["group"] for field in OTHERS.values()))


def click_step(name: str, value: float) -> float:
    """By how much one click changes the number field `name`, which starts at `value`."""
    metadata = _metadata(FIELDS[name])
    if "step" in metadata:
        return type(value)(metadata["step"])
    return float(f"{abs(metadata['step_towards'] - value) / 10:.1g}")


def take_link() -> bool:
    """Fills in the form if the URL brings settings; returns whether it does. To be called before the form."""
    asked = new_settings(tuple(FIELDS))
    if asked is None:
        return False
    preset = asked.preset
    _reset(preset)  # new widgets, as those that are shown keep what was typed
    st.session_state[_PRESET] = preset
    st.session_state[_DATASET] = asked.dataset
    st.session_state[_LINK] = asked
    if asked.values.keys() - {DATASET}:
        st.session_state[_EXPANDED] = preset
    return True


def preset_choice() -> PresetName:
    """Shows the presets and returns the chosen one, which is remembered in this tab."""
    chosen = st.segmented_control(
        "Preset",
        list(PRESET_DESCRIPTIONS),
        default=link.preset if (link := _link()) else DEFAULT_PRESET,
        required=True,
        key=_PRESET,
        help="What is trained, how long. Each can be changed in Settings.",
        persist_state="session",
    )
    return chosen or DEFAULT_PRESET


def dataset_choice() -> str:
    """Shows the data sets and returns the name of the chosen one, which is remembered in this tab."""
    names = dataset_names()
    if st.session_state.get(_DATASET, DEFAULT_DATASET) not in names:  # it was deleted meanwhile
        del st.session_state[_DATASET]
    chosen: str | None = st.selectbox(
        field_label(DATASET),
        names,
        index=names.index(link.dataset if (link := _link()) else DEFAULT_DATASET),
        key=_DATASET,
        help="What is learned. A data set proposes network, likelihood and latent dimensions that suit it.",
        persist_state="session",
    )
    return chosen or DEFAULT_DATASET


def config_form(preset: PresetName) -> TrainConfig | None:
    """Shows data set and fields and returns the config; None, and an error message, if a value is invalid.

    The fields begin with what the preset proposes for the data set. The changes to each preset are remembered
    in this tab.
    """
    dataset = dataset_choice()
    try:
        base = preset_for(preset, dataset)
    except VaeError as error:
        st.error(error_text(error))
        return None
    given = base.model_dump(include={DATASET, "channels", "side", "contents"})
    link = _link()
    note = st.container()  # filled when it is known whether the form was changed
    # Also while what a link has set is changed: Streamlit folds what is no longer expanded.
    with st.expander(f"Settings of {preset}", expanded=st.session_state.get(_EXPANDED) == preset):
        for group in GROUPS:
            st.markdown(f"**{group}**")
            with st.container(horizontal=True):
                for name, field in OTHERS.items():
                    if _metadata(field)["group"] == group:
                        given[name] = _widget(preset, base, name, field)
    try:
        config = TrainConfig.model_validate(given)
    except ValidationError as error:
        with note:
            _show_wrong(link)
        st.error(escape_markdown(explain(error)))
        _reset_button(preset, "")
        return None
    if link and not _is_of_link(preset, base, config, link):
        del st.session_state[_LINK]
        link = None
    with note:
        _show_wrong(link)
    write_settings(preset, base, config, tuple(FIELDS))
    if changes := _changes(base, config):
        _reset_button(preset, f"Changed from {preset}: {changes}.")
    return config


def _widget(preset: PresetName, base: TrainConfig, name: str, field: FieldInfo) -> Any:
    """Shows the field, at first with the value of a link or of `base`, and returns its value."""
    value = getattr(base, name)
    link = _link()
    if link and (link.preset, link.dataset) == (preset, base.dataset):
        value = link.values.get(name, value)
    common: dict[str, Any] = {
        "label": field_label(name),
        "help": field.description,
        "key": _key(preset, base.dataset, name),
        "width": _WIDTH,
        "persist_state": "session",
    }
    if get_origin(field.annotation) is Literal:
        options = get_args(field.annotation)
        return st.selectbox(options=options, index=options.index(value), **common)
    # Without bounds: the browser would not send a number beyond them, and another than the shown one would be
    # trained. The config rejects it with a message.
    if field.annotation is int:
        return st.number_input(value=value, step=click_step(name, value), **common)
    if field.annotation is float:
        step = click_step(name, value)
        number = st.number_input(value=float(value), step=step, format=f"%.{_DIGITS}g", **common)
        return float(f"{number:.{_DIGITS}g}")
    return st.text_input(value=value_text(value), max_chars=_MAX_CHARS, **common).strip()


def _link() -> Settings | None:
    """The settings of a link, while nothing else is chosen."""
    link: Settings | None = st.session_state.get(_LINK)
    return link


def _show_wrong(link: Settings | None) -> None:
    """Shows which settings of a link are invalid."""
    if link and link.wrong:
        taken = bool(link.values) or link.preset != DEFAULT_PRESET
        rest = " The other settings of the link are taken." if taken else ""
        st.warning(f"{escape_markdown(link.wrong)}{rest}")


def _is_of_link(preset: PresetName, base: TrainConfig, config: TrainConfig, link: Settings) -> bool:
    """Whether nothing was changed since the link filled in the form."""
    wanted = {name: link.values.get(name, getattr(base, name)) for name in OTHERS}
    same = (preset, base.dataset) == (link.preset, link.dataset)
    return same and all(getattr(config, name) == value for name, value in wanted.items())


def _key(preset: PresetName, dataset: str, name: str) -> str:
    """The key of the widget of a field."""
    return f"{_KEY} {preset} {dataset} {_resets(preset)} {name}"


def _resets(preset: PresetName) -> int:
    """How often this preset was reset in this tab."""
    return st.session_state.get(f"{_KEY} {preset}", 0)


def _changes(base: TrainConfig, config: TrainConfig) -> str:
    """The fields in which `config` differs from what the preset proposes, as text."""
    values = {name: (getattr(base, name), getattr(config, name)) for name in OTHERS}
    return "; ".join(
        f"{field_label(name).lower()} {value_text(new)}" for name, (old, new) in values.items() if new != old
    )


def _reset_button(preset: PresetName, changes: str) -> None:
    """Shows what was changed, and the button that undoes it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if changes:
            st.caption(escape_markdown(changes), width="content")
        help_ = f"Sets all fields back to the preset {preset}."
        st.button(
            "Reset", on_click=_reset, args=[preset], type="tertiary", icon=":material/undo:", help=help_
        )


def _reset(preset: PresetName) -> None:
    # New keys make new widgets: one without its state would still show in the browser what was typed.
    st.session_state[f"{_KEY} {preset}"] = _resets(preset) + 1
    for key in (_LINK, _EXPANDED):
        st.session_state.pop(key, None)


@st.cache_data(ttl=600, max_entries=1, show_spinner=False)
def core_speed() -> float:
    """`forecast.core_speed`, measured every ten minutes at most."""
    return forecast.core_speed()
