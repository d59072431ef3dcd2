"""A path through the latent space: its player, what saves it, and how it is drawn between two pins.

Shapes: Z latent size.
"""

from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.explore.path_strip import SECONDS, STEP, path_strip
from pages.components.map.drawings import PATH_KIND, PATH_KINDS, draw_path, remove_path
from pages.components.map.explorer_map import TIME
from pages.components.map.pins import Pin, Pins
from pages.components.runs.loaded_model import LoadedModel
from vae.export.images import gif, png, sized
from vae.inference.paths import PathKind, path_places
from vae.inference.planes import Plane
from vae.inference.scored_set import Floats
from vae.runs.run import Run

KEY = "path"
GIF_WIDTH, PNG_WIDTH = 280, 224  # pixels of a picture in the files, about
_HOW = (
    "A path leads from one point z to another. Drag on the map with shift held, or press the button *Draw a "
    "path* above the map and drag."
)
_KINDS = (
    "A straight path is the shortest. A spherical one turns around the origin, the mean of the prior, so "
    "that all its points are about as likely as its ends; the more dimensions z has, the more this matters."
)


class End(NamedTuple):
    """The start or the end of a path, (Z,), and its label: text, not Markdown."""

    place: Floats
    label: str


def path_panel(run: Run, loaded: LoadedModel, ends: tuple[End, End], plane: Plane) -> None:
    """Shows the path between two ends.

    Args:
        run: its name begins those of the files.
        loaded: the run's model, whose decoder is in the browser (`decoder_store`).
        ends: two places of its latent space.
        plane: the plane of the map, by whose axes places are named.
    """
    start, end = ends
    with st.container(horizontal=True, key="path_controls"):
        kind: PathKind = st.segmented_control(
            "Way",
            PATH_KINDS,
            default=PATH_KINDS[0],
            required=True,
            key=PATH_KIND,
            bind="query-params",
            label_visibility="collapsed",
            help=_KINDS,
            width="content",
        )
        along = path_places(start.place, end.place, kind)
        _file_buttons(run, loaded, along)
        st.button("Remove the path", on_click=remove_path)
    length = np.linalg.norm(np.diff(along, axis=0), axis=1).sum()
    path_strip(
        along,
        loaded.decoder.name,
        timeline=TIME,
        numbers=plane.displayed_coordinates(along),
        names=plane.coordinate_labels,
        key=KEY,
        label=f"From {start.label} to {end.label}, {length:.2f} long",
    )


def path_popover(pins: Pins, plane: Plane) -> None:
    """A button that opens two fields for pins, and a button that draws the path between them."""
    opened = st.popover("Path", on_change="rerun", key="between_pins", width="content")
    if opened.open:
        with opened:
            st.caption(_HOW)
            if len(pins.row) > 1:
                _between_pins(pins, plane)
            else:
                st.caption("Or pin two points, and come back here.")


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
    """The pin's place (Z,); of a test image to four decimals, to keep the path in the URL short."""
    return pin.z.tolist() if pin.index is None else [round(value, 4) for value in pin.place]


def _name(pin: Pin, plane: Plane) -> str:
    return f"({plane.format_place(pin.z)})" + (f" · #{pin.index}" if pin.index is not None else "")


def _file_buttons(run: Run, loaded: LoadedModel, along: Floats) -> None:
    """Buttons that save a path (D, Z); each file is made when its button is clicked."""

    def animation() -> bytes:
        frames = [sized(picture, GIF_WIDTH) for picture in loaded.model.decode(along)]
        return gif(frames, round(1000 * SECONDS / (len(frames) - 1)))

    def row() -> bytes:
        pictures = loaded.model.decode(along[::STEP])
        return png(np.hstack([sized(picture, PNG_WIDTH) for picture in pictures]))

    offers = (
        (
            "GIF",
            animation,
            "Save the path as an animation, forwards and backwards in a loop; by the newest weights.",
        ),
        ("PNG", row, "Save the row of images; by the newest weights."),
    )
    for kind, content, explanation in offers:
        st.download_button(
            kind,
            content,
            f"{run.name}-path.{kind.lower()}",
            f"image/{kind.lower()}",
            key=f"{KEY}_{kind.lower()}",
            on_click="ignore",
            help=explanation,
        )
