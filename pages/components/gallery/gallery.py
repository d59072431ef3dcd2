"""A page of test images, each beside its reconstruction and the difference of the two."""

import numpy as np
import streamlit as st

from pages.components.charts.tiles import Caption, TileClicks, TileLayout, difference_legend, tiles
from pages.components.gallery.filters import PAGE, Selection
from pages.components.runs.loaded_model import LoadedModel

BELOW = "page_below"  # key of the second pagination, below the tiles
KEY = "gallery"
ROWS = 4  # that are visible without scrolling where the window is large enough


def gallery(loaded: LoadedModel, selection: Selection) -> None:
    """Shows one page of the selected images, which are at least one."""
    test = loaded.test
    indices, size, above = selection
    pages = -(-len(indices) // size)
    with above:
        number = st.pagination(pages, key=PAGE, max_visible_pages=5, bind="query-params")
        st.html(difference_legend(), width="content")
    shown = indices[(number - 1) * size : number * size]
    tiles(
        np.stack((test.images[shown], loaded.model.decode(test.means[shown])), axis=1),
        [
            Caption(
                loaded.image_title(i),
                f"reconstruction {test.reconstruction[i]:.1f} · KL {max(test.kl[i], 0):.1f}",
            )
            for i in shown
        ],
        key=KEY,
        label="Test images, their reconstructions and the differences",
        layout=TileLayout(200, difference=True, on_screen=ROWS),
        clicks=TileClicks(shown.tolist()),
        follow=number,
    )
    st.session_state[BELOW] = number
    st.pagination(pages, key=BELOW, on_change=_turn)
    st.caption(
        "A click on an image shows it closer. The losses are in nats, with z sampled once; the "
        "reconstruction is decoded from the posterior's mean."
    )


def _turn() -> None:
    st.session_state[PAGE] = st.session_state[BELOW]
