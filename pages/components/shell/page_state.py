"""State of a tab that lasts while it shows one page: megabytes that another page does not need.

Streamlit drops the values of widgets by itself when the page changes, but nothing else in the session state.
"""

from typing import Any

import streamlit as st

_PAGE, _STATE = "shown_page", "page_state"


def set_page(page: str) -> None:
    """Clears the state if another page was shown before; to be called before a page is shown."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        st.session_state.pop(_STATE, None)


def page_state() -> dict[str, Any]:
    """The state of the page that is shown, to be read and changed in place."""
    state: dict[str, Any] = st.session_state.setdefault(_STATE, {})
    return state
