"""The test picture that was opened: above the page, and in the address."""

import numpy as np
import streamlit as st

from pages.components.charts.tiles import clicked_tile
from pages.components.gallery.picture_detail import close_up, neighbours_key
from pages.components.gallery.picture_url import asked_index, close_index, open_index
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import MAP, link
from pages.components.shell.messages import escape_markdown, show_errors
from vae.datasets.registry import class_names
from vae.inference.scored_set import Indices, ScoredSet
from vae.runs.run import Run

KEY = "opened"


def open_clicked(test: ScoredSet, *keys: str) -> None:
    """Has the address name the picture that was clicked in this run, if one was.

    `keys` are those of tiles whose numbers are indices of the test set.
    """
    for key in keys:
        # It comes from a browser.
        if (clicked := clicked_tile(key)) is not None and 0 <= clicked < len(test):
            open_index(clicked)


@st.dialog("One picture, closer", width="large", on_dismiss=close_index)
@show_errors()
def opened(run: Run, loaded: LoadedModel, indices: Indices) -> None:
    """Shows the picture in the address; clicks in here run only this again.

    `indices` are the pictures that *Previous* and *Next* lead to.
    """
    test = loaded.test
    open_clicked(test, neighbours_key(KEY))
    index = asked_index(len(test))
    if index is None:
        return
    position = int(np.flatnonzero(np.append(indices, index) == index)[0])
    here = position < len(indices)
    with st.container(horizontal=True, vertical_alignment="center"):
        name = class_names(run.config.dataset)[test.labels[index]]
        st.subheader(f"{escape_markdown(name)} · #{index}", width="content")
        st.caption(
            f"{escape_markdown(run.name)}: "
            + (
                f"{position + 1:,} of {len(indices):,} in this order"
                if here
                else "not among the chosen pictures, to which closing this leads back"
            )
        )
        for label, step, shortcut in (("Previous", -1, "Left"), ("Next", 1, "Right")):
            inside = here and 0 <= position + step < len(indices)
            there = int(indices[position + step]) if inside else index
            st.button(label, shortcut=shortcut, disabled=not inside, on_click=open_index, args=(there,))
        query = {"run": run.name, "index": str(index), "z": None}
        link("Show on the latent map", MAP, query, key="opened_link")
    close_up(run, loaded, test[[index]], key=KEY, index=index)
