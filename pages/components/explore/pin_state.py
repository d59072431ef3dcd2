"""The pins of this tab in Streamlit's session state, and their query parameters in the URL.

The browser writes the URL, so that a pin adds no entry to its history (see `url_state`).

Shapes: Z latent size.
"""

from dataclasses import asdict, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.components.explore import pins_row
from pages.components.map.pin_urls import PinQuery, format_pins, is_place, parse_pins
from pages.components.map.pins import MOST_KEPT, Pin, Pins, fit_pins
from pages.components.shell.messages import escape_markdown
from pages.components.shell.url_state import UrlHistory
from vae.inference.planes import FURTHEST
from vae.inference.scored_set import ScoredSet

_KEY = "pinned"


class _Memory(NamedTuple):
    pins: Pins = Pins()
    aside: tuple[Pin, ...] = ()  # pins of another latent dimension or data set
    url_history: UrlHistory[PinQuery] = UrlHistory()
    sentences: tuple[str, ...] = ()  # on invalid pins in the URL


def _memory() -> _Memory:
    memory: _Memory = st.session_state.get(_KEY, _Memory())
    return memory


def set_pins(pins: Pins) -> Pins:
    """Replaces the pins of this tab, and returns them; after `current_pins`."""
    st.session_state[_KEY] = _memory()._replace(pins=pins, sentences=())
    return pins


def current_pins(test: ScoredSet, dataset: str) -> Pins:
    """The pins that fit a run's latent space and data set: those in the URL, if a person or a link changed
    it, else this tab's. For invalid ones in the URL a warning is shown, until something else is pinned."""
    pins, aside, url_history, sentences = _memory()
    seen = PinQuery(*(st.query_params.get(part.name) for part in fields(PinQuery)))
    stayed = pins_row.KEY in st.session_state  # the last run of the script showed this page, too
    if seen != PinQuery() and url_history.is_new(seen, stayed=stayed):
        pins, aside = fit_pins(pins, aside, test.means, dataset)
        pins, sentences = parse_pins(seen, test.means, pins)
    pins, aside = fit_pins(pins, aside, test.means, dataset)
    st.session_state[_KEY] = _Memory(pins, aside, url_history.seen(seen), sentences)
    for text in sentences:
        st.warning(escape_markdown(text))
    return pins


def pin(place: npt.ArrayLike, index: int | None = None) -> Pins:
    """Pins a place (Z,), or the test picture `index` at it, and returns all pins; after `current_pins`.

    The place may come from a browser: for one too far out for computations, a warning is shown instead.
    """
    pins, values = _memory().pins, np.asarray(place, np.float64).tolist()
    if not is_place(values, len(values)):
        st.warning(escape_markdown(f"Nothing is pinned beyond ±{FURTHEST:,}."))
        return pins
    return set_pins(pins.add(values, index))


def act(action: pins_row.Action) -> Pins:
    """Carries out an action on the row, and returns all pins; after `current_pins`."""
    pins = _memory().pins
    if action.name == "clear":
        return set_pins(pins.clear())
    changed: Pins = getattr(pins, action.name)(action.number)
    if action.name == "keep" and changed == pins:
        st.warning(f"{MOST_KEPT} pins are kept already. Take the star from another first.")
    return set_pins(changed)


def pins_query(pins: Pins) -> dict[str, str | None]:
    """The query parameters that the browser is to write for these pins, None to remove one."""
    memory, texts = _memory(), format_pins(pins)
    st.session_state[_KEY] = memory._replace(url_history=memory.url_history.written(texts))
    return asdict(texts)
