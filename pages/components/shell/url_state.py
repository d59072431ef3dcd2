"""Which values in the URL come from a person, and which the app wrote itself.

Choices are written into the URL in the browser (`links/url.js`), so that they add no entry to its history.
They reach the server late: with the next run of the script, or, once `st.query_params` was written for
something else, only with the next page (Streamlit 1.67). So an old URL must not be taken for a person's.
Values other than those last seen or lately written come from a person, a link or the Back button; so do all
values when another page was shown before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Self, TypeVar
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.components.v2 import component

T = TypeVar("T")
LATELY = 3  # written values that may still be on their way: quick clicks are two ahead

_mount_address = component(
    "address",
    html="<span hidden></span>",
    js=Path(__file__).with_name("address.js").read_text(encoding="utf-8"),
)


def query_in_browser() -> Mapping[str, str]:
    """The query parameters of the URL as the browser has it; the last value of each.

    To be called where they are needed at once, in a fragment: the browser is asked, and its answer runs the
    fragment once more. Until then they are those that Streamlit knows.
    """
    search = _mount_address(key="address", on_search_change=lambda: None).search
    return st.query_params if search is None else dict(parse_qsl(str(search).removeprefix("?")))


@dataclass(frozen=True)
class UrlHistory(Generic[T]):
    """The values last seen in the URL, and those lately written to it, the newest last."""

    last_seen: T | None = None
    lately_written: tuple[T, ...] = ()

    def is_new(self, values: T, *, stayed: bool) -> bool:
        """Whether a person put `values` into the URL; `stayed` if the run before showed the same page."""
        return not (stayed and values in (self.last_seen, *self.lately_written))

    def seen(self, values: T) -> Self:
        """The history after `values` were read from the URL."""
        return replace(self, last_seen=values)

    def written(self, values: T) -> Self:
        """The history after `values` were sent to the browser, to be written into the URL."""
        others = (each for each in self.lately_written if each != values)
        return replace(self, lately_written=(*others, values)[-LATELY:])


def take_default(key: str, default: object, texts: Sequence[str]) -> None:
    """Sets a bound widget to its default if the URL names just that; called before the widget.

    Streamlit 1.67 takes a default in the URL for none, and would restore what the tab has kept.

    Args:
        key: of the widget, and so its URL parameter.
        default: the value.
        texts: the same as in the URL.
    """
    # Once seen, Streamlit takes it out of the URL: what is chosen later is not undone.
    if st.query_params.get_all(key) == list(texts) and st.session_state.get(key, default) != default:
        st.session_state[key] = default
