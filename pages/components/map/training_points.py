"""The training set on the map: its scores, which a process computes, with its progress."""

import streamlit as st

from pages.components.runs import loaded_model, run_data
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import escape_markdown, show_errors
from vae.evaluation import queue
from vae.inference.scored_set import ScoredSet
from vae.runs.records import LIVE
from vae.runs.run import Run

POLL = 0.5  # seconds
WIDTH = 260  # pixels: what is left beside the widgets in a window of 1280


def training_set(run: Run, loaded: LoadedModel) -> ScoredSet | None:
    """The training set with the scores of `loaded`; None until they are computed, which is begun here.

    Shows what is being done instead, in two lines, and reruns the page once it is done.
    """
    with show_errors():
        if (found := loaded_model.training_set(run, loaded)) is not None:
            return found
        # The weights of a live run are replaced before the whole training set is scored with them.
        if run_data.status(run).state in LIVE:
            st.caption(
                "These are test images. The training set can be shown once the training has ended.",
                width=WIDTH,
            )
            return None
        job = queue.latest_job("score", run)
        if job is None or (job.ended and not job.error):
            queue.begin("score", run)
        st.fragment(show_errors()(_progress), run_every=POLL)(run)
    return None


def _progress(run: Run) -> None:
    """The progress of the process, or why it failed, with a button to try again."""
    job = queue.latest_job("score", run)
    if job is not None and job.error:
        st.warning(escape_markdown(job.error))
        if st.button("Try again"):
            queue.begin("score", run)
            st.rerun()
        return
    if job is None or job.ended:
        st.rerun()
    done = f"The training images are scored: {job.progress:.0%}."
    st.progress(job.progress, text=f"{done} Test images until then.", width=WIDTH)
