"""The selected run: a box in the sidebar, and `?run=` in the address."""

import streamlit as st

from vae.catalogue import default_runs_dir, find_run, list_runs
from vae.errors import VaeError
from vae.runs import Run

_KEY = "selected_run"
_BOX = "selected_run_box"


def select_run(run: Run) -> None:
    """Selects `run` on every page of this tab, from the next run of the script on."""
    st.session_state[_KEY] = st.query_params["run"] = run.name


def run_picker() -> Run | None:
    """Shows the box and returns the selected run; None, with a word of what to do, if there is none.

    The address comes before the choice made earlier in this tab, and that before the newest run that
    has weights. An address that names no run gets a sentence.
    """
    runs = {run.name: run for run in list_runs(default_runs_dir())}
    asked = st.query_params.get("run")
    if asked is not None and asked not in runs:
        _explain(asked)
    if not runs:
        st.info("There are no runs yet. Choose a preset on the Train page and press Start.")
        return None
    usable = (name for name, run in runs.items() if run.model_path.exists())
    wishes = (asked, st.session_state.get(_KEY), next(usable, None), next(iter(runs)))
    st.session_state[_BOX] = next(name for name in wishes if name in runs)
    name = st.sidebar.selectbox(
        "Run", list(runs), key=_BOX, on_change=_remember, help="Runs are folders in checkpoints."
    )
    return runs[name]


def _remember() -> None:
    st.session_state[_KEY] = st.query_params["run"] = st.session_state[_BOX]


def _explain(asked: str) -> None:
    try:
        find_run(default_runs_dir(), asked)
    except VaeError as error:
        st.warning(f"{error} Another run is shown; the box at the left has them all.")
