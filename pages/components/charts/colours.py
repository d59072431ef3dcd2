"""The colours of classes and of numbers, the same in all charts, for light and for dark pages."""

import plotly.colors
import streamlit as st

from vae.export.colours import Theme, colours_of_classes

# From blue to orange: told apart with any colour vision, and visible on the page of each theme.
NUMBER_COLOURS: dict[Theme, list[str]] = {
    "light": plotly.colors.sample_colorscale(["#2255ee", "#bb4488", "#dd7700"], 24),
    "dark": plotly.colors.sample_colorscale(["#4477ff", "#cc5599", "#ffaa22"], 24),
}


def class_colours(count: int, theme: Theme | None = None) -> tuple[str, ...]:
    """As `colours_of_classes`; if `theme` is None, for that of the visitor's page."""
    return colours_of_classes(count, theme or _theme())


def number_colours() -> list[str]:
    """The colours of numbers from the lowest to the highest on the visitor's page."""
    return NUMBER_COLOURS[_theme()]


def _theme() -> Theme:
    """That of the visitor's browser; light outside of a visit."""
    return "dark" if st.context.theme.type == "dark" else "light"
