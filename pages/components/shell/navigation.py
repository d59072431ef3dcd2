"""Settings of all pages, and the navigation between them."""

from base64 import b64encode
from functools import partial
from pathlib import Path

import streamlit as st

from pages.components.shell.assets import preload
from pages.components.shell.connection import watch_connection
from pages.components.shell.messages import show_errors
from pages.components.shell.page_state import set_page
from pages.components.shell.streamlit_patches import ignore_clicks_in_polls, search_no_tables_in_components
from pages.components.shell.warm_up import imported

_SHELL = Path(__file__).parent
# Our own icon, as Streamlit's are fetched from another host. As a data URL: Streamlit replaces its media
# files at each run, and a slow browser may request one that is gone.
_ICON = f"data:image/png;base64,{b64encode((_SHELL / 'icon.png').read_bytes()).decode()}"
_SIDEBAR = 240  # CSS pixels; hidden at first where the window is narrow
_MAP = ":material/scatter_plot:"
# The components of each page that a visitor waits for.
_MAP_AND_TIME = ("map/latent_map", "map/time_machine")
_WANTED_FIRST = {
    "latent": (*_MAP_AND_TIME, "map/look_panel", "explore/pins_row"),
    "compare": (*_MAP_AND_TIME, "charts/live_figure"),
    "train": ("charts/live_figure", *_MAP_AND_TIME, "map/samples"),
    "data": ("charts/tiles",),
}


def show_page() -> None:
    """Shows the page that the URL names."""
    ignore_clicks_in_polls()
    search_no_tables_in_components()
    st.set_page_config(
        page_title="VAE playground", page_icon=_ICON, layout="wide", initial_sidebar_state=_SIDEBAR
    )
    st.html(_SHELL / "app.css")
    st.navigation(
        [
            st.Page(partial(_show, "latent"), title="Latent space", icon=_MAP, default=True),
            # The default page is served at / only; links and people also name it.
            *(
                st.Page(partial(_show, "latent"), title="Latent space", url_path=name, visibility="hidden")
                for name in ("latent", "map")
            ),
            st.Page(
                partial(_show, "reconstructions"),
                title="Reconstructions",
                icon=":material/compare:",
                url_path="reconstructions",
            ),
            st.Page(
                partial(_show, "compare"),
                title="Compare",
                icon=":material/splitscreen_vertical_add:",
                url_path="compare",
            ),
            st.Page(partial(_show, "train"), title="Train", icon=":material/show_chart:", url_path="train"),
            st.Page(partial(_show, "data"), title="Data", icon=":material/photo_library:", url_path="data"),
            st.Page(partial(_show, "learn"), title="Learn", icon=":material/school:", url_path="learn"),
        ]
    ).run()


def _show(page: str) -> None:
    set_page(page)
    content = st.container()
    preload(*_WANTED_FIRST.get(page, ()))  # sent before the content; below it, where it moves nothing
    if page != "learn":  # which shows the lesson itself
        with show_errors():  # before the content, for which one may wait
            imported("pages.components.learn.card").lesson_card(page)
    with content, show_errors():
        imported(f"pages.{page}").main()
    watch_connection()
