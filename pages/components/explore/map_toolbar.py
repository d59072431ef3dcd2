"""The toolbar below the map: the row of pins, a path between two of them, and buttons that save files."""

import streamlit as st

from pages.components.explore.path_panel import End, path_panel
from pages.components.explore.pin_state import pins_query
from pages.components.explore.pins_row import pins_row
from pages.components.export.film_dialog import film_button
from pages.components.export.poster import poster_button
from pages.components.map.drawings import Ends, draw_path, path_address, remove_path
from pages.components.map.explorer_map import View
from pages.components.map.pins import Pin, Pins
from pages.components.runs.loaded_model import LoadedModel
from vae.datasets.registry import class_names
from vae.inference.planes import Plane
from vae.runs.run import Run


def map_toolbar(view: View, pins: Pins, path: Ends | None) -> None:
    """Shows the toolbar and the path, and writes pins and path into the URL."""
    run, loaded = view.run, view.loaded
    names = class_names(run.config.dataset)
    plane = view.plane(pins)
    query = pins_query(pins) | path_address(path)
    pins_row(pins, loaded, names, plane, run=run.name, query=query)
    with st.container(horizontal=True):
        if len(pins.row) > 1:
            opened = st.popover("Path between pins", on_change="rerun", key="between_pins")
            if opened.open:
                with opened:
                    _between_pins(pins, plane)
        if path is not None:
            st.button("Remove the path", on_click=remove_path)
        with st.container(width="content"):
            _file_buttons(run, loaded, plane)
    if path is not None:
        start, end = (End(place, f"({plane.format_place(place)})") for place in path)
        path_panel(run, loaded, (start, end), plane)


# One fragment for both: their settings change nothing else, and each fragment copies the page at every click.
@st.fragment
def _file_buttons(run: Run, loaded: LoadedModel, plane: Plane) -> None:
    with st.container(horizontal=True):
        with st.container(width="content"):
            poster_button(run, loaded, plane)
        with st.container(width="content"):
            film_button(run, loaded, plane)


def _between_pins(pins: Pins, plane: Plane) -> None:
    """Shows fields for two pins, at first the last two, and a button that draws the path between them."""
    row = {pin.number: pin for pin in pins.row}
    numbers = list(row)
    first, second = (
        st.selectbox(
            label,
            numbers,
            index=len(numbers) + back,
            format_func=lambda number: f"{numbers.index(number) + 1}: {_name(row[number], plane)}",
            key=f"path_{label}_{numbers}",  # another row starts with its last two again
        )
        for label, back in (("From", -2), ("To", -1))
    )
    ends = _rounded(row[first]), _rounded(row[second])
    st.button("Draw it", on_click=draw_path, args=ends)


def _rounded(pin: Pin) -> list[float]:
    """The pin's place (Z,); of a test picture to four decimals, to keep the path in the URL short."""
    return pin.z.tolist() if pin.index is None else [round(value, 4) for value in pin.place]


def _name(pin: Pin, plane: Plane) -> str:
    return f"({plane.format_place(pin.z)})" + (f" · #{pin.index}" if pin.index is not None else "")
