"""The dialog that makes a figure of a run for print: settings, a button that makes it, one that saves it."""

import math
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, get_args

import streamlit as st

from pages.components.map.drawings import Ends, chosen_path_kind, hidden_classes, shown_window
from pages.components.map.explorer_map import View
from pages.components.map.map_controls import COLOURINGS
from pages.components.map.pins import Pins
from pages.components.runs import loaded_model
from pages.components.shell.messages import show_errors
from pages.components.shell.page_state import page_state
from pages.components.shell.url_state import query_in_browser
from vae import VaeError
from vae.export.figures import Format, Subject
from vae.runs.run import Run
from vae.training.processes import run_process

KB = 1000  # bytes; the figure of a path has few
_MEDIA: dict[Format, str] = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png"}
# Keys of the page's state: that the dialog is open; the settings and bytes of the figure that can be saved.
_DIALOG, _FILE = "figure_dialog", "figure_file"
# For the whole server: drawing a figure takes a core for some seconds.
_one_at_a_time = threading.Lock()


class _Settings(NamedTuple):
    """What a person has chosen; `arguments` of the command that makes the figure."""

    run: Run
    kind: Format
    arguments: tuple[str, ...]


def figure_button(view: View, pins: Pins, path: Ends | None) -> None:
    """A button that opens the dialog; figures show the map as it is with these pins and this path."""
    st.button("Figure for print", on_click=lambda: page_state().update({_DIALOG: True}))
    if _DIALOG in page_state():
        _dialog(view, pins, path)


def _close() -> None:
    for each in (_DIALOG, _FILE):
        page_state().pop(each, None)


@st.dialog("Figure for print", on_dismiss=_close)
@show_errors()
def _dialog(view: View, pins: Pins, path: Ends | None) -> None:
    run, loaded = view.run, view.loaded
    subjects: list[Subject] = ["curves"] if loaded.missing else [*get_args(Subject)]
    subject: Subject = st.segmented_control(
        "Figure of", subjects, default=subjects[0], required=True, key="figure_subject"
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
    if subject in ("map", "manifold"):
        arguments += _plane_arguments(view, pins)
    if subject == "map":
        if st.toggle("Points as pixels", help="Smaller files, faster to open."):
            arguments.append("--raster")
        st.caption("As on the page: zoom, plane, colours, layers, pins and path, of the newest weights.")
        arguments += _map_arguments(view, pins)
    if subject == "path" and path is None:
        st.caption("Of the first two examples; draw a path on the map to have a figure of that one.")
    if subject in ("map", "path") and path is not None:
        arguments += [
            *_option("--start", path.start),
            *_option("--end", path.end),
            "--way",
            chosen_path_kind(),
        ]
    if view.is_training_set and subject in ("map", "path", "reconstructions"):
        arguments.append("--training")
    settings = _Settings(run, kind, tuple(arguments))
    with st.container(horizontal=True, vertical_alignment="center"):
        making, place = st.button("Make the figure"), st.empty()
        if making:  # the place is empty meanwhile: what was made before cannot be saved for this
            with st.spinner("Drawing ..."):
                page_state()[_FILE] = settings, _made(settings)
        made_with, file = page_state().get(_FILE, (None, b""))
        if made_with == settings:
            place.download_button(
                f"Save it ({kind.upper()}, {math.ceil(len(file) / KB):,}\u00a0kB)",
                file,
                f"{run.name}-{subject}.{kind}",
                _MEDIA[kind],
                on_click="ignore",
                type="primary",
            )


def _option(name: str, values: Iterable[object]) -> list[str]:
    """An option of the command with its values; nothing without any."""
    texts = [str(value) for value in values]
    return [name, *texts] if texts else []


def _plane_arguments(view: View, pins: Pins) -> list[str]:
    """The plane that the map shows, if there are several."""
    choice, chosen = view.plane_choice, pins.chosen
    principal = loaded_model.dimensions(view.run, view.loaded).principal
    if principal is None:
        return []
    through = _option("--through", chosen.place) if choice.at_pin and chosen is not None else []
    if choice.directions.name == principal.name:
        return ["--principal", *through]
    axes = (int(each.argmax()) + 1 for each in (choice.directions.first, choice.directions.second))
    return [*_option("--axes", axes), *through]


def _map_arguments(view: View, pins: Pins) -> list[str]:
    """What else the map shows."""
    query = query_in_browser()
    return [
        *_option("--colour", COLOURINGS[view.settings.colour][:1]),
        *("--layers", *view.settings.layers),  # also of none: without the option it has some
        *_option("--hide", hidden_classes(query, len(view.loaded.classes))),
        *_option("--pins", (number for pin in pins.row for number in pin.place)),
        *_option("--window", shown_window(query)),
    ]


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
        lines: list[str] = []
        command = ("export", str(settings.run.path.resolve()), "figure", "--out", str(target))
        if run_process(*command, *settings.arguments, hear=lines.append):
            errors = [line for line in lines if not line.endswith(" %")]  # of its progress, if it was killed
            raise VaeError(errors[-1] if errors else "The figure could not be drawn. Try again.")
        return target.read_bytes()
