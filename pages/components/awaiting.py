"""A run that trains, before its first weights and after newer ones: what the exploring pages wait for."""

import streamlit as st

from pages.components import cached
from pages.components.sentences import plain, sentences
from vae.records import LIVE
from vae.runs import Run

POLL = 2.0  # seconds


def awaiting_weights(run: Run) -> bool:
    """Whether a live run has no weights yet; says so, and runs the page again when they have come."""
    if run.model_path.exists() or run.status().state not in LIVE:
        return False
    st.info(
        f"{plain(run.name)} has no weights yet: the first come after an epoch, or after ten seconds. "
        "This page shows them by itself."
    )
    st.fragment(sentences()(_look_for_weights), run_every=POLL)(run)
    return True


def offer_newer_weights(run: Run, shown: cached.Explored) -> None:
    """While a run trains, says so and offers the weights that come: a map must not move under a pointer."""
    if run.status().state in LIVE:
        st.fragment(sentences()(_offer), run_every=POLL)(run, shown.written)


def _look_for_weights(run: Run) -> None:
    if run.model_path.exists() or run.status().state not in LIVE:
        st.rerun()


def _offer(run: Run, shown: int) -> None:
    status = cached.status(run)
    if status.state not in LIVE:
        st.rerun()
    newer = run.model_path.stat().st_mtime_ns != shown
    with st.container(horizontal=True, vertical_alignment="center"):
        what = "There are newer weights than those shown." if newer else "Its newest weights are shown."
        st.caption(f"{plain(run.name)} trains: epoch {status.epoch:.1f} now. {what}")
        if newer and st.button("Show the newest", key=f"newest weights of {run.name}"):
            cached.show_newest(run)
            st.rerun()
