"""The glossary on the Learn page: `learn?term=kl`, all terms, the requested one first."""

import streamlit as st

from pages.components.learn.lessons import Term, glossary
from pages.components.learn.texts import TEXTS
from pages.components.shell.messages import escape_markdown


def glossary_panel(language: str, anchor: str) -> None:
    """Shows all terms; that of `anchor` first, in a frame. `anchor` comes from the URL, and may be empty."""
    terms = glossary(language)
    requested = next((term for term in terms if term.anchor == anchor), None)
    if anchor and requested is None:
        st.info(escape_markdown(TEXTS[language].no_term.format(term=anchor[:40])))
    if requested is not None:
        with st.container(border=True):
            _show(requested)
    for term in terms:
        if term is not requested:
            _show(term)


def _show(term: Term) -> None:
    st.markdown(f"**{term.name}**  \n{term.definition}")
