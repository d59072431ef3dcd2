"""The dialog with the details of one test image; the URL names the image."""

import numpy as np
import streamlit as st

from pages.components.charts.tiles import clicked_tile
from pages.components.gallery.picture_detail import neighbours_key, picture_detail
from pages.components.gallery.picture_url import index_in_url, remove_index, set_index
from pages.components.runs import run_data
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import MAP, link
from pages.components.shell.messages import escape_markdown, show_errors
from vae.inference.scored_set import Indices, ScoredSet
from vae.runs.run import Run

KEY = "opened"


def open_clicked(test: ScoredSet, *keys: str) -> None:
    """Writes the image that was clicked since the last run into the URL, if one was.

    `keys` are those of tiles components whose numbers are indices of the test set.
    """
    for key in keys:
        # The bounds, as it comes from a browser.
        if (clicked := clicked_tile(key)) is not None and 0 <= clicked < len(test):
            set_index(clicked)


@st.dialog("One image, closer", width="large", on_dismiss=remove_index)
@show_errors()
def picture_dialog(run: Run, loaded: LoadedModel, indices: Indices) -> None:
    """Shows the image that the URL names; clicks in the dialog run only this again.

    `indices` are the pictures that *Previous* and *Next* lead to.
    """
    test = loaded.test
    open_clicked(test, neighbours_key(KEY))
    index = index_in_url(len(test))
    if index is None:
        return
    position = int(np.flatnonzero(np.append(indices, index) == index)[0])
    here = position < len(indices)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(escape_markdown(loaded.image_title(index)), width="content")
        st.caption(
            f"{escape_markdown(run_data.title(run))}: "
            + (
                f"{position + 1:,} of {len(indices):,} in this order"
                if here
                else "not among the chosen images, which are shown again when this is closed"
            )
        )
        for label, step, shortcut in (("Previous", -1, "Left"), ("Next", 1, "Right")):
            inside = here and 0 <= position + step < len(indices)
            there = int(indices[position + step]) if inside else index
            st.button(label, shortcut=shortcut, disabled=not inside, on_click=set_index, args=(there,))
        query = {"run": run.name, "index": str(index), "z": None}
        link("Show on the latent map", MAP, query, key="opened_link")
    picture_detail(run, loaded, test[[index]], key=KEY, index=index)
