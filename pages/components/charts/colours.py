"""The colours of classes and of numbers, the same in all charts, for light and for dark pages."""

from itertools import cycle, islice

import plotly.colors
import streamlit as st

from vae.export.colours import CLASS_COLOURS, Theme

# From blue to orange: told apart with any colour vision, and visible on the page of each theme.
NUMBER_COLOURS: dict[Theme, list[str]] = {
    "light": plotly.colors.sample_colorscale(["#2255ee", "#bb4488", "#dd7700"], 24),
    "dark": plotly.colors.sample_colorscale(["#4477ff", "#cc5599", "#ffaa22"], 24),
}


def class_colours(count: int) -> tuple[str, ...]:
    """The colours of `count` classes on the visitor's page; more classes than colours share them in turn."""
    return tuple(islice(cycle(CLASS_COLOURS[_theme()]), count))


def number_colours() -> list[str]:
    """The colours of numbers from the lowest to the highest on the visitor's page."""
    return NUMBER_COLOURS[_theme()]


def _theme() -> Theme:
    """That of the visitor's browser; light outside of a visit."""
    return "dark" if st.context.theme.type == "dark" else "light"
