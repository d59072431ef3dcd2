"""A built-in data set that a page needs: downloaded or drawn, with the progress on the page."""

import streamlit as st

from pages.components.shell.access import may_change
from pages.components.shell.messages import escape_markdown
from vae.datasets.registry import BUILT_IN_SETS, is_present
from vae.training.downloads import begin_download, download_job

POLL = 0.5  # seconds


def show_download(dataset: str) -> None:
    """Shows how a built-in data set is got, begins that if nobody has, and reruns the page once it is there.

    Where the page is open to a class, only the host begins it.
    """
    job = download_job(dataset)
    begun = job is not None and not (job.ended and not job.error)
    if not begun and not may_change():
        st.info(
            f"This needs the data set {dataset}, which is not here yet. The host gets it by opening this "
            f"page, or with `python -m vae download {dataset}`."
        )
        return
    if not begun:
        begin_download(dataset)
    st.fragment(_progress, run_every=POLL)(dataset)


def _progress(dataset: str) -> None:
    job = download_job(dataset)
    if is_present(dataset) or job is None or (job.ended and not job.error):
        st.rerun()
    if not job.error:
        known = BUILT_IN_SETS[dataset]
        done = "drawn" if known.origin == "drawn" else "downloaded"
        st.info(
            f"This needs the data set {dataset}, which is not here yet: it is being {done} "
            f"({known.megabytes} MB), once for all pages. {job.activity}"
        )
        return
    st.error(escape_markdown(job.error))
    if may_change():
        st.button("Try again", on_click=begin_download, args=(dataset,), key=f"download {dataset}")
