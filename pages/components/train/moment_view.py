"""The moment of a training that the Train page shows: time slider, ten images, samples, and the latent map.

The end of the slider is the newest moment there is: the newest weights or, while a run trains, its live view,
which is newer.
"""

from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.map import map_data
from pages.components.map.latent_map import MapContent, MapPlacement, TimelineRef, latent_map, new_events
from pages.components.map.samples import samples_row
from pages.components.map.time_machine import LiveEnd, example_colours, time_machine
from pages.components.runs import loaded_model, run_data, run_moments
from pages.components.runs.loaded_model import LoadedModel
from pages.components.runs.run_data import changed_at, path_of
from pages.components.shell.messages import show_errors
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import MapPoints, points_store
from vae import VaeError
from vae.datasets.registry import classes_of, load_for
from vae.inference.planes import Directions, axis_directions
from vae.inference.scored_set import EXAMPLES, Floats, example_indices
from vae.runs.live_view import LiveView, load_view
from vae.runs.records import LIVE, Status
from vae.runs.run import Run

TIME, MAP, SAMPLES = "rewind", "training_map", "training_samples"  # keys
TRAINS = LIVE - {"paused"}  # states in which the live view is newer than the weights, or soon will be
COLUMNS = (0.42, 0.58)  # map, and what stands beside it


class Weights(NamedTuple):
    """The newest weights of a run, as the page has loaded them.

    Attributes:
        written: when they were written (`loaded_model.written`), 0 if there were none.
        loaded: None if there are none yet, or if they cannot be read.
    """

    written: int
    loaded: LoadedModel | None


class Newest(NamedTuple):
    """The newest moment of a run.

    Attributes:
        step: of the training.
        kl: the mean KL of each dimension (Z,); None where an older version has written the live view.
        directions: of the map: along the two axes with the largest KL.
        view: the live view of that moment, if it is newer than the weights.
    """

    step: int
    kl: Floats | None
    directions: Directions
    view: LiveView | None


def load_weights(run: Run, status: Status) -> Weights:
    """Loads the weights of `run`, if there are any; shows a message if they cannot be read."""
    written = _written(run, status)
    if written:
        with show_errors():  # an error must not hide the rest of the page, with the controls of the training
            return Weights(written, loaded_model.load(run))
    return Weights(written, None)


def has_newer_weights(run: Run, status: Status, weights: Weights) -> bool:
    """Whether `load_weights` would return others."""
    return _written(run, status) != weights.written


def _written(run: Run, status: Status) -> int:
    if status.state == "paused":  # nothing changes any more, so the newest weights can be looked at
        loaded_model.refresh(run)
    return loaded_model.written(run)


def newest_moment(run: Run, status: Status, loaded: LoadedModel | None) -> Newest | None:
    """The newest moment of `run` that can be shown, None before the first; raises VaeError."""
    view = live_view(run, changed_at(run.view_path))
    if loaded is not None and (view is None or (status.state not in TRAINS and view.step <= loaded.step)):
        dimensions = loaded_model.dimensions(run, loaded)
        return Newest(loaded.step, dimensions.kl, dimensions.largest, None)
    return view and Newest(view.step, view.kl, view.directions(run.config.latent_dim), view)


def send_weights(run: Run, loaded: LoadedModel, directions: Directions) -> None:
    """Sends decoder and points to the browser, for the parts of `moment_panels`.

    To be called outside of fragments.
    """
    decoder_store(loaded.decoder)
    points_store(map_data.points_of(run, loaded, directions))


def moment_panels(run: Run, status: Status, loaded: LoadedModel | None, newest: Newest | None) -> None:
    """Shows the map and, beside it, the slider, ten images over their reconstructions, and samples."""
    live = status.state in LIVE
    left, right = st.container(key="moment").columns(COLUMNS)
    with right:
        found = (
            run_moments.without_weights(run, live=live)
            if loaded is None
            else run_moments.load(run, loaded, live=live)
        )
        end = newest and _end(run, status, loaded, newest)
        time_machine(
            moments_store(found), stripes=_stripes(run, loaded), dims=False, live=live, end=end, key=TIME
        )
        decoder = loaded and loaded.decoder.name
        samples_row(decoder, loaded and loaded.test, key=SAMPLES, timeline=TIME)
        if newest and run.config.latent_dim > 2:
            across, upwards = newest.directions.names
            st.caption(
                f"The map shows {across} and {upwards}: of {run.config.latent_dim} dimensions those with the "
                "largest KL."
            )
    with left:
        _map(run, loaded, newest)


def _stripes(run: Run, loaded: LoadedModel | None) -> list[str]:
    """The colours above the ten images; also before the first weights are there."""
    if loaded is not None:
        return example_colours(loaded.test.labels[loaded.test.examples], len(loaded.classes))
    try:
        labels = load_for(run.config, train=False).labels
    except VaeError:
        return example_colours([0] * EXAMPLES, 1)
    return example_colours(labels[example_indices(labels)], len(classes_of(run.config)))


def _end(run: Run, status: Status, loaded: LoadedModel | None, newest: Newest) -> LiveEnd | None:
    """What the slider shows at its end; None for what the weights make."""
    live, view = status.state in LIVE, newest.view
    if view is None and not live:
        return None
    caption = run_moments.at_step(run, newest.step).caption
    if live:
        caption = f"live · {caption}"
    if view is None:
        return LiveEnd(caption)
    if loaded is not None:  # the decoder of the samples is older than what stands above them
        caption += f" · samples: epoch {loaded.epoch:.2f}"
    return LiveEnd(caption, view.pictures, view.reconstructions)


def _map(run: Run, loaded: LoadedModel | None, newest: Newest | None) -> None:
    for _ in new_events(MAP):
        pass  # nothing is pinned on this page
    latent_dim = run.config.latent_dim
    directions = newest.directions if newest else axis_directions(latent_dim)
    test = loaded and map_data.points_of(run, loaded, directions)
    if newest is None:
        points = _NOTHING
    elif newest.view is not None or test is None or loaded is None:
        points = points_of_view(run, changed_at(run.view_path)) or _NOTHING
    else:
        points = test
    shows_weights = points is test
    content = MapContent(
        points=points.name,
        decoder=loaded.decoder.name if loaded and shows_weights else None,
        classes=loaded.classes if loaded else classes_of(run.config),
        plane=directions.through(directions.centre),
        revision=f"{run.name}: {directions.name}",
        timeline=TimelineRef(TIME, test.name, None) if test else None,
    )
    label = f"Latent space of {run_data.title(run)} at the moment that is shown."
    latent_map(content, MapPlacement(MAP, selects=False), label=label)
    if not shows_weights:
        points_store(points, key="view_points")


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of})
def live_view(run: Run, changed: int) -> LiveView | None:  # noqa: ARG001 (the key)
    """The live view of a run, written at `changed` (nanoseconds)."""
    return load_view(run.view_path, run.config)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of})
def points_of_view(run: Run, changed: int) -> MapPoints | None:
    """The points of the live view; it says nothing of their posteriors."""
    view = live_view(run, changed)
    if view is None:
        return None
    return MapPoints(view.points, view.labels, {}, np.zeros((len(view.labels), 3), np.float32))


_NOTHING = MapPoints(np.zeros((0, 2), np.float32), np.zeros(0, np.uint8), {}, np.zeros((0, 3), np.float32))
