"""The colours of classes and of numbers, the same in all charts, for light and for dark pages."""

import plotly.colors
import streamlit as st

from vae.export.colours import SCALE_COLOURS, Theme, colours_of_classes

NUMBER_COLOURS: dict[Theme, list[str]] = {
    theme: plotly.colors.sample_colorscale(list(colours), 24) for theme, colours in SCALE_COLOURS.items()
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
