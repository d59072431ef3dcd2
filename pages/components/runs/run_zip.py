"""Runs as zip files: download and upload."""

import io
from typing import BinaryIO

import streamlit as st

from pages.components.runs import run_data
from pages.components.runs.run_picker import select_run
from pages.components.shell.access import host_only
from pages.components.shell.messages import USER_ERRORS, error_text, escape_markdown
from vae.runs.archive import MAX_BYTES, MAX_ZIP, pack, unpack
from vae.runs.catalogue import default_runs_dir
from vae.runs.run import Run

_UPLOADS = "zips_dropped_in_this_tab"
_REFUSED = "refused_zip"


def download_button(run: Run) -> None:
    """Shows a button that packs `run` when it is pressed."""

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
    """Adds the run in a zip file to the runs directory. Raises VaeError if the file is not valid."""
    return unpack(file, default_runs_dir())


def upload_field() -> None:
    """Shows the upload field; adds and selects the run of an uploaded zip, or shows an error message."""
    uploads = st.session_state.setdefault(_UPLOADS, 0)
    file = st.file_uploader(
        "Drop a run's zip here, as *Download* makes it",
        type="zip",
        max_upload_size=MAX_ZIP,
        key=f"zip {uploads}",  # an empty field after each upload
    )
    if file is None:
        return
    if st.session_state.get(_REFUSED, ("", ""))[0] != file.file_id:  # each file is checked once
        try:
            with st.spinner("Checking the run …"):
                run = add_run(file)
        except USER_ERRORS as error:
            st.session_state[_REFUSED] = file.file_id, error_text(error)
        else:
            st.session_state[_UPLOADS] = uploads + 1
            select_run(run)
            st.toast(f"{escape_markdown(run_data.title(run))} was added.")
            st.rerun()
    st.error(st.session_state[_REFUSED][1])
