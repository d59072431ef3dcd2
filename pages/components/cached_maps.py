"""What the Latent page keeps of what was clicked and drawn on its maps, and of real pictures; bounded.

All of it is of weights, named by their decoder, so that nothing stands here that newer ones would change.

Shapes: S pixels a side, Z latent size.
"""

from pathlib import Path

import numpy as np
import streamlit as st

from pages.components.cached import Explored
from pages.components.map.latent_map import Region
from pages.components.map.region import Held, held, members
from pages.components.shell.assets import served
from pages.components.stores.pictures import pictures_name, serve_pictures
from pages.components.stores.points import MapPoints
from vae.config import Dataset
from vae.datasets.pictures import Picture
from vae.datasets.registry import data_dir, load
from vae.inference.scored_set import Floats, ScoredSet, nearest_each
from vae.inference.scoring import decoded
from vae.models.network import VAE


def pictures(dataset: Dataset, *, train: bool = False) -> str | None:
    """The address of all real pictures of a set, for `pictures.js`; None where they are not packed yet."""
    return served(_pictures_name(dataset, train, data_dir()))


def pack_pictures(dataset: Dataset, *, train: bool = False) -> None:
    """Has `pictures` find them: two seconds for 60,000. VaeError if static/ cannot be written."""
    with st.spinner("Packing the pictures for the browser ..."):
        serve_pictures(_pictures_name(dataset, train, data_dir()), _images(dataset, train=train))


def picture_at(explored: Explored, place: Floats) -> Picture:
    """What the model draws at a place (Z,): (S, S)."""
    return _picture_at(explored.decoder.name, place.tobytes(), explored.model)


def nearest_to(explored: Explored, place: Floats) -> int:
    """The index of the test picture whose mean is nearest to a place (Z,)."""
    return _nearest_to(explored.decoder.name, place.tobytes(), explored.test)


def region_held(explored: Explored, shown: ScoredSet, points: MapPoints, region: Region) -> Held:
    """What a region holds of the set that the map shows as these points."""
    # As text: the hash of a list would take longer than its use.
    area = repr((region.corners, sorted(region.classes)))
    return _region_held(explored.decoder.name, points.name, area, shown, points, region)


def _images(dataset: Dataset, *, train: bool) -> Picture:
    images: Picture = load(dataset, train=train).images.numpy()
    return images


# Not the address: somebody may empty static/.
@st.cache_resource(max_entries=16, show_spinner=False)
def _pictures_name(dataset: Dataset, train: bool, root: Path) -> str:  # noqa: ARG001 (the key)
    return pictures_name(_images(dataset, train=train))


# Some rows of pins: 0.8 kB each. By bytes, as a key of numbers takes longer to make than a picture.
@st.cache_resource(max_entries=512, show_spinner=False)
def _picture_at(weights: str, place: bytes, _model: VAE) -> Picture:  # noqa: ARG001 (the key)
    return decoded(_model, np.frombuffer(place, np.float32)[None].copy())[0]


@st.cache_resource(max_entries=512, show_spinner=False)
def _nearest_to(weights: str, place: bytes, _test: ScoredSet) -> int:  # noqa: ARG001 (the key)
    return int(nearest_each(_test, np.frombuffer(place, np.float32)[None])[0])


@st.cache_resource(max_entries=8, show_spinner=False)
def _region_held(
    weights: str,  # noqa: ARG001 (the key)
    map_points: str,  # noqa: ARG001
    area: str,  # noqa: ARG001
    _shown: ScoredSet,
    _points: MapPoints,
    _region: Region,
) -> Held:
    return held(_shown, members(_points.xy, _points.labels, _region.corners, _region.classes))
