"""Import of pictures of one's own: files are chosen, looked at as a model will see them, and imported."""

from collections.abc import Callable
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import streamlit as st

from pages.components.charts.class_bars import class_bars
from pages.components.charts.colours import class_colours
from pages.components.charts.tiles import TileLayout, tiles
from pages.components.data import actions
from pages.components.data.dataset_list import choose
from pages.components.data.dataset_view import LEFT_OUT
from pages.components.data.draft import Draft, Files, Look, stored
from pages.components.runs.run_actions import perform
from pages.components.shell.messages import USER_ERRORS, error_text, escape_markdown, show_errors
from pages.components.shell.page_layout import screen_part
from vae import VaeError
from vae.config import MAX_DATASET_NAME, MAX_SIDE, MIN_SIDE
from vae.datasets.array_pictures import LAYOUTS, Layout, UnclearShapeError
from vae.datasets.fitting import FITS, Fit, Form
from vae.datasets.images import FORMAT_NAMES
from vae.datasets.import_jobs import ImportJob
from vae.datasets.importing import MAX_BYTES, TEST_SHARE, check_name, size_in_bytes
from vae.datasets.sources import MAX_PICTURES

_DRAFT, _JOB, _REFUSED = "draft_of_import", "import_of_this_tab", "refused_source"
_LOOK, _UNCLEAR = "files_being_opened", "files_of_unclear_shape"
QUICK, POLL = 0.5, 0.5  # seconds: most files are opened in the first; others are looked at again
_FIELDS = "import_fields_emptied"
Colour = Literal["Grey", "Colour"]
COLOURS: dict[Colour, Literal[1, 3]] = {"Grey": 1, "Colour": 3}
FIT_NAMES: dict[Fit, str] = {"crop": "Crop", "pad": "Pad", "stretch": "Stretch"}
HELP = f"""
One of these, or several pictures at once:

- a **zip** of {FORMAT_NAMES} pictures. Its folders are the classes; without folders there are none.
- an **npz** with `x_train`, `y_train`, `x_test`, `y_test`, or `images` and `labels`; an **npy**
- **idx** files, gzipped or not: pictures together with their labels
- a **CSV** with the pixels of a picture in each row, and perhaps a column `label`

At most {MAX_PICTURES:,} pictures and {MAX_BYTES / 1e9:g} GB of pixels. Nothing is added before you have seen
what becomes of them. On the command line: `python -m vae data add NAME SOURCE`.
"""


def take_finished() -> bool:
    """Takes note of the end of this tab's import; whether a data set was added, which is chosen then."""
    job: ImportJob | None = st.session_state.get(_JOB)
    if job is None or not job.ended:
        return False
    del st.session_state[_JOB]
    if job.record is None:
        if job.error:
            st.session_state[_REFUSED] = escape_markdown(job.error)
        else:
            st.toast(f"{escape_markdown(job.name)} was not imported, and nothing of it was kept.")
        return False
    st.session_state.pop(_DRAFT, None)
    counts = job.record.counts
    added = f"{job.name} was added: {counts['train']:,} training and {counts['test']:,} test pictures."
    st.toast(escape_markdown(added))
    st.session_state.setdefault(LEFT_OUT, {})[job.name] = " ".join(job.left_out)
    choose(job.name)
    return True


def import_panel() -> None:
    """Shows the fields for pictures, or the preview of those that were chosen."""
    look: Look | None = st.session_state.get(_LOOK)
    if look is not None and look.draft.done():
        _take(look)
        look = None
    draft: Draft | None = st.session_state.get(_DRAFT)
    unclear: Files | None = st.session_state.get(_UNCLEAR)
    if look is not None:
        st.fragment(show_errors()(_looking), run_every=POLL)(look)
    elif draft is not None:
        st.fragment(show_errors()(_preview))(draft)
    elif unclear is not None:
        _ask_layout(unclear)
    else:
        _choose_files()


def _choose_files() -> None:
    emptied = st.session_state.setdefault(_FIELDS, 0)  # new fields after each choice
    left, right = st.columns([3, 2], gap="large")
    with left, screen_part("upload"):
        uploads = st.file_uploader(
            "Drop a zip, a table or array, or several pictures here: up to 200 MB",
            accept_multiple_files=True,
            key=f"pictures {emptied}",
        )
        with st.form(f"path {emptied}", border=False):
            path = st.text_input(
                "Or a file or folder on the computer that runs this app, of any size",
                placeholder="/home/me/holidays",
            )
            looked = st.form_submit_button("Look at it")
        place = st.container()
    with right:
        st.markdown(HELP)
    with place:
        if text := st.session_state.pop(_REFUSED, ""):
            st.error(text)
        if uploads:
            _look(lambda: stored(uploads))
        elif looked and path.strip():
            _look(lambda: Files(Path(path.strip())))


def _look(files: Callable[[], Files], layout: Layout | None = None) -> None:
    """Begins to open the files that `files` returns; runs the page again, with what it has come to."""
    with st.spinner("Looking at the files …"):
        st.session_state.pop(_REFUSED, None)
        try:
            st.session_state[_LOOK] = look = Look(files(), layout)
            wait((look.draft,), QUICK)
        except USER_ERRORS as error:
            st.session_state[_REFUSED] = error_text(error)
        # Emptied, so that the server does not keep what was uploaded in its memory.
        st.session_state[_FIELDS] = st.session_state.get(_FIELDS, 0) + 1
    st.rerun()


def _looking(look: Look) -> None:
    """Shows how much of the files is read, and a button that ends that."""
    if look.draft.done():
        st.rerun()
    with screen_part("upload"):
        st.progress(look.share, f"Looking at {escape_markdown(look.files.path.name)} …", width=400)
        if st.button("Cancel"):
            look.cancel()
            del st.session_state[_LOOK]
            st.rerun()


def _take(look: Look) -> None:
    """Keeps what has come of files for the preview, or why there is none."""
    del st.session_state[_LOOK]
    try:
        st.session_state[_DRAFT] = look.draft.result()
        st.session_state.pop(_UNCLEAR, None)
    except UnclearShapeError as error:
        st.session_state[_UNCLEAR], st.session_state[_REFUSED] = look.files, error_text(error)
    except USER_ERRORS as error:
        st.session_state[_REFUSED] = error_text(error)


def _ask_layout(files: Files) -> None:
    """Asks what the axes of an array mean, and looks at it again."""
    with screen_part("upload"):
        st.warning(st.session_state.get(_REFUSED, ""))
        layout = st.radio(
            "What the array holds",
            list(LAYOUTS),
            format_func=lambda layout: f"{layout}: {LAYOUTS[layout]}",
            help="N pictures, H rows and W columns of pixels, C colours.",
        )
        with st.container(horizontal=True):
            if st.button("Look at it", type="primary"):
                _look(lambda: files, layout)
            if st.button("Other pictures …"):
                _discard()


def _discard() -> None:
    for key in (_DRAFT, _UNCLEAR, _REFUSED):
        st.session_state.pop(key, None)
    st.rerun(scope="app")


def _preview(draft: Draft) -> None:
    """Shows settings beside what they make of the pictures, and the buttons."""
    left, right = st.columns([2, 5], gap="medium")
    with left, screen_part("settings"):
        name, form, test_share = _settings(draft)
        busy = st.session_state.get(_JOB) is not None
        with st.container(horizontal=True):
            wrong = _why_not(name)
            if st.button("Import", type="primary", disabled=busy or bool(wrong)):
                perform(partial(_begin, draft, form, name, test_share))
            if st.button("Other pictures …", disabled=busy):
                _discard()
        if wrong:
            st.warning(wrong)
        elif text := st.session_state.get(_REFUSED, ""):
            st.error(text)
    with right, screen_part("preview"):
        _look_of(draft, form)
    with right:
        _notes(draft, form)


def _begin(draft: Draft, form: Form, name: str, test_share: float) -> None:
    st.session_state.pop(_REFUSED, None)
    st.session_state[_JOB] = actions.add(draft.source, form, name, test_share)


def _why_not(name: str) -> str:
    """Why no data set can be imported under this name, as Markdown; empty if one can."""
    if st.session_state.get(_JOB) is not None:
        return ""
    try:
        check_name(name)
    except VaeError as error:
        return error_text(error)
    return ""


def _settings(draft: Draft) -> tuple[str, Form, float]:
    """Shows the choices; returns the name, the form, and the share of test pictures."""
    proposed, key = draft.sample.proposed, f"of draft {draft.number}"
    name = st.text_input("Name", draft.name, max_chars=MAX_DATASET_NAME, key=f"name {key}").strip()
    with st.container(horizontal=True, vertical_alignment="bottom", key="form_row"):
        side = st.number_input(
            "Pixels a side",
            *(MIN_SIDE, MAX_SIDE, proposed.side),
            key=f"side {key}",
            help=f"{MIN_SIDE} to {MAX_SIDE}. More pixels take longer to train on.",
            width=108,  # so that both fit beside a preview in a window of 1280
        )
        colour: Colour = st.segmented_control(
            "Colours",
            get_args(Colour),
            default="Colour" if proposed.channels == 3 else "Grey",
            required=True,
            key=f"colour {key}",
        )
    fit: Fit = st.segmented_control(
        "Pictures that are no squares",
        list(FIT_NAMES),
        default=proposed.fit,
        format_func=FIT_NAMES.__getitem__,
        required=True,
        key=f"fit {key}",
        help=" ".join(f"{FIT_NAMES[each]}: {text}." for each, text in FITS.items()),
    )
    invert = st.toggle(
        "Exchange black and white",
        key=f"invert {key}",
        help="MNIST is white on black. Dark things on a light ground are learned more easily inverted.",
    )
    share = TEST_SHARE
    if draft.source.in_test is None:
        share = st.slider(
            "For testing",
            *(0.05, 0.5, TEST_SHARE, 0.05),
            format="percent",
            key=f"share {key}",
            help="The share of the pictures on which the model is tested and never trained.",
        )
    return name, Form(int(side), COLOURS[colour], fit, invert), share


def _look_of(draft: Draft, form: Form) -> None:
    """Shows the pictures as a model will see them, under a line on the source."""
    source = draft.source
    classes = f"{len(source.classes)} classes" if source.classes else "no classes"
    size = size_in_bytes(source, form) / 1e6
    st.markdown(
        f"**{escape_markdown(source.path.name)}**: {len(source):,} pictures, {classes}, "
        f"{size:,.1f} MB as a data set"
    )
    shown = draft.sample.fitted(form)
    tiles(
        shown[:, np.newaxis],
        key="import_preview",
        label="Pictures as the model will see them",
        layout=TileLayout(80),
    )


def _notes(draft: Draft, form: Form) -> None:
    """Shows the classes with their counts, what was assumed, and what is left out and why."""
    source, sample = draft.source, draft.sample
    notes = [*source.notes, *sample.notes(form)]
    notes += source.left_out.sentences()
    if notes:
        st.markdown("\n".join(f"- {escape_markdown(note)}" for note in notes))
    if counts := source.counts:
        bars = class_bars(
            list(counts.values()),
            list(counts),
            class_colours(len(counts)),
            f"Pictures of each of {len(counts)} classes",
        )
        st.html(bars)
