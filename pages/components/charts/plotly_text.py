"""Texts of Plotly figures."""

from html import escape


def escape_plotly(text: str) -> str:
    """A name, hover text or tick label of a Plotly figure that shows `text` literally.

    Plotly reads tags and some entities in all of them, not that of a quotation mark, and `%{...}` as a
    variable in hover texts.
    """
    return escape(text, quote=False).replace("%{", "%&#123;")
