"""The page on which one explores the latent space: the map, the pins, paths and selections."""

import streamlit as st

from pages.components.explore.events import handle_events
from pages.components.explore.nearest_panel import is_own_image
from pages.components.explore.path_panel import End, path_panel
from pages.components.explore.pin_state import pins_query
from pages.components.explore.pins_row import pins_row
from pages.components.explore.region_panel import region_list, region_panel
from pages.components.explore.side_panels import side_panels
from pages.components.map import map_data
from pages.components.map.drawings import drawn_path, drawn_region, path_address, region_address
from pages.components.map.explorer_map import TIME, ExplorerPlacement, View, chosen_point, explorer_map
from pages.components.map.look_panel import look_panel
from pages.components.map.map_controls import map_controls
from pages.components.map.plane_picker import plane_picker
from pages.components.map.training_points import training_set
from pages.components.runs import loaded_model, run_data, run_moments
from pages.components.runs.follow_training import follow_training, wait_for_weights
from pages.components.runs.run_picker import newest_run, run_picker
from pages.components.shell.assets import COMPONENTS, plotly_js_url, serve_modules
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.messages import show_errors
from pages.components.shell.page_layout import folding_controls, page_heading, shown_run
from pages.components.stores import pictures
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import points_store
from pages.components.train.explanations import latent_explanation

_STYLE = COMPONENTS / "explore" / "layout.css"
_PLACEMENT = ExplorerPlacement(tooltip=False)  # what is under the pointer is large beside the map


def main() -> None:
    """Draws the page: the controls, the fragment `explore`, and then what its map awaits."""
    st.html(_STYLE)
    page_heading("Latent space")
    run = run_picker()
    if run is None or wait_for_weights(run):
        return
    # What is slow, or large on its way to the browser, runs with the page, not again at every click.
    loaded = loaded_model.load(run)
    loaded_model.show_missing(loaded)
    with st.sidebar:  # where it moves nothing
        follow_training(run, loaded)
    controls = folding_controls("Colours, layers and axes")
    with controls:
        settings = map_controls(
            run.config.latent_dim, classes=loaded.has_classes, choose_set=not loaded.missing
        )
        plane_choice = plane_picker(loaded_model.dimensions(run, loaded), run.name)
        training = training_set(run, loaded) if settings.training else None
        shown_run(run_data.title(run))
    points = map_data.points_of(run, loaded, plane_choice.directions, training)
    moments = moments_store(run_moments.load(run, loaded))
    pictures_url = None
    if not loaded.missing:
        pictures_url = pictures.pictures_url(run.config.dataset, train=training is not None)
    view = View(run, loaded, settings, plane_choice, training or loaded.test, points, pictures_url, moments)
    st.fragment(show_errors()(explore))(view)
    # After the map, so that its frame and its scripts come first: it awaits what these bring, megabytes.
    decoder_store(loaded.decoder)  # before the points, with which the map is drawn: clicks need it
    points_store(points)
    if training is not None:  # at earlier moments of the training the map shows the test set
        points_store(map_data.points_of(run, loaded, plane_choice.directions), key="test_points")
    if (
        pictures_url is None and not loaded.missing
    ):  # after the map, which needs them only to show the picture of a point
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
    map_data.points_of(run, loaded, loaded_model.dimensions(run, loaded).largest)
    run_moments.load(run, loaded)
    if not loaded.missing:
        pictures.prepare(run.config.dataset)


def explore(view: View) -> None:
    """The map and its panels, for the weights of `view`. A fragment: a click reruns only this."""
    run, loaded = view.run, view.loaded
    pins, any_event = handle_events(view)
    if any_event and loaded_model.load(run).decoder.name != loaded.decoder.name:
        st.rerun()  # the run trains, and there are newer weights
    latent_dim = loaded.test.means.shape[1]
    path, region = drawn_path(latent_dim), drawn_region(view.revision, len(loaded.classes))
    summary = region and map_data.region_summary(loaded, view.pictures, view.points, region)
    plane = view.plane(pins)
    left, right = st.container(key="explorer").columns(2)
    with left:
        explorer_map(view, pins, path, region, _PLACEMENT)
    with right:
        free = "Your own image" if is_own_image(run, pins) else "Free point"
        look_panel(
            loaded.decoder.name,
            key="look",
            timeline=TIME,
            aloud=True,
            plane=plane,
            chosen=chosen_point(pins, view, free),
        )
        side_panels(view, pins)
        query = pins_query(pins) | path_address(path) | region_address(region)
        pins_row(pins, loaded, plane, run=run.name, query=query)
        with st.container(key="drawn"):  # last, so that it moves nothing
            if path is not None:
                start, end = (End(place, f"({plane.format_place(place)})") for place in path)
                path_panel(run, loaded, (start, end), plane)
            if summary is not None:
                region_panel(run, loaded, summary, train=view.is_training_set)
    if summary is not None:
        region_list(run, loaded, summary, train=view.is_training_set)
    st.html(latent_explanation(run.config.dataset, latent_dim, classes=loaded.has_classes))


if __name__ == "__main__":
    reenter_through_app()
