"""Earlier moments of a run on the Train page: the time slider, and the latent map of its moment.

Model and test set are loaded only when the slider is moved: until then the steps are taken from the names of
the snapshots.
"""

import streamlit as st

from pages.components.map import map_data
from pages.components.map.latent_map import MapContent, MapPlacement, TimelineRef, latent_map, new_events
from pages.components.map.time_machine import time_machine, touched
from pages.components.runs import loaded_model, run_moments
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import show_errors
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import points_store
from vae.datasets.registry import class_names
from vae.inference.planes import axis_directions
from vae.runs.records import LIVE, Status
from vae.runs.run import Run

TIME, MAP = "rewind", "then"  # keys
_RUN = "rewound"  # the name of the run whose slider was moved


def notice_touch(run: Run) -> None:
    """Remembers that the slider was moved, which the browser tells once.

    To be called before anything else can end this run of the script.
    """
    if touched(TIME):
        st.session_state[_RUN] = run.name


def load_past(run: Run) -> LoadedModel | None:
    """Loads `run` and sends its decoder and points to the browser, once its slider was moved; else None.

    To be called outside of fragments. While the run trains, the loaded weights go out of date; moments use of
    them only what all share: layers, labels, real pictures.
    """
    notice_touch(run)
    if st.session_state.get(_RUN) != run.name or not run.model_path.exists():
        return None
    # An error must not hide the rest of the page, with the controls of the training.
    with show_errors():
        loaded = loaded_model.load(run)
        decoder_store(loaded.decoder)
        points_store(map_data.points_of(run, loaded, axis_directions(run.config.latent_dim)))
        return loaded
    del st.session_state[_RUN]
    return None


def time_slider(run: Run, status: Status, loaded: LoadedModel | None) -> None:
    """Shows the time slider; reruns the page when it is moved for the first time, to load what it needs."""
    live = status.state in LIVE
    if loaded is None and st.session_state.get(_RUN) == run.name and run.model_path.exists():
        st.rerun()
    found = (
        run_moments.load_from_names(run, live=live)
        if loaded is None
        else run_moments.load(run, loaded, live=live)
    )
    time_machine(moments_store(found), dims=False, key=TIME)


def past_map(run: Run, loaded: LoadedModel) -> None:
    """Shows the latent map at the moment of the slider, which may be the newest."""
    for _ in new_events(MAP):
        pass  # nothing is pinned on this page
    directions = axis_directions(run.config.latent_dim)
    points = map_data.points_of(run, loaded, directions)
    content = MapContent(
        points=points.name,
        decoder=loaded.decoder.name,
        classes=class_names(run.config.dataset),
        plane=directions.through(directions.centre),
        revision=run.name,
        timeline=TimelineRef(TIME, points.name, None),
    )
    latent_map(content, MapPlacement(MAP), label=f"Latent space of {run.name} at the moment that is seen.")
