"""What is chosen on the Compare page, in this tab and in the address: clicks on either map."""

import dataclasses
from typing import NamedTuple

import streamlit as st

from pages.components.compare.pair import Choice, Pair, choice_of
from pages.components.map.explorer_map import Mounting, View
from pages.components.map.latent_map import Click, Undo, new_events
from pages.components.map.pin_urls import Texts, is_place
from pages.components.shell.messages import error_text
from pages.components.shell.url_state import UrlHistory
from vae import VaeError

_KEY = "compared_choice"


class _Memory(NamedTuple):
    choice: Choice | None = None
    before: tuple[str, int, Choice | None] | None = (
        None  # the last click's map and number, and what it replaced
    )
    url_history: UrlHistory[Texts] = UrlHistory()
    wrong: str = ""  # with what the address said last


def chosen(pair: Pair, sides: tuple[tuple[View, Mounting], ...]) -> Choice | None:
    """What is chosen now: what was clicked since the last run of the page, or else what the address says, if
    it was changed from outside, or else what was chosen before. Nonsense in the address gets a sentence."""
    memory: _Memory = st.session_state.get(_KEY, _Memory())
    count = min(len(view.loaded.test) for view, _ in sides)
    seen = Texts(st.query_params.get("z"), st.query_params.get("index"))
    # The maps tell whether the page was shown by the run before.
    stayed = any(mounting.key in st.session_state for _, mounting in sides)
    if seen != Texts() and memory.url_history.is_new(seen, stayed=stayed):
        try:
            memory = memory._replace(choice=choice_of(seen, pair, count), wrong="")
        except VaeError as error:
            memory = memory._replace(wrong=error_text(error))
    st.session_state[_KEY] = memory = memory._replace(url_history=memory.url_history.seen(seen))
    for view, mounting in sides:
        for number, event in new_events(mounting.key):
            memory = _after(memory, pair, view, mounting.key, number, event)
            st.session_state[_KEY] = memory
    if memory.wrong:
        st.warning(memory.wrong)
    choice = memory.choice
    return choice if choice is not None and choice.fits(pair, count) else None


def address(choice: Choice | None) -> dict[str, str | None]:
    """What the address has to say of it; the browser is to be told."""
    memory: _Memory = st.session_state.get(_KEY, _Memory())
    texts = Texts() if choice is None else choice.texts
    st.session_state[_KEY] = memory._replace(url_history=memory.url_history.written(texts))
    said = dataclasses.asdict(texts)
    return {"z": said["z"], "index": said["index"]}


def _after(memory: _Memory, pair: Pair, view: View, key: str, number: int, event: object) -> _Memory:
    """The memory once something has happened on the map of that key."""
    match event:
        case Undo(of) if memory.before is not None and memory.before[:2] == (key, of):
            return memory._replace(choice=memory.before[2], before=None)
        case Click(z, point, points) if view.is_of(event) and is_place(z, view.run.config.latent_dim):
            picture = view.test_picture(point, points)
            if picture is not None and not pair.same_set:
                z = view.loaded.test.means[picture].tolist()
            choice = Choice(picture) if picture is not None and pair.same_set else Choice(z=tuple(z))
            return _Memory(choice, (key, number, memory.choice), memory.url_history)
    return memory
