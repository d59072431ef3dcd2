"""The pins of this tab, and the address that says them.

The address is written in the browser, so that a pin leaves no step in its history (`wishes.py`).

Shapes: Z latent size.
"""

from dataclasses import asdict, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.components.explore import pins_row
from pages.components.map.pin_urls import FURTHEST, Texts, is_place, read, written
from pages.components.map.pins import MOST_KEPT, Pin, Pins, fitted
from pages.components.shell.messages import escape_markdown
from pages.components.shell.url_state import UrlHistory
from vae.inference.scored_set import ScoredSet

_KEY = "pinned"


class _Memory(NamedTuple):
    pins: Pins = Pins()
    aside: tuple[Pin, ...] = ()  # those of another latent dimension or data set
    url_history: UrlHistory[Texts] = UrlHistory()
    sentences: tuple[str, ...] = ()  # on what was asked last


def _memory() -> _Memory:
    memory: _Memory = st.session_state.get(_KEY, _Memory())
    return memory


def _changed(pins: Pins, *sentences: str) -> Pins:
    st.session_state[_KEY] = _memory()._replace(pins=pins, sentences=sentences)
    return pins


def pinned(test: ScoredSet, dataset: str) -> Pins:
    """The pins that have a place among the test pictures of a data set: those in the address, if it was
    changed from outside, else this tab's. What in them makes no sense gets a sentence, until something else
    is pinned."""
    pins, aside, url_history, sentences = _memory()
    seen = Texts(*(st.query_params.get(part.name) for part in fields(Texts)))
    stayed = pins_row.KEY in st.session_state  # the page was shown by the run before
    if seen != Texts() and url_history.is_new(seen, stayed=stayed):
        pins, aside = fitted(pins, aside, test.means, dataset)
        pins, sentences = read(seen, test.means, pins)
    pins, aside = fitted(pins, aside, test.means, dataset)
    st.session_state[_KEY] = _Memory(pins, aside, url_history.seen(seen), sentences)
    for text in sentences:
        st.warning(escape_markdown(text))
    return pins


def pin(place: npt.ArrayLike, index: int | None = None) -> Pins:
    """Pins a place (Z,), of a test picture if its `index` is given, and returns all pins; after `pinned`.

    The place may come from a browser: one that nothing can be computed of gets a sentence instead.
    """
    pins, values = _memory().pins, np.asarray(place, np.float64).tolist()
    if not is_place(values, len(values)):
        st.warning(escape_markdown(f"Nothing is pinned beyond ±{FURTHEST:,}."))
        return pins
    return _changed(pins.add(values, index))


def put_back(pins: Pins) -> Pins:
    """The pins are those of before again."""
    return _changed(pins)


def act(action: pins_row.Action) -> Pins:
    """Does what was asked for in the row, and returns all pins; after `pinned`."""
    pins = _memory().pins
    if action.name == "clear":
        return _changed(pins.clear())
    changed: Pins = getattr(pins, action.name)(action.number)
    if action.name == "keep" and changed == pins:
        st.warning(f"{MOST_KEPT} pins are kept already. Take the star from another first.")
    return _changed(changed)


def address(pins: Pins) -> dict[str, str | None]:
    """What the address has to say of the pins, None of what it must not; the browser is to be told."""
    memory, texts = _memory(), written(pins)
    st.session_state[_KEY] = memory._replace(url_history=memory.url_history.written(texts))
    return asdict(texts)
