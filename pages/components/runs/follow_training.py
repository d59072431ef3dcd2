"""A run that trains, before its first weights and after newer ones: what the exploring pages wait for."""

import streamlit as st

from pages.components.runs import loaded_model, run_data
from pages.components.shell.messages import escape_markdown, show_errors
from vae.runs.records import LIVE
from vae.runs.run import Run

POLL = 2.0  # seconds


def wait_for_weights(run: Run) -> bool:
    """Whether a live run has no weights yet; says so, and runs the page again when they have come."""
    if run.model_path.exists() or run.status().state not in LIVE:
        return False
    st.info(
        f"{escape_markdown(run.name)} has no weights yet: the first come after an epoch, or after ten "
        "seconds. This page shows them by itself."
    )
    st.fragment(show_errors()(_look_for_weights), run_every=POLL)(run)
    return True


def follow_training(run: Run, shown: loaded_model.LoadedModel) -> None:
    """While a run trains, says of when the weights are that are shown, and shows newer ones as they come, or,
    to who wants a map to stand still, when they are asked for."""
    if run.status().state in LIVE:
        st.fragment(show_errors()(_follow), run_every=POLL)(run, shown)


def _look_for_weights(run: Run) -> None:
    if run.model_path.exists() or run.status().state not in LIVE:
        st.rerun()


def _follow(run: Run, shown: loaded_model.LoadedModel) -> None:
    status = run_data.status(run)
    if status.state not in LIVE:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{escape_markdown(run.name)} trains: epoch {status.epoch:.1f} now; "
            f"shown is epoch {shown.epoch:.1f}.",
            width="content",  # the toggle stands beside it, not at the far right
        )
        follows = st.toggle(
            "Follow it",
            value=True,
            key=f"follow {run.name}",
            persist_state="session",
            help=f"Newer weights are shown as they come, every {loaded_model.RESTING} seconds at most.",
        )
        # What takes a moment takes it here: nothing else of the page waits, or moves.
        if follows and loaded_model.load(run).written != shown.written:
            st.rerun()
        newer = run.model_path.stat().st_mtime_ns != shown.written
        if not follows and newer and st.button("Show the newest", key=f"newest weights of {run.name}"):
            loaded_model.refresh(run)
            st.rerun()
