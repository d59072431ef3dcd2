"""The dialog that makes an HTML file of what a page explores: settings, its size, and buttons."""

import threading
from collections.abc import Sequence

import streamlit as st

from pages.components.explore.page_file import (
    MOST_BYTES,
    TEXT,
    TITLE,
    PageContent,
    expected_size,
    fitting_moments,
    most_moments,
    page_file,
)
from pages.components.runs import loaded_model, run_data
from pages.components.shell.messages import show_errors
from pages.components.shell.page_state import page_state
from vae import VaeError
from vae.runs.run import Run

MB = 1_000_000  # bytes
_WHAT = (
    "One file that explores this model in a browser, without a server and without a network: send it, "
    "put it on any web host, open it by a double click."
)
# Keys of the page's state: that the dialog is open; the content and the bytes of the file that can be saved.
_DIALOG, _FILE = "page_dialog", "page_file"
# For the whole server: making a file takes a core for some seconds.
_one_at_a_time = threading.Lock()


def page_button(*runs: Run) -> None:
    """A button that opens the dialog for one run, or for two under one pointer."""
    # Kept in the page's state, so that the dialog stays open when newer weights run the page again.
    st.button("Take away as one file", on_click=lambda: page_state().update({_DIALOG: True}))
    if _DIALOG in page_state():
        _dialog(runs)


def _close() -> None:
    for each in (_DIALOG, _FILE):
        page_state().pop(each, None)


@st.dialog("Take away as one file", on_dismiss=_close)
@show_errors()
def _dialog(runs: Sequence[Run]) -> None:
    st.caption(_WHAT)
    above = st.container()
    # First, as the size takes seconds: what was made before must not be saved for what is chosen now.
    with st.container(horizontal=True, vertical_alignment="center"):
        making, place = st.button("Make the file"), st.empty()
    with above:
        content = _content(runs)
    if making:
        page_state()[_FILE] = (runs, content), _make(runs, content)
    made_with, file = page_state().get(_FILE, (None, b""))
    if made_with == (runs, content):
        place.download_button(
            f"Save it (HTML, {len(file) / MB:.1f}\u00a0MB)",
            file,
            f"{'-'.join(run.name for run in runs)[:100]}.html",
            "text/html",
            on_click="ignore",
            type="primary",
        )


def _content(runs: Sequence[Run]) -> PageContent:
    """Shows the settings and the size of a file with these."""
    names = " and ".join(map(run_data.title, runs))
    title = st.text_input("Title", placeholder=names, max_chars=TITLE)
    text = st.text_area(
        "Text above the map",
        max_chars=TEXT,
        height=90,
        placeholder="Plain text; an empty line between paragraphs.",
    )
    pictures = st.toggle(
        "With the real test images",
        disabled=all(loaded_model.load(run).missing for run in runs),
        help="The image of a point under the pointer is shown beside what the model draws.",
    )
    moments = 1
    if (most := most_moments(runs)) > 1:
        fitting = fitting_moments(runs, PageContent(pictures=pictures))
        moments = st.slider("Moments of the training", 1, most, min(fitting, most))
    content = PageContent(title, text, pictures, moments)
    size = expected_size(runs, content)
    large = f" Some mail servers refuse more than {MOST_BYTES / MB:.0f} MB." if size > MOST_BYTES else ""
    st.caption(f"About {size / MB:.1f} MB.{large}")
    return content


def _make(runs: Sequence[Run], content: PageContent) -> bytes:
    """The file, with a progress bar. Raises VaeError if another one is being made, and as `page_file`."""
    if not _one_at_a_time.acquire(blocking=False):
        raise VaeError("Somebody else's file is being made on this server. Try again in a few seconds.")
    try:
        bar = st.progress(0, " ")

        def show(share: float) -> None:
            bar.progress(share, " ")

        file = page_file(runs, content, show)
        bar.empty()
        return file
    finally:
        _one_at_a_time.release()
