"""The frame of a page: its heading for screen readers, and what must be visible without scrolling."""

from collections.abc import Sequence
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def page_heading(title: str) -> None:
    """Names the page for screen readers; others see its name in the navigation."""
    st.html(f'<h1 class="visually-hidden">{escape(title)}</h1>')


def screen_part(name: str, *, horizontal: bool = False) -> DeltaGenerator:
    """A container that must be visible without scrolling at 1400 x 900 and, without sidebar, at 1280 x 720.

    `tests/pages/test_one_screen.py` finds it by `name`. Components of our own carry the attribute
    `data-on-screen` instead, which Streamlit's containers cannot have.

    Args:
        name: unique on the page.
        horizontal: its elements stand in a row.
    """
    return st.container(
        key=f"on_screen_{name}",
        horizontal=horizontal,
        vertical_alignment="bottom" if horizontal else "top",
    )


def folding_controls(summary: str) -> DeltaGenerator:
    """A row for the controls of a page; on a phone it is folded under a line that says `summary`."""
    st.html(f'<details class="fold-controls"><summary>{escape(summary)}</summary></details>')
    return screen_part("controls", horizontal=True)


def view_switch(views: Sequence[str], key: str) -> str:
    """A switch between the views of a page, at first `views[0]`; the URL has the chosen one under `key`."""
    return st.segmented_control(
        "Show",
        views,
        default=views[0],
        key=key,
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )


def shown_run(title: str) -> None:
    """Names the run that the page is of, at the right end of a row, while the sidebar is folded."""
    st.html(f'<p class="shown-run" title="{escape(title)}">{escape(title)}</p>')
