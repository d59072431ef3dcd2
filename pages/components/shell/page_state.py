"""What a tab keeps only while it shows one page: some megabytes, which go when it shows another.

Streamlit lets go of what widgets hold by itself, and of nothing that is kept beside them.
"""

from typing import Any

import streamlit as st

_PAGE, _KEPT = "shown_page", "page_state"


def set_page(page: str) -> None:
    """To be called before a page is shown."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        st.session_state.pop(_KEPT, None)


def page_state() -> dict[str, Any]:
    """What this page keeps, to be read and changed."""
    kept: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    return kept
