"""What the exploring pages show of an unfinished run: a note before its first weights, then their epoch."""

import streamlit as st

from pages.components.runs import loaded_model, run_data
from pages.components.shell.messages import escape_markdown, show_errors
from vae.runs.records import LIVE
from vae.runs.run import Run

POLL = 2.0  # seconds


def wait_for_weights(run: Run) -> bool:
    """Whether a live run has no weights yet; if so, shows a note, and reruns the page when they are there."""
    if run.model_path.exists() or run.status().state not in LIVE:
        return False
    st.info(f"{escape_markdown(run.why_no_weights(run_data.title(run)))} This page shows them by itself.")
    st.fragment(show_errors()(_rerun_when_there), run_every=POLL)(run)
    return True


def follow_training(run: Run, loaded: loaded_model.LoadedModel) -> None:
    """Shows which epoch is loaded, unless it is the last.

    While the run trains, newer weights are loaded as they come or on request.
    """
    if run.status().state in LIVE:
        with st.container():
            st.fragment(show_errors()(_follow), run_every=POLL)(run, loaded)
    else:
        weights_epoch(run, loaded)


def weights_epoch(run: Run, loaded: loaded_model.LoadedModel) -> None:
    """Shows which epoch is loaded, unless it is the last."""
    with st.container():  # empty or not, it keeps what follows in its place, or charts would be mounted anew
        if loaded.epoch < run.config.epochs:
            st.caption(
                f"Shown is {escape_markdown(run_data.title(run))} after epoch {round(loaded.epoch, 2):g} of "
                f"{run.config.epochs}."
            )


def _rerun_when_there(run: Run) -> None:
    if run.model_path.exists() or run.status().state not in LIVE:
        st.rerun()


def _follow(run: Run, loaded: loaded_model.LoadedModel) -> None:
    status = run_data.status(run)
    if status.state not in LIVE:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{escape_markdown(run_data.title(run))} trains: epoch {status.epoch:.1f} now; "
            f"shown is epoch {loaded.epoch:.1f}.",
            width="content",  # so that the toggle is next to it, not at the far right
        )
        follows = st.toggle(
            "Follow it",
            value=True,
            key=f"follow {run.name}",
            persist_state="session",
            help=f"Newer weights are shown as they come, every {loaded_model.REFRESH_SECONDS} seconds at "
            "most.",
        )
        # Newer weights are loaded in this fragment, so that the rest of the page does not wait.
        if follows and loaded_model.load(run).written != loaded.written:
            st.rerun()
        newer = run.model_path.stat().st_mtime_ns != loaded.written
        if not follows and newer and st.button("Show the newest", key=f"newest weights of {run.name}"):
            loaded_model.refresh(run)
            st.rerun()
