"""The data sets there are, as a list in which one is chosen, and `?dataset=` in the URL."""

import streamlit as st

from pages.components.shell.messages import error_text, escape_markdown
from pages.components.shell.page_layout import screen_part
from vae import VaeError
from vae.datasets.facts import facts_of
from vae.datasets.registry import dataset_names, is_present
from vae.storage.untrusted import shortened

_IN_URL = "dataset"
_CHOSEN, _LIST = "chosen_data_set", "list_of_data_sets"  # key of the choice in this tab, and of the list


def choose(dataset: str) -> None:
    """Chooses a data set on this page of this tab, from the next list on."""
    st.session_state[_CHOSEN] = st.query_params[_IN_URL] = dataset


def dataset_list() -> str:
    """Shows the list and returns the chosen name: that in the URL, else this tab's last one, else MNIST."""
    names = sorted(dataset_names(), key=lambda name: not is_present(name))  # those that are here first
    requested = st.query_params.get(_IN_URL)
    if requested in names:
        st.session_state[_CHOSEN] = requested
    elif requested is not None:
        del st.query_params[_IN_URL]
        if requested != st.session_state.get(_CHOSEN):  # else it was deleted here
            st.warning(escape_markdown(f"There is no data set {shortened(requested)} here. Choose one."))
    chosen: str = st.session_state.get(_CHOSEN, names[0])
    if chosen not in names:
        chosen = names[0]
        del st.session_state[_CHOSEN]
    elif requested is None and _CHOSEN in st.session_state:
        st.query_params[_IN_URL] = chosen  # which a change of page clears
    st.session_state[_LIST] = chosen
    with screen_part("sets"):
        st.radio(
            "Data set",
            names,
            captions=[_caption(name) for name in names],
            key=_LIST,
            on_change=lambda: choose(st.session_state[_LIST]),
            label_visibility="collapsed",
        )
    return chosen


def _caption(dataset: str) -> str:
    try:
        facts = facts_of(dataset)
    except VaeError as error:
        return f"damaged: {shortened(error_text(error))}"
    pictures = sum(facts.counts.values())
    return f"{pictures:,} of {facts.form}" if facts.present else f"not here yet · {facts.form}"
