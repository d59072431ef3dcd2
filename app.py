"""Entry point of the app, `streamlit run app.py`: settings of all pages, and the navigation."""

from base64 import b64encode
from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st

from pages.components.shell.connection import watch_connection
from pages.components.shell.messages import show_errors
from pages.components.shell.page_state import set_page
from pages.components.shell.server_sockets import send_small_answers_at_once
from pages.components.shell.streamlit_patches import ignore_clicks_in_polls


def show(page: str) -> None:
    """Shows a page, imported when it is first visited, so that the Train page opens without torch."""
    set_page(page)
    with show_errors():
        import_module(f"pages.{page}").main()
    watch_connection()


SHELL = Path(__file__).parent / "pages" / "components" / "shell"
# Our own icon, as Streamlit's are fetched from another host. As a data URL: Streamlit replaces its media
# files at each run, and a slow browser may request one that is gone.
ICON = f"data:image/png;base64,{b64encode((SHELL / 'icon.png').read_bytes()).decode()}"
MAP = ":material/scatter_plot:"

send_small_answers_at_once()
ignore_clicks_in_polls()
st.set_page_config(page_title="VAE playground", page_icon=ICON, layout="wide")
st.html(SHELL / "app.css")
st.navigation(
    [
        st.Page(partial(show, "latent"), title="Latent space", icon=MAP, url_path="map", default=True),
        # The default page is served at / only; people also type its name.
        st.Page(partial(show, "latent"), title="Latent space", url_path="latent", visibility="hidden"),
        st.Page(
            partial(show, "reconstructions"),
            title="Reconstructions",
            icon=":material/compare:",
            url_path="reconstructions",
        ),
        st.Page(
            partial(show, "compare"),
            title="Compare",
            icon=":material/splitscreen_vertical_add:",
            url_path="compare",
        ),
        st.Page(partial(show, "train"), title="Train", icon=":material/show_chart:", url_path="train"),
    ]
).run()
