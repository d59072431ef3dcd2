"""The Data page: the data sets there are, each with its pictures, and the import of one's own."""

import streamlit as st

from pages.components.data.dataset_list import dataset_list
from pages.components.data.dataset_view import dataset_view
from pages.components.data.import_panel import import_panel, take_finished
from pages.components.data.imports_row import imports_row
from pages.components.shell.access import may_change, show_lock
from pages.components.shell.assets import COMPONENTS
from pages.components.shell.connection import watch_window
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.messages import show_errors
from pages.components.shell.page_layout import page_heading, view_switch

SETS, ADD = "Data sets", "Add pictures"  # the two views of the page, as its URL calls them
VIEW = "view_of_data"  # key of their switch, and its name in the URL
_STYLE = COMPONENTS / "data" / "layout.css"


def main() -> None:
    """Draws the page."""
    st.html(_STYLE)
    page_heading("Data")
    if take_finished():
        st.session_state[VIEW] = SETS
    with st.sidebar:
        show_lock()
    with st.container(key="data_row", horizontal=True, vertical_alignment="center"):
        view = SETS
        if may_change():
            view = view_switch([SETS, ADD], VIEW)
        imports_row()
    if view == ADD:
        with show_errors():
            import_panel()
    else:
        left, right = st.columns([2, 7], gap="medium")
        with left:
            chosen = dataset_list()
        with right, show_errors():
            dataset_view(chosen)
    watch_window()


if __name__ == "__main__":
    reenter_through_app()
