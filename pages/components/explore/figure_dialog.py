"""The dialog that makes a figure of a run for print: settings, a button that makes it, one that saves it."""

import tempfile
import threading
from pathlib import Path
from typing import NamedTuple, get_args

import streamlit as st

from pages.components.map.drawings import Ends
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import show_errors
from pages.components.shell.page_state import page_state
from vae import VaeError
from vae.cli.figure_command import Subject
from vae.export.figures import Format
from vae.runs.run import Run
from vae.training.processes import run_process

MB = 1_000_000  # bytes
_NAMES: dict[Subject, str] = {
    "map": "latent map",
    "manifold": "manifold",
    "curves": "loss curves",
    "path": "path",
    "reconstructions": "reconstructions",
}
_MEDIA: dict[Format, str] = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png"}
# Keys of the page's state: that the dialog is open; the settings and bytes of the figure that can be saved.
_DIALOG, _FILE = "figure_dialog", "figure_file"
# For the whole server: drawing a figure takes a core for some seconds.
_one_at_a_time = threading.Lock()


class _Settings(NamedTuple):
    """All that a figure depends on; `arguments` of the command that makes it."""

    run: Run
    decoder: str  # the name of the weights
    kind: Format
    arguments: tuple[str, ...]


def figure_button(run: Run, loaded: LoadedModel, path: Ends | None) -> None:
    """A button that opens the dialog.

    Args:
        path: the ends of the path on the map, which a figure of a path shows, or None.
    """
    st.button("Figure for print", on_click=lambda: page_state().update({_DIALOG: True}))
    if _DIALOG in page_state():
        _dialog(run, loaded, path)


def _close() -> None:
    for each in (_DIALOG, _FILE):
        page_state().pop(each, None)


@st.dialog("Figure for print", on_dismiss=_close)
@show_errors()
def _dialog(run: Run, loaded: LoadedModel, path: Ends | None) -> None:
    subjects = [each for each in _NAMES if not (loaded.missing and each in ("map", "reconstructions"))]
    subject: Subject = st.segmented_control(
        "Figure of", subjects, default=subjects[0], required=True, format_func=_NAMES.__getitem__
    )
    with st.container(horizontal=True):
        width = st.number_input("Width, cm", 3.0, 100.0, 12.0, 0.5, format="%.1f")
        font = st.number_input("Text, points", 4.0, 40.0, 9.0, 0.5, format="%.1f")
        dpi = st.number_input("Dots per inch", 50, 1200, 300, 50)
    kind: Format = st.segmented_control(
        "Format",
        get_args(Format),
        default="pdf",
        required=True,
        format_func=str.upper,
        help="PDF and SVG have text and axes as vectors.",
    )
    arguments = ["--of", subject, "--width", str(width), "--font", str(font), "--dpi", str(dpi)]
    if subject == "map" and st.toggle("Points as pixels", help="Smaller files, faster to open."):
        arguments.append("--raster")
    if subject == "path":
        if path is None:
            st.caption("Of the first two examples; draw a path on the map to have a figure of that one.")
        else:
            for name, place in (("--start", path.start), ("--end", path.end)):
                arguments += [name, *map(str, place.tolist())]
    settings = _Settings(run, loaded.decoder.name, kind, tuple(arguments))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Make the figure"):
            with st.spinner("Drawing ..."):
                page_state()[_FILE] = settings, _made(settings)
        made_with, file = page_state().get(_FILE, (None, b""))
        if made_with == settings:
            st.download_button(
                f"Save it ({kind.upper()}, {len(file) / MB:.1f}\u00a0MB)",
                file,
                f"{run.name}-{subject}.{kind}",
                _MEDIA[kind],
                on_click="ignore",
                type="primary",
            )


def _made(settings: _Settings) -> bytes:
    """The figure, drawn by a process: matplotlib would stay in the server's memory. Raises VaeError."""
    if not _one_at_a_time.acquire(blocking=False):
        raise VaeError("Somebody else's figure is being drawn on this server. Try again in a few seconds.")
    try:
        return _drawn(settings)
    finally:
        _one_at_a_time.release()


def _drawn(settings: _Settings) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"figure.{settings.kind}"
        errors: list[str] = []
        command = ("export", str(settings.run.path.resolve()), "figure", "--out", str(target))
        if run_process(*command, *settings.arguments, hear=errors.append):
            raise VaeError(errors[-1] if errors else "The figure could not be drawn. Try again.")
        return target.read_bytes()
