"""The Train page at other moments of the run: the slider under its curves, and the map as it was then.

Only who goes back has torch imported, and the test set scored: until then the steps are known by the names
of the snapshots.
"""

import streamlit as st

from pages.components.map import map_data
from pages.components.map.latent_map import Moments, latent_map, new_events
from pages.components.map.map_controls import USUAL
from pages.components.map.time_machine import time_machine, touched
from pages.components.runs import loaded_model, run_moments
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import show_errors
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import points_store
from vae.inference.planes import axis_directions
from vae.runs.records import LIVE, Status
from vae.runs.run import Run

TIME, MAP = "rewind", "then"  # keys
_RUN = "rewound"  # who was gone back in


def load_past(run: Run) -> LoadedModel | None:
    """What is needed to go back in `run`, brought to the browser, once somebody has asked for it.

    To be called outside of fragments. While the run trains, what it knows of the newest weights is only what
    the moments share: layers, labels, real pictures.
    """
    if st.session_state.get(_RUN) != run.name or not run.model_path.exists():
        return None
    # What hinders it must not take the rest of the page: there the training is stopped, or goes on.
    with show_errors():
        loaded = loaded_model.load(run)
        decoder_store(loaded.decoder)
        points_store(map_data.points_of(run, loaded, axis_directions(run.config.latent_dim)))
        return loaded
    del st.session_state[_RUN]
    return None


def slider(run: Run, status: Status, loaded: LoadedModel | None) -> None:
    """Shows it; a run of the page is needed where somebody has gone back for the first time."""
    live = status.state in LIVE
    if loaded is None and touched(TIME):
        st.session_state[_RUN] = run.name
    if loaded is None and st.session_state.get(_RUN) == run.name and run.model_path.exists():
        st.rerun()
    found = run_moments.steps(run, live=live) if loaded is None else run_moments.load(run, loaded, live=live)
    time_machine(moments_store(found), dims=False, key=TIME)


def past_map(run: Run, loaded: LoadedModel) -> None:
    """Shows the map at the moment that is seen, the newest among them."""
    from vae.datasets.registry import class_names

    for _ in new_events(MAP):
        pass  # nothing is pinned on this page
    directions = axis_directions(run.config.latent_dim)
    points = map_data.points_of(run, loaded, directions)
    latent_map(
        points=points.name,
        decoder=loaded.decoder.name,
        pictures=None,
        classes=class_names(run.config.dataset),
        plane=directions.through(directions.centre),
        colouring="class",
        colouring_name=("class", "class"),
        layers=USUAL,
        pins=(),
        pinned=(),
        chosen=None,
        ellipse=None,
        line=None,
        region=None,
        moments=Moments(TIME, points.name, None),
        revision=run.name,
        key=MAP,
        label=f"Latent space of {run.name} at the moment that is seen.",
    )
