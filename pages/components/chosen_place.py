"""The place of the latent space that one looks at: clicked, in the address, or kept from before.

Shapes: Z latent size.
"""

import numpy as np
import streamlit as st

from pages.components.address import asked_place, open_place
from pages.components.live_figure import Click
from pages.components.selection import Floats, ScoredSet

_KEY = "latent_chosen"


def moved_to(click: Click, place: Floats) -> Floats:
    """A place that was clicked, which the address names from now on; what a map does not show stays."""
    place = place.copy()
    place[:2] = click[: min(2, len(place))]
    open_place(place)
    st.session_state[_KEY] = place
    return place


def chosen_place(test: ScoredSet, index: int | None) -> Floats:
    """The place (Z,) of the picture or the place in the address, else where this tab last was, else 0."""
    latent_dim = test.means.shape[1]
    asked = test.means[index] if index is not None else asked_place(latent_dim)
    kept: Floats | None = st.session_state.get(_KEY)
    if asked is None:
        asked = kept if kept is not None and len(kept) == latent_dim else np.zeros(latent_dim, np.float32)
    st.session_state[_KEY] = asked
    return asked
