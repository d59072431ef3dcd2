"""Walk the latent space: the map, the digit under the pointer, and what is pinned, drawn or selected."""

import streamlit as st

from pages.components import cached, cached_maps, cached_moments
from pages.components.explore.coordinates import coordinates
from pages.components.explore.map_actions import carry_out
from pages.components.explore.map_toolbar import beneath_map
from pages.components.explore.place_panel import chosen_panel
from pages.components.explore.region_panel import region_panel
from pages.components.explore.traversals import traversals
from pages.components.map.drawings import drawn_path, drawn_region, remove_region
from pages.components.map.explorer_map import TIME, View, walked_map
from pages.components.map.look_panel import look_panel
from pages.components.map.map_controls import map_controls
from pages.components.map.plane_picker import plane_picker
from pages.components.runs.live_weights import awaiting_weights, follow_training
from pages.components.runs.run_picker import run_picker
from pages.components.shell.entrypoint import enter_by_app
from pages.components.shell.messages import sentences
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import points_store
from pages.components.train import explanations

# Beside a map that is too narrow nothing stands: the panel goes below it.
_STYLE = (
    "<style>.st-key-walked [data-testid='stHorizontalBlock']:has(.latent-map) { flex-wrap: wrap; }"
    ".st-key-walked [data-testid='stColumn']:has(.latent-map) { min-width: min(30rem, 100%); }"
    ".st-key-walked [data-testid='stColumn']:has(.chosen) { min-width: 13rem; }</style>"
)


def main() -> None:
    """The page."""
    st.html(_STYLE)
    st.title("Latent space")
    st.write(
        "**Move a mouse or finger over the map** and see what the model draws there. A click pins it, shift "
        "and a drag draw a path, the lasso selects."
    )
    run = run_picker()
    if run is None or awaiting_weights(run):
        return
    # What is slow, or large on its way to the browser, belongs to the page, not to every click.
    explored = cached.explored(run)
    follow_training(run, explored)
    decoder_store(explored.decoder)
    shown = map_controls(run.config.latent_dim)
    picked = plane_picker(cached.dimensions(run, explored), run.name)
    points = cached.points(run, explored, picked.directions, train=shown.training)
    with st.container():  # or the map would be made anew where there is one more
        points_store(points)
        if shown.training:  # at other moments the map shows the test set
            points_store(cached.points(run, explored, picked.directions), key="test_points")
    moments = moments_store(cached_moments.moments(run, explored))
    pictures_url = cached_maps.pictures(run.config.dataset, train=shown.training)
    st.fragment(sentences()(walk))(View(run, explored, shown, picked, points, pictures_url, moments))
    if pictures_url is None:  # the map can do without them until one is looked at
        with sentences():
            cached_maps.pack_pictures(run.config.dataset, train=shown.training)
            st.rerun()


def walk(view: View) -> None:
    """Map and panels under these weights, whose decoder the browser has; a click runs only this again."""
    run, explored = view.run, view.explored
    pins, asked = carry_out(view)
    if asked and cached.explored(run).decoder.name != explored.decoder.name:
        st.rerun()  # the run trains, and there are newer weights
    latent_dim = explored.test.means.shape[1]
    place, path, region = pins.place(latent_dim), drawn_path(latent_dim), drawn_region(view.revision)
    left, right = st.container(key="walked").columns([3, 1])
    with left:
        walked_map(view, pins, path, region)
        st.html(explanations.latent(run.config.dataset, latent_dim))
        beneath_map(view, pins, path)
    with right:
        look_panel(explored.decoder.name, key="look", timeline=TIME, aloud=True)
        chosen_panel(run, explored, pins, view.plane(pins))
    if region is not None:
        held = cached_maps.region_held(explored, view.pictures, view.points, region)
        st.button("Remove the selection", on_click=remove_region)
        region_panel(run, explored, view.pictures, held, train=view.shown.training)
    # These run when they are opened: otherwise each click on the page would pay for them.
    sliders = st.expander("Coordinates", expanded=latent_dim > 2, on_change="rerun", key="coordinates_opened")
    if sliders.open:
        with sliders:
            look_panel(explored.decoder.name, key="coordinates_look", timeline=TIME, hint="Move a slider.")
            coordinates(place, cached.dimensions(run, explored), explored.test.reach)
    if latent_dim > 2:
        opened = st.expander("Traversals", on_change="rerun", key="traversals_opened")
        if opened.open:
            with opened:
                traversals(run, explored, place)


if __name__ == "__main__":
    enter_by_app()
