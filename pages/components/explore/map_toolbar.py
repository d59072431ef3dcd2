"""What stands beneath the map: the row of pins, and what can be made of them and of the run: files."""

import streamlit as st

from pages.components.explore.path_panel import End, path_panel
from pages.components.explore.pin_state import address
from pages.components.explore.pins_row import pins_row
from pages.components.export.film import save_journey
from pages.components.export.poster import poster
from pages.components.map.drawings import Ends, draw_path, path_address, remove_path
from pages.components.map.explorer_map import View
from pages.components.map.pins import Pin, Pins
from pages.components.runs.loaded_model import LoadedModel
from vae.datasets.registry import class_names
from vae.inference.planes import Plane
from vae.runs.run import Run


def beneath_map(view: View, pins: Pins, path: Ends | None) -> None:
    """Shows them, and has the address say pins and path."""
    run, loaded = view.run, view.loaded
    names = class_names(run.config.dataset)
    plane = view.plane(pins)
    said = address(pins) | path_address(path)
    pins_row(pins, loaded, names, plane, run=run.name, address=said)
    with st.container(horizontal=True):
        if len(pins.row) > 1:
            opened = st.popover("Path between pins", on_change="rerun", key="between_pins")
            if opened.open:
                with opened:
                    _between_pins(pins, plane)
        if path is not None:
            st.button("Remove the path", on_click=remove_path)
        with st.container(width="content"):
            _files(run, loaded, plane)
    if path is not None:
        start, end = (End(place, f"({plane.format_place(place)})") for place in path)
        path_panel(run, loaded, (start, end), plane)


# One for both: what is set in them changes nothing else, and a fragment costs each click a copy of the page.
@st.fragment
def _files(run: Run, loaded: LoadedModel, plane: Plane) -> None:
    with st.container(horizontal=True):
        with st.container(width="content"):
            poster(run, loaded, plane)
        with st.container(width="content"):
            save_journey(run, loaded, plane)


def _between_pins(pins: Pins, plane: Plane) -> None:
    """Asks which, the last two unless others are chosen."""
    row = {pin.number: pin for pin in pins.row}
    numbers = list(row)
    first, second = (
        st.selectbox(
            label,
            numbers,
            index=len(numbers) + back,
            format_func=lambda number: f"{numbers.index(number) + 1}: {_name(row[number], plane)}",
            key=f"path_{label}_{numbers}",  # another row, another choice
        )
        for label, back in (("From", -2), ("To", -1))
    )
    ends = _rounded(row[first]), _rounded(row[second])
    st.button("Draw it", on_click=draw_path, args=ends)


def _rounded(pin: Pin) -> list[float]:
    """Its place, of a test picture as exactly as one sees: an address names the path."""
    return pin.z.tolist() if pin.index is None else [round(value, 4) for value in pin.place]


def _name(pin: Pin, plane: Plane) -> str:
    return f"({plane.format_place(pin.z)})" + (f" · #{pin.index}" if pin.index is not None else "")
