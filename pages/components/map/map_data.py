"""What the map shows of a run, cached for all tabs: points, decoded pictures, summaries of regions.

The weights are part of each key, so that nothing is mixed with newer ones.

Shapes: S pixels a side, Z latent size.
"""

from operator import attrgetter

import numpy as np
import streamlit as st

from pages.components.map.lasso import RegionSummary, members, summarize_region
from pages.components.map.latent_map import Region
from pages.components.runs.loaded_model import LoadedModel, weights_of
from pages.components.runs.run_data import path_of
from pages.components.stores.points import MapPoints, map_points
from vae.datasets.images import ImageArray
from vae.inference.planes import Directions
from vae.inference.scored_set import Floats, ScoredSet, nearest_image_per_place
from vae.runs.run import Run


def points_of(
    run: Run, loaded: LoadedModel, directions: Directions, training: ScoredSet | None = None
) -> MapPoints:
    """The points of the test set, or of the training set if it is given, on the map of these directions."""
    if training is None:
        return _points(run, loaded, directions, loaded.test, train=False)
    return _points(run, loaded, directions, training, train=True)


# 5 MB each for 60,000 points: the arrays and the message to the browser.
@st.cache_resource(
    max_entries=16,
    show_spinner=False,
    hash_funcs={Run: path_of, LoadedModel: weights_of, Directions: attrgetter("name")},
)
def _points(
    run: Run,  # noqa: ARG001 (part of the key)
    loaded: LoadedModel,  # noqa: ARG001
    directions: Directions,
    _shown: ScoredSet,
    *,
    train: bool,  # noqa: ARG001
) -> MapPoints:
    return map_points(_shown, directions)


# Some rows of pins, 0.8 kB each. By bytes, as Streamlit hashes arrays more slowly than they are decoded.
_by_place = st.cache_resource(
    max_entries=512,
    show_spinner=False,
    hash_funcs={LoadedModel: weights_of, np.ndarray: np.ndarray.tobytes},
)


@_by_place
def picture_at(loaded: LoadedModel, place: Floats) -> ImageArray:
    """The picture that the model decodes at a latent point (Z,): (S, S)."""
    return loaded.model.decode(place[None])[0]


@_by_place
def nearest_to(loaded: LoadedModel, place: Floats) -> int:
    """The index of the test picture whose mean is nearest to a latent point (Z,)."""
    return int(nearest_image_per_place(loaded.test, place[None])[0])


def _area(region: Region) -> str:
    # As text: Streamlit takes longer to hash a list than to summarize the region.
    return repr((region.corners, sorted(region.classes)))


@st.cache_resource(
    max_entries=64,
    show_spinner=False,
    hash_funcs={LoadedModel: weights_of, MapPoints: attrgetter("name"), Region: _area},
)
def region_summary(
    loaded: LoadedModel,  # noqa: ARG001 (part of the key)
    _shown: ScoredSet,
    points: MapPoints,
    region: Region,
) -> RegionSummary:
    """A summary of the pictures in a region; `points` are those of `_shown` on the map."""
    return summarize_region(_shown, members(points.xy, points.labels, region.corners, region.classes))
