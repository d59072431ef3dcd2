"""The mark on both maps of the Compare page: a test picture or a place, kept in this tab and in the URL.

Shapes: N test pictures, Z latent size.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.compare.pair import Pair
from pages.components.map.explorer_map import ExplorerPlacement, View
from pages.components.map.latent_map import Click, Undo, new_events
from pages.components.map.pin_urls import PinQuery, index_of, is_place, place_of, place_text
from pages.components.map.pins import Pins
from pages.components.shell.messages import error_text
from pages.components.shell.url_state import UrlHistory
from vae import VaeError
from vae.inference.scored_set import Floats

_KEY = "compared_mark"


@dataclass(frozen=True)
class Mark:
    """The test picture `index` of both runs, or a place `z` of each run with as many latent dimensions."""

    index: int | None = None
    z: tuple[float, ...] = ()

    def fits(self, pair: Pair, count: int) -> bool:
        """Whether these runs, with `count` test pictures, have such a picture or place."""
        if self.index is not None:
            return pair.same_set and self.index < count
        return len(self.z) in pair.latent_dims

    @property
    def texts(self) -> PinQuery:
        """The mark as it is written into the URL."""
        if self.index is not None:
            return PinQuery(index=str(self.index))
        return PinQuery(z=place_text(np.array(self.z, np.float32)))

    def pins(self, means: Floats) -> Pins:
        """The mark as the pin of a run whose test pictures lie at `means` (N, Z); none if z does not fit."""
        if self.index is not None:
            return Pins().add(means[self.index], self.index)
        return Pins().add(self.z) if len(self.z) == means.shape[1] else Pins()


def mark_of(texts: PinQuery, pair: Pair, count: int) -> Mark:
    """The mark in a URL, of runs with `count` test pictures. Raises VaeError if it is invalid."""
    if texts.index is not None:
        index = index_of(texts.index, count)
        if not pair.same_set:
            raise VaeError(f"Test image {index} is another at each side, so it cannot be marked on both.")
        return Mark(index)
    text = texts.z or ""
    size = text.count(",") + 1
    place = place_of(text, size if size in pair.latent_dims else pair.latent_dims[0])
    return Mark(z=tuple(place.tolist()))


class _Memory(NamedTuple):
    mark: Mark | None = None
    # The map and the number of the last click, and the mark before it.
    undo: tuple[str, int, Mark | None] | None = None
    url_history: UrlHistory[PinQuery] = UrlHistory()
    error: str = ""  # on an invalid mark in the URL


def current_mark(pair: Pair, sides: tuple[tuple[View, ExplorerPlacement], ...]) -> Mark | None:
    """The mark in the URL, if a person or a link changed it, else this tab's; then changed by new clicks.

    For an invalid mark in the URL a warning is shown.
    """
    memory: _Memory = st.session_state.get(_KEY, _Memory())
    count = min(len(view.loaded.test) for view, _ in sides)
    seen = PinQuery(st.query_params.get("z"), st.query_params.get("index"))
    # The last run of the script showed this page, too, if its maps have a state.
    stayed = any(placement.key in st.session_state for _, placement in sides)
    if seen != PinQuery() and memory.url_history.is_new(seen, stayed=stayed):
        try:
            memory = memory._replace(mark=mark_of(seen, pair, count), error="")
        except VaeError as error:
            memory = memory._replace(error=error_text(error))
    st.session_state[_KEY] = memory = memory._replace(url_history=memory.url_history.seen(seen))
    for view, placement in sides:
        for number, event in new_events(placement.key):
            memory = _after(memory, pair, view, placement.key, number, event)
            st.session_state[_KEY] = memory
    if memory.error:
        st.warning(memory.error)
    mark = memory.mark
    return mark if mark is not None and mark.fits(pair, count) else None


def mark_query(mark: Mark | None) -> dict[str, str | None]:
    """The query parameters that the browser is to write for a mark, None to remove one."""
    memory: _Memory = st.session_state.get(_KEY, _Memory())
    texts = PinQuery() if mark is None else mark.texts
    st.session_state[_KEY] = memory._replace(url_history=memory.url_history.written(texts))
    return {"z": texts.z, "index": texts.index}


def _after(memory: _Memory, pair: Pair, view: View, key: str, number: int, event: object) -> _Memory:
    """The memory after an event on the map of that key."""
    match event:
        case Undo(of) if memory.undo is not None and memory.undo[:2] == (key, of):
            return memory._replace(mark=memory.undo[2], undo=None)
        case Click(z, point, points) if view.matches(event) and is_place(z, view.run.config.latent_dim):
            picture = view.test_picture(point, points)
            if picture is not None and not pair.same_set:
                z = view.loaded.test.means[picture].tolist()
            mark = Mark(picture) if picture is not None and pair.same_set else Mark(z=tuple(z))
            return _Memory(mark, (key, number, memory.mark), memory.url_history)
    return memory
