"""The imports that go on, with their progress and a button to cancel each."""

from functools import partial

import streamlit as st

from pages.components.data import actions
from pages.components.runs.run_actions import perform
from pages.components.shell.access import may_change
from pages.components.shell.messages import escape_markdown, show_errors
from vae.datasets.import_jobs import ImportJob, running_imports

POLL = 0.5  # seconds


def imports_row() -> None:
    """Shows the imports of all tabs, and runs the page again when one has ended; nothing if there is none."""
    jobs = running_imports()
    st.fragment(show_errors()(_progress), run_every=POLL if jobs else None)(jobs)


def _progress(jobs: list[ImportJob]) -> None:
    if any(job.ended for job in jobs):
        st.rerun()
    for job in jobs:
        text = f"Importing {escape_markdown(job.name)}: {job.done:,} of {job.total:,}"
        with st.container(horizontal=True, vertical_alignment="center", key=f"import of {job.name}"):
            st.progress(job.done / job.total, text, width=300)
            if may_change() and st.button("Cancel", key=f"cancel {job.name}", disabled=job.cancelled):
                perform(partial(actions.cancel, job))
