"""The settings of a new training in the URL of the Train page: `preset=small&beta=4&seed=2`.

A link with settings fills in the form; a change of the form is written into the URL.
"""

from typing import Any, NamedTuple, get_args

import streamlit as st
from pydantic import ValidationError

from pages.components.runs.config_text import value_text
from pages.components.shell.page_state import page_state
from pages.components.shell.url_state import UrlHistory
from vae.config import PresetName, TrainConfig, explain
from vae.datasets.registry import dataset_names
from vae.storage.untrusted import shortened

PRESET, DATASET = "preset", "dataset"
DEFAULT_PRESET: PresetName = "quick"
DEFAULT_DATASET = "mnist"
_HISTORY = "settings_history"  # of the URL's settings, while the page is shown

Texts = tuple[tuple[str, str], ...]  # parameters and their values


class Settings(NamedTuple):
    """Settings that a link asks for.

    Attributes:
        values: of the fields that are valid.
        wrong: a sentence on each of the others; empty if all are valid.
    """

    preset: PresetName
    values: dict[str, Any]
    wrong: str

    @property
    def dataset(self) -> str:
        """The data set, one of those that are here."""
        dataset: str = self.values.get(DATASET, DEFAULT_DATASET)
        return dataset


def new_settings(fields: tuple[str, ...]) -> Settings | None:
    """The settings in the URL, if a person put them there since this function was called last; else None.

    Args:
        fields: the names of the form's fields, which are the names of the parameters.
    """
    texts = _in_url(fields)
    history: UrlHistory[Texts] | None = page_state().get(_HISTORY)
    found = history or UrlHistory()
    page_state()[_HISTORY] = found.seen(texts)
    if not texts or not found.is_new(texts, stayed=history is not None):
        return None
    given = dict(texts)
    values, wrong = {}, []
    names: tuple[PresetName, ...] = get_args(PresetName)
    asked = given.pop(PRESET, DEFAULT_PRESET)
    preset = next((name for name in names if name == asked), None)
    if preset is None:
        wrong.append(f"There is no preset {shortened(asked)!r}; there are {', '.join(names)}.")
        preset = DEFAULT_PRESET
    if given.get(DATASET, DEFAULT_DATASET) not in dataset_names():
        wrong.append(f"There is no data set {shortened(given.pop(DATASET))!r} here.")
    for name, text in given.items():
        try:
            values[name] = getattr(TrainConfig.preset(preset, **{name: text}), name)
        except ValidationError as error:
            wrong.append(explain(error))
    return Settings(preset, values, " ".join(wrong))


def write_settings(
    preset: PresetName, base: TrainConfig, config: TrainConfig, fields: tuple[str, ...]
) -> None:
    """Writes preset and data set, and what differs from them, into the URL; nothing for the unchanged form.

    Args:
        base: what the preset proposes for the config's data set.
    """
    changed = {
        name: value_text(getattr(config, name))
        for name in fields
        if getattr(config, name) != (DEFAULT_DATASET if name == DATASET else getattr(base, name))
    }
    wanted = {PRESET: preset, **changed} if changed or preset != DEFAULT_PRESET else {}
    texts = _sorted(wanted)
    # Only if it differs: this sends the whole URL as it was when this run of the page was requested, and what
    # the browser has written since, such as a map's window, would be lost.
    if texts == _in_url(fields):
        return
    for name in (PRESET, *fields):
        if name in wanted:
            st.query_params[name] = wanted[name]
        elif name in st.query_params:
            del st.query_params[name]
    history: UrlHistory[Texts] = page_state().get(_HISTORY, UrlHistory())
    page_state()[_HISTORY] = history.written(texts)


def _in_url(fields: tuple[str, ...]) -> Texts:
    return _sorted({name: st.query_params[name] for name in (PRESET, *fields) if name in st.query_params})


def _sorted(texts: dict[str, str]) -> Texts:
    return tuple(sorted(texts.items()))
