"""What an address asks for: `?index=417` a test picture, `?z=0.41,-1.2` a place in the latent space."""

import numpy as np
import streamlit as st

from pages.components.selection import Floats
from pages.components.sentences import plain
from vae.errors import shortened

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
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < count:
        return int(text)
    st.warning(
        plain(f"There is no test picture '{shortened(text)}': they are numbered from 0 to {count - 1:,}.")
    )
    return None


def asked_place(latent_dim: int) -> Floats | None:
    """The place (Z,) that the address names; anything else gets a sentence."""
    text = st.query_params.get("z")
    if text is None:
        return None
    try:
        place = np.array([float(part) for part in text.split(",")], np.float32)
    except ValueError:
        place = np.empty(0, np.float32)
    if len(place) == latent_dim and np.isfinite(place).all():
        return place
    st.warning(
        plain(f"'{shortened(text)}' is no place here: z is {latent_dim} finite numbers with commas between.")
    )
    return None


def open_place(place: Floats) -> None:
    """Has the address name a place (Z,), and no picture."""
    close_index()
    st.query_params["z"] = place_text(place)


def place_text(place: Floats) -> str:
    """A place (Z,) as addresses say it."""
    return ",".join(f"{value:.6g}" for value in place)
