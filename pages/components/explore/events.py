"""Handles the events of the Latent page: clicks, lines and lassos on the map, the row of pins, sliders.

Shapes: Z latent size.
"""

import streamlit as st

from pages.components.explore.coordinates import pinned_coordinates
from pages.components.explore.nearest_panel import clicked_neighbour
from pages.components.explore.pin_state import act, current_pins, pin, set_pins
from pages.components.explore.pins_row import new_actions
from pages.components.map.drawings import draw_path, draw_region
from pages.components.map.explorer_map import MAP, View
from pages.components.map.latent_map import Click, Line, Region, Undo, new_events
from pages.components.map.pins import Pins

_CLICKED = "clicked"  # key of the last click's number, and of the pins before it


def handle_events(view: View) -> tuple[Pins, bool]:
    """Handles the events since the last run of the script; returns the pins, and whether any came."""
    test = view.loaded.test
    latent_dim = test.means.shape[1]
    pins = before = current_pins(test, view.run.config.dataset)
    any_event = outdated = False
    for action in new_actions():
        pins = act(action)
    if (place := pinned_coordinates(latent_dim)) is not None:
        pins = pin(place)
    if (neighbour := clicked_neighbour(test)) is not None:
        pins = pin(test.means[neighbour], neighbour)
    for number, event in new_events(MAP):
        any_event = True
        match event:
            case Undo(of):
                pins = _undo_click(of, pins)
            case Region(revision=view.revision):
                draw_region(event)
                if event.corners:
                    st.toast("What the selection holds is shown below the pins.")
            case Region():
                outdated |= bool(event.corners)  # of another plane or run
            case _ if not view.matches(event):
                outdated = True
            case Click(z, point, points) if len(z) == latent_dim:
                # Before the pin, which has to be the last write (`component_events`).
                st.session_state[_CLICKED] = number, pins
                picture = view.test_picture(point, points)
                pins = pin(z) if picture is None else pin(test.means[picture], picture)
            case Line(start, end) if len(start) == len(end) == latent_dim:
                draw_path(start, end)
                st.toast("The path is drawn: its images stand below the pins.")
    if outdated:
        st.warning("What was done on the map that stood here before was left out. Do it again on this one.")
    return pins, any_event or pins != before


def _undo_click(of: int, pins: Pins) -> Pins:
    """Restores the pins from before the click of number `of`, unless they changed since; returns the pins."""
    number, before = st.session_state.get(_CLICKED, (None, pins))
    chosen = pins.chosen
    unchanged = chosen is not None and pins == before.add(chosen.place, chosen.index)
    return set_pins(before) if number == of and unchanged else pins
