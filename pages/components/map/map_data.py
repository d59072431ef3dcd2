"""What the map shows of a run, cached for all tabs: points, decoded pictures, summaries of regions.

The name of the weights' decoder is part of each key, so that nothing is mixed with newer weights.

Shapes: S pixels a side, Z latent size.
"""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.components.map.lasso import RegionSummary, members, summarize_region
from pages.components.map.latent_map import Region
from pages.components.runs.loaded_model import LoadedModel, training_set
from pages.components.runs.run_data import path_of
from pages.components.stores.points import MapPoints, map_points
from vae.datasets.images import ImageArray
from vae.inference.planes import Directions
from vae.inference.scored_set import Floats, ScoredSet, nearest_image_per_place
from vae.runs.run import Run

if TYPE_CHECKING:
    from vae.models.network import VAE


def points_of(run: Run, loaded: LoadedModel, directions: Directions, *, train: bool = False) -> MapPoints:
    """The points of the test set, or of the training set, on the map of these directions."""
    return _points(run, loaded.decoder.name, directions, train, loaded)


def picture_at(loaded: LoadedModel, place: Floats) -> ImageArray:
    """The picture that the model decodes at a latent point (Z,): (S, S)."""
    return _picture_at(loaded.decoder.name, place.tobytes(), loaded.model)


def nearest_to(loaded: LoadedModel, place: Floats) -> int:
    """The index of the test picture whose mean is nearest to a latent point (Z,)."""
    return _nearest_to(loaded.decoder.name, place.tobytes(), loaded.test)


def region_summary(loaded: LoadedModel, shown: ScoredSet, points: MapPoints, region: Region) -> RegionSummary:
    """A summary of the pictures in a region; `points` are those of `shown` on the map."""
    # As text: Streamlit takes longer to hash a list than to summarize the region.
    area = repr((region.corners, sorted(region.classes)))
    return _region_held(loaded.decoder.name, points.name, area, shown, points, region)


def _same_map(directions: Directions) -> str:
    return directions.name


# 5 MB each for 60,000 points: the arrays and the message to the browser.
@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: path_of, Directions: _same_map})
def _points(
    run: Run,
    weights: str,  # noqa: ARG001 (the key)
    directions: Directions,
    train: bool,
    _loaded: LoadedModel,
) -> MapPoints:
    return map_points(training_set(run, _loaded) if train else _loaded.test, directions)


# Some rows of pins, 0.8 kB each. By bytes, as Streamlit hashes numbers more slowly than they are decoded.
@st.cache_resource(max_entries=512, show_spinner=False)
def _picture_at(weights: str, place: bytes, _model: "VAE") -> ImageArray:  # noqa: ARG001 (the key)
    from vae.inference.scoring import decode_places  # imports torch, which the Train page does without

    return decode_places(_model, np.frombuffer(place, np.float32)[None].copy())[0]


@st.cache_resource(max_entries=512, show_spinner=False)
def _nearest_to(weights: str, place: bytes, _test: ScoredSet) -> int:  # noqa: ARG001 (the key)
    return int(nearest_image_per_place(_test, np.frombuffer(place, np.float32)[None])[0])


@st.cache_resource(max_entries=8, show_spinner=False)
def _region_held(
    weights: str,  # noqa: ARG001 (the key)
    map_points: str,  # noqa: ARG001
    area: str,  # noqa: ARG001
    _shown: ScoredSet,
    _points: MapPoints,
    _region: Region,
) -> RegionSummary:
    return summarize_region(_shown, members(_points.xy, _points.labels, _region.corners, _region.classes))
