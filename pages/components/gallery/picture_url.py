"""The test image that the URL names: `?index=417`."""

import streamlit as st

from pages.components.map.pin_urls import index_of
from pages.components.shell.messages import error_text
from vae import VaeError

# Key of the session state: the run's name, and the place of one's own image as text, as in the URL.
OWN_PLACE = "own_place"


def set_index(index: int) -> None:
    """Writes a test image into the URL."""
    st.query_params["index"] = str(index)


def remove_index() -> None:
    """Removes the test image from the URL."""
    st.query_params.pop("index", None)


def index_in_url(count: int) -> int | None:
    """The test image that the URL names, 0 to `count` - 1, or None, with a warning if it is invalid."""
    text = st.query_params.get("index")
    try:
        return None if text is None else index_of(text, count)
    except VaeError as error:
        st.warning(error_text(error))
        return None
