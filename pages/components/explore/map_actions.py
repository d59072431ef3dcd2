"""What people do on the Latent page, carried out: clicks, lines and lassos on the map, pins, sliders.

Shapes: Z latent size.
"""

import streamlit as st

from pages.components.explore.coordinates import pinned_coordinates
from pages.components.explore.pin_state import act, pin, pinned, put_back
from pages.components.explore.pins_row import asked_actions
from pages.components.explore.place_panel import clicked_neighbour
from pages.components.map.drawings import draw_path, draw_region
from pages.components.map.explorer_map import MAP, View
from pages.components.map.latent_map import Click, Line, Region, Undo, new_events
from pages.components.map.pins import Pins

_CLICKED = "clicked"  # the last click's number, and the pins before it


def carry_out(view: View) -> tuple[Pins, bool]:
    """Carries out all that was asked for since the last run; the pins after it, and whether there was any."""
    test = view.loaded.test
    latent_dim = test.means.shape[1]
    pins = before = pinned(test, view.run.config.dataset)
    asked = elsewhere = False
    for action in asked_actions():
        pins = act(action)
    if (place := pinned_coordinates(latent_dim)) is not None:
        pins = pin(place)
    if (neighbour := clicked_neighbour(test)) is not None:
        pins = pin(test.means[neighbour], neighbour)
    for number, event in new_events(MAP):
        asked = True
        match event:
            case Undo(of):
                pins = _undone(of, pins)
            case Region(revision=view.revision):
                draw_region(event)
                if event.corners:
                    st.toast("What the selection holds is shown below the map.")
            case Region():
                elsewhere |= bool(event.corners)  # of another plane, too
            case _ if not view.is_of(event):
                elsewhere = True
            case Click(z, point, points) if len(z) == latent_dim:
                st.session_state[_CLICKED] = number, pins  # first, as the pin is to be written last
                picture = view.test_picture(point, points)
                pins = pin(z) if picture is None else pin(test.means[picture], picture)
            case Line(start, end) if len(start) == len(end) == latent_dim:
                draw_path(start, end)
                st.toast("The path is drawn: its pictures are below the map.")
    if elsewhere:
        st.warning("What was done on the map that stood here before was left out. Do it again on this one.")
    return pins, asked or pins != before


def _undone(of: int, pins: Pins) -> Pins:
    """The pins from before a click, unless something else has happened since."""
    number, before = st.session_state.get(_CLICKED, (None, pins))
    chosen = pins.chosen
    stands = chosen is not None and pins == before.add(chosen.place, chosen.index)
    return put_back(before) if number == of and stands else pins
