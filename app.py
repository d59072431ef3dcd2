"""The playground: `streamlit run app.py`."""

from base64 import b64encode
from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st

from pages.components.shell.connection import watch_connection
from pages.components.shell.messages import show_errors
from pages.components.shell.page_state import set_page
from pages.components.shell.streamlit_patches import ignore_clicks_in_polls


def show(page: str) -> None:
    """Shows a page. It is imported when it is first asked for, so that Train opens without torch."""
    set_page(page)
    with show_errors():
        import_module(f"pages.{page}").main()
    watch_connection()


# A picture of our own: Streamlit would have the browser fetch one of its icons from a foreign host. As bytes,
# few of them: a file of Streamlit's may be gone before a slow browser asks for it, as each run takes it anew.
PICTURE = Path(__file__).parent / "pages" / "components" / "shell" / "icon.png"
ICON = f"data:image/png;base64,{b64encode(PICTURE.read_bytes()).decode()}"
MAP = ":material/scatter_plot:"

ignore_clicks_in_polls()
st.set_page_config(page_title="VAE playground", page_icon=ICON, layout="wide")
# Room for what is shown; and a click on the page, then a key, draws no frame around all of it.
st.html(
    "<style>.stMainBlockContainer { padding: 4rem 3rem 2rem; }"
    "@media (max-width: 640px) { .stMainBlockContainer { padding: 4rem 1rem 2rem; } }"
    ".stMain:focus-visible::before { box-shadow: none !important; }</style>"
)
st.navigation(
    [
        st.Page(partial(show, "latent"), title="Latent space", icon=MAP, url_path="map", default=True),
        # The first page answers at / only; people also type its name.
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
