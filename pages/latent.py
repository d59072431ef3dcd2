"""The page on which one explores the latent space: the map, the pins, paths and selections."""

import streamlit as st

from pages.components.explore.coordinates import coordinates
from pages.components.explore.events import handle_events
from pages.components.explore.map_toolbar import map_toolbar
from pages.components.explore.place_panel import place_panel
from pages.components.explore.region_panel import region_panel
from pages.components.explore.traversals import traversals
from pages.components.map import map_data
from pages.components.map.drawings import drawn_path, drawn_region, remove_region
from pages.components.map.explorer_map import TIME, View, explorer_map
from pages.components.map.look_panel import look_panel
from pages.components.map.map_controls import map_controls
from pages.components.map.plane_picker import default_directions, plane_picker
from pages.components.map.training_points import training_set
from pages.components.runs import loaded_model, run_moments
from pages.components.runs.follow_training import follow_training, wait_for_weights
from pages.components.runs.run_picker import newest_run, run_picker
from pages.components.shell.assets import plotly_js_url, serve_modules
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.messages import show_errors
from pages.components.shell.page_layout import page_heading, screen_part
from pages.components.stores import pictures
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import points_store
from pages.components.train.explanations import latent_explanation

# On a narrow window the panel goes below the map.
_STYLE = (
    "<style>.st-key-explorer [data-testid='stHorizontalBlock']:has(.latent-map) { flex-wrap: wrap; }"
    ".st-key-explorer [data-testid='stColumn']:has(.latent-map) { min-width: min(30rem, 100%); }"
    ".st-key-explorer [data-testid='stColumn']:has(.chosen) { min-width: 13rem; }</style>"
)


def main() -> None:
    """Draws the page: title and controls, the fragment `explore`, and then what its map awaits."""
    st.html(_STYLE)
    page_heading("Latent space")
    run = run_picker()
    if run is None or wait_for_weights(run):
        return
    # What is slow, or large on its way to the browser, runs with the page, not again at every click.
    loaded = loaded_model.load(run)
    follow_training(run, loaded)
    controls = screen_part("controls", horizontal=True)
    with controls:
        settings = map_controls(run.config.latent_dim)
    plane_choice = plane_picker(loaded_model.dimensions(run, loaded), run.name)
    with controls:  # beside the widgets, where its progress moves nothing
        training = training_set(run, loaded) if settings.training else None
    points = map_data.points_of(run, loaded, plane_choice.directions, training)
    moments = moments_store(run_moments.load(run, loaded))
    pictures_url = pictures.pictures_url(run.config.dataset, train=training is not None)
    view = View(run, loaded, settings, plane_choice, training or loaded.test, points, pictures_url, moments)
    st.fragment(show_errors()(explore))(view)
    # After the map, so that its frame and its scripts come first: it awaits what these bring, megabytes.
    decoder_store(loaded.decoder)  # before the points, with which the map is drawn: clicks need it
    points_store(points)
    if training is not None:  # at earlier moments of the training the map shows the test set
        points_store(map_data.points_of(run, loaded, plane_choice.directions), key="test_points")
    if pictures_url is None:  # after the map, which needs them only to show the picture of a point
        with show_errors():
            pictures.pack_pictures(run.config.dataset, train=training is not None)
            st.rerun()


def prepare() -> None:
    """Does what the first visitor would wait for: the newest run's model and map, and what browsers fetch."""
    serve_modules()
    plotly_js_url()
    run = newest_run()
    if run is None:
        return
    loaded = loaded_model.load(run)
    map_data.points_of(run, loaded, default_directions(loaded_model.dimensions(run, loaded)))
    run_moments.load(run, loaded)
    pictures.prepare(run.config.dataset)


def explore(view: View) -> None:
    """The map and its panels, for the weights of `view`. A fragment: a click reruns only this."""
    run, loaded = view.run, view.loaded
    pins, any_event = handle_events(view)
    if any_event and loaded_model.load(run).decoder.name != loaded.decoder.name:
        st.rerun()  # the run trains, and there are newer weights
    latent_dim = loaded.test.means.shape[1]
    place, path, region = pins.place(latent_dim), drawn_path(latent_dim), drawn_region(view.revision)
    left, right = st.container(key="explorer").columns([3, 1])
    with left:
        explorer_map(view, pins, path, region)
        st.html(latent_explanation(run.config.dataset, latent_dim))
        map_toolbar(view, pins, path)
    with right:
        look_panel(loaded.decoder.name, key="look", timeline=TIME, aloud=True)
        place_panel(run, loaded, pins, view.plane(pins))
    if region is not None:
        summary = map_data.region_summary(loaded, view.pictures, view.points, region)
        st.button("Remove the selection", on_click=remove_region)
        with st.container(key="selection"):
            region_panel(run, loaded, view.pictures, summary, train=view.is_training_set)
    # These run only while they are open, to keep clicks fast.
    sliders = st.expander("Coordinates", expanded=latent_dim > 2, on_change="rerun", key="coordinates_opened")
    if sliders.open:
        with sliders:
            look_panel(loaded.decoder.name, key="coordinates_look", timeline=TIME, hint="Move a slider.")
            coordinates(place, loaded_model.dimensions(run, loaded), loaded.test.reach)
    if latent_dim > 2:
        rows = st.expander("Traversals", on_change="rerun", key="traversals_opened")
        if rows.open:
            with rows:
                traversals(run, loaded, place)


if __name__ == "__main__":
    reenter_through_app()
