"""What to train: a preset, and every setting of it, drawn from the config's own fields."""

from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from pages.components.runs.config_text import field_label, value_text
from pages.components.shell.messages import escape_markdown
from vae.config import PRESET_DESCRIPTIONS, PresetName, TrainConfig, explain
from vae.training import forecast

_KEY = "settings"
_WIDTH = 200  # pixels: four fields side by side in a window of 1400, three in one of 700
# Of a float. What is shown is what is trained: steps of 0.1 would end at 0.30000000000000004.
_DIGITS = 6
_LONGEST = 80  # characters of a text; eight widths of four digits need 46
# Train longer makes them, from where a run ends.
_NOT_ASKED = frozenset({"restarts"})
FIELDS = {name: field for name, field in TrainConfig.model_fields.items() if name not in _NOT_ASKED}


def preset_choice() -> PresetName:
    """Shows the presets, and returns the chosen one; the choice outlasts a change of page in this tab."""
    chosen = st.segmented_control(
        "Preset",
        list(PRESET_DESCRIPTIONS),
        default="quick",
        required=True,
        key=f"{_KEY} preset",
        help="What is trained, how long. Each can be changed in Settings.",
        persist_state="session",
    )
    return chosen or "quick"


def config_form(preset: PresetName) -> TrainConfig | None:
    """The preset as it was changed; None, below a sentence of what to mend, if a value is out of bounds.

    The changes outlast a change of preset and of page in this tab.
    """
    with st.expander(f"Settings of {preset}"), st.container(horizontal=True):
        given = {name: _widget(preset, name, field) for name, field in FIELDS.items()}
    try:
        config = TrainConfig.model_validate(given)
    except ValidationError as error:
        st.error(escape_markdown(explain(error)))
        _offer_reset(preset, "")
        return None
    if changes := _changes(preset, config):
        _offer_reset(preset, f"Changed from {preset}: {changes}.")
    return config


def _widget(preset: PresetName, name: str, field: FieldInfo) -> Any:
    """Draws the field that `preset` shows, and returns what a person made of it."""
    value = getattr(TrainConfig.preset(preset), name)
    about: dict[str, Any] = {
        "label": field_label(name),
        "help": field.description,
        "key": _widget_key(preset, name),
        "width": _WIDTH,
        "persist_state": "session",
    }
    if get_origin(field.annotation) is Literal:
        options = get_args(field.annotation)
        return st.selectbox(options=options, index=options.index(value), **about)
    # Numbers have no bounds here: the browser would keep one beyond them to itself, and the page would train
    # another than it shows. The config refuses it with a sentence.
    if field.annotation is int:
        return st.number_input(value=value, step=1, **about)
    if field.annotation is float:
        number = st.number_input(
            value=float(value),
            step=float(f"{value / 10:.1g}"),
            format=f"%.{_DIGITS}g",
            **about,
        )
        return float(f"{number:.{_DIGITS}g}")
    return st.text_input(value=value_text(value), max_chars=_LONGEST, **about).strip()


def _widget_key(preset: PresetName, name: str) -> str:
    return f"{_KEY} {preset} {_resets(preset)} {name}"


def _resets(preset: PresetName) -> int:
    """How often this preset was reset."""
    return st.session_state.get(f"{_KEY} {preset}", 0)


def _changes(preset: PresetName, config: TrainConfig) -> str:
    """Where `config` differs from the preset, in words."""
    own = TrainConfig.preset(preset)
    values = {name: (getattr(own, name), getattr(config, name)) for name in FIELDS}
    return "; ".join(
        f"{field_label(name).lower()} {value_text(new)}" for name, (old, new) in values.items() if new != old
    )


def _offer_reset(preset: PresetName, changes: str) -> None:
    """Says what was changed, beside the way back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if changes:
            st.caption(escape_markdown(changes), width="content")
        help_ = f"Back to what {preset} says."
        st.button(
            "Reset", on_click=_reset, args=[preset], type="tertiary", icon=":material/undo:", help=help_
        )


def _reset(preset: PresetName) -> None:
    # New keys make new widgets. Without its state an old one would show in the browser what was typed.
    st.session_state[f"{_KEY} {preset}"] = _resets(preset) + 1


@st.cache_data(ttl=600, max_entries=1, show_spinner=False)
def core_speed() -> float:
    """`forecast.core_speed`, not measured anew at every click."""
    return forecast.core_speed()
