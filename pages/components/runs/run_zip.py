"""Runs as zips: one to download, one dropped in."""

import io
from typing import BinaryIO

import streamlit as st

from pages.components.runs.run_picker import select_run
from pages.components.shell.access import host_only
from pages.components.shell.messages import USER_ERRORS, error_text, escape_markdown
from vae.runs.archive import MAX_BYTES, MAX_ZIP, pack, unpack
from vae.runs.catalogue import default_runs_dir
from vae.runs.run import Run

_DROPPED = "zips_dropped_in_this_tab"
_REFUSED = "refused_zip"


def download_button(run: Run) -> None:
    """A button that packs `run` when it is pressed, and not before."""

    def packed() -> BinaryIO:
        file = io.BytesIO()
        pack(run, file)
        return file

    large = run.size() > MAX_BYTES
    st.download_button(
        "Download",
        packed,
        file_name=f"{run.name}.zip",
        mime="application/zip",
        on_click="ignore",
        disabled=large,
        help="Too large for a zip: copy its folder instead." if large else "The whole run as one zip.",
    )


@host_only
def add_run(file: BinaryIO) -> Run:
    """The run in a zip, added to those that are here. Raises VaeError if it is none."""
    return unpack(file, default_runs_dir())


def upload_field() -> None:
    """Takes a zip, checks it and selects the run that it holds; what is wrong with it gets a sentence."""
    dropped = st.session_state.setdefault(_DROPPED, 0)
    file = st.file_uploader(
        "Drop a run's zip here, as *Download* makes it",
        type="zip",
        max_upload_size=MAX_ZIP,
        key=f"zip {dropped}",  # another field once it has been taken
    )
    if file is None:
        return
    if st.session_state.get(_REFUSED, ("", ""))[0] != file.file_id:  # looked at once
        try:
            with st.spinner("Checking the run …"):
                run = add_run(file)
        except USER_ERRORS as error:
            st.session_state[_REFUSED] = file.file_id, error_text(error)
        else:
            st.session_state[_DROPPED] = dropped + 1
            select_run(run)
            st.toast(f"{escape_markdown(run.name)} was added.")
            st.rerun()
    st.error(st.session_state[_REFUSED][1])
