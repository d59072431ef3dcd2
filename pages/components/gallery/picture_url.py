"""The test picture in the address: `?index=417`."""

import streamlit as st

from pages.components.map.pin_urls import index_of
from pages.components.shell.messages import error_text
from vae import VaeError

OWN_PLACE = "own_place"  # key of where a picture of one's own lies: the run's name, and z as addresses say it


def open_index(index: int) -> None:
    """Has the address name a test picture."""
    st.query_params["index"] = str(index)


def close_index() -> None:
    """Has the address name none."""
    st.query_params.pop("index", None)


def asked_index(count: int) -> int | None:
    """The test picture that the address names, 0 to `count` - 1; a name that is none gets a sentence."""
    text = st.query_params.get("index")
    try:
        return None if text is None else index_of(text, count)
    except VaeError as error:
        st.warning(error_text(error))
        return None
