"""What stands below the two large images of the Latent page: one of several panels, chosen by a switch."""

from typing import Any

import streamlit as st

from pages.components.explore.coordinates import coordinates
from pages.components.explore.encoder_strip import encoder_strip
from pages.components.explore.figure_dialog import figure_button
from pages.components.explore.nearest_panel import nearest_panel
from pages.components.explore.page_dialog import page_button
from pages.components.explore.path_panel import path_popover
from pages.components.explore.traversals import traversals
from pages.components.export.film_dialog import film_button
from pages.components.export.poster import poster_button
from pages.components.map.drawings import drawn_path
from pages.components.map.explorer_map import TIME, View, chosen_point
from pages.components.map.pins import Pins
from pages.components.map.samples import samples_row
from pages.components.runs import loaded_model
from pages.components.shell.page_layout import screen_part
from pages.components.shell.url_state import take_default

PANEL = "panel"  # key of the switch, and so its URL parameter
NEAREST, SAMPLES, ENCODER = "nearest", "samples", "encoder"
COORDINATES, TRAVERSALS, SAVE = "coordinates", "traversals", "save"


def side_panels(view: View, pins: Pins) -> None:
    """Shows the switch, and the panel that it chooses; the others do not run, which keeps clicks fast."""
    latent_dim = view.loaded.test.means.shape[1]
    panels = [NEAREST, SAMPLES, ENCODER, COORDINATES, *([TRAVERSALS] if latent_dim > 2 else []), SAVE]
    if view.loaded.missing:
        panels = [panel for panel in panels if panel not in (NEAREST, ENCODER)]  # which show test images
    bound: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
    take_default(PANEL, panels[0], panels[:1])
    with st.container(horizontal=True, key="side_switch"):
        chosen = st.segmented_control(
            "Panel",
            panels,
            default=panels[0],
            required=True,
            key=PANEL,
            label_visibility="collapsed",
            width="content",
            **bound,
        )
        path_popover(pins, view.plane(pins))
    with st.container(key="side_panel"):
        _panel(chosen, view, pins)


def _panel(chosen: str, view: View, pins: Pins) -> None:
    run, loaded = view.run, view.loaded
    latent_dim = loaded.test.means.shape[1]
    if chosen == SAMPLES:
        samples_row(loaded.decoder.name, loaded.test, key="samples_row", timeline=TIME)
    elif chosen == ENCODER:
        index = None if pins.chosen is None else pins.chosen.index
        name = chosen_point(pins, view).title
        encoder_strip(loaded.decoder.name, loaded.test, index, name, key="encoder_strip", timeline=TIME)
    elif chosen == COORDINATES:
        place = pins.place(latent_dim)
        coordinates(place, loaded_model.dimensions(run, loaded), loaded.test.reach)
    elif chosen == TRAVERSALS:
        with st.container(key="traversals_panel"):
            traversals(run, loaded, pins.place(latent_dim))
    elif chosen == SAVE:
        _file_buttons(view, pins)
    else:
        with screen_part("neighbours"):
            nearest_panel(run, loaded, pins)


# One fragment for both: their settings change nothing else, and each fragment copies the page at every click.
@st.fragment
def _file_buttons(view: View, pins: Pins) -> None:
    run, loaded, plane = view.run, view.loaded, view.plane(pins)
    with st.container(horizontal=True):
        with st.container(width="content"):
            poster_button(run, loaded, plane)
        with st.container(width="content"):
            film_button(run, loaded, plane)
        with st.container(width="content"):
            figure_button(view, pins, drawn_path(run.config.latent_dim))
        with st.container(width="content"):
            page_button(run)
