"""A poster of the plane: a grid of pictures over all of it, as a PNG file for print.

Shapes: R rows, C columns, S pixels of a side, Z latent size.
"""

import math

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.charts.images import INKS, Ink, data_url, tiled
from pages.components.runs.loaded_model import LoadedModel
from vae.datasets.images import ImageArray
from vae.export.images import enlarged, png
from vae.inference.forward import Model
from vae.inference.planes import Plane, prior_grid
from vae.inference.scored_set import Floats
from vae.runs.run import Run

FEWEST, DEFAULT, MOST = 10, 20, 40  # pictures a side
A3 = 297 / 25.4  # inches: the short side of A3 paper
SHARP = 3508  # pixels of it at 300 dots per inch
SETTINGS, PREVIEW = 250, 340  # widths on the page, pixels
MOST_SHOWN = 1200  # pixels across, which the preview has at least where the poster has more


def poster_button(run: Run, loaded: LoadedModel, plane: Plane) -> None:
    """A button that opens the settings of a poster, a preview, and a button that saves it.

    Args:
        run: its name begins that of the file.
        loaded: its model draws them.
        plane: where they lie; a line has a single row of them.
    """
    # The content runs only while it is open, because it draws hundreds of pictures.
    what = "line" if plane.is_line else "plane"
    popover = st.popover(f"Poster of the {what}", on_change="rerun", key="poster")
    if popover.open:
        with popover:
            _settings(run, loaded.model, plane)


def poster_picture(model: Model, plane: Plane, count: int, ink: Ink) -> ImageArray:
    """Pictures at quantiles of the prior on a plane, `count` a side, with a margin of half a picture:
    ((count + 1) S, (count + 1) S[, 3]). On a line, one row: (2 S, (count + 1) S[, 3])."""
    places = _places(plane, count)
    pictures = model.decode(places.reshape(-1, places.shape[-1]))
    margin = pictures.shape[1] // 2
    if pictures.ndim == 4:  # in colour, which has no ink: on paper
        return np.pad(tiled(pictures, count), ((margin,) * 2, (margin,) * 2, (0, 0)), constant_values=255)
    framed = np.pad(tiled(pictures, count), margin)
    return 255 - framed if ink == "Black on white" else framed


def poster_file(model: Model, plane: Plane, count: int, ink: Ink) -> bytes:
    """The poster as a PNG file with at least 300 dots per inch on A3's short side; pixels stay squares."""
    picture = poster_picture(model, plane, count, ink)
    large = enlarged(picture, math.ceil(SHARP / picture.shape[1]))
    return png(large, dpi=large.shape[1] / A3)


def _places(plane: Plane, count: int) -> Floats:
    """The places of all pictures, arranged as on the map: (R, C, Z)."""
    grid = prior_grid(count)
    rows = grid[:1] if plane.is_line else grid
    # Restricted to a plane, the prior is a round Gaussian around the plane's point nearest to the origin.
    middle = plane.coordinates(np.zeros((1, len(plane.base))))[0]
    return np.stack([[plane.at(x, y) for x, y in row] for row in rows + middle])


def _preview(poster: ImageArray) -> ImageArray:
    """The poster in as many pixels as the page can show."""
    return np.asarray(Image.fromarray(poster).reduce(max(1, poster.shape[1] // MOST_SHOWN)))


def _settings(run: Run, model: Model, plane: Plane) -> None:
    # Side by side, to fit into the popover; on narrow windows the settings come first.
    with st.container(horizontal=True, gap="small"):
        settings, shown = st.container(width=SETTINGS), st.container(width=PREVIEW)
    with settings:
        label = "Images" if plane.is_line else "Images per side"
        count = st.slider(label, FEWEST, MOST, DEFAULT, key="poster_count")
        ink = INKS[0]
        if model.config.channels == 1:
            ink = st.segmented_control("Ink", INKS, default=INKS[0], required=True, key="poster_ink")
        x, y = plane.names
        upwards = "" if plane.is_line else f", {y} upwards"
        st.caption(
            "What the model draws where the prior N(0,\u00a0I) expects images: neighbours lie closer where "
            f"it expects more of them. {x} grows to the right{upwards}."
        )
        st.download_button(
            "Save for print (PNG)",
            lambda: poster_file(model, plane, count, ink),
            file_name=f"{run.name}-poster-{count}.png",
            mime="image/png",
            on_click="ignore",
            help="Sharp on A3: at least 300 dots per inch on its short side.",
        )
    # A data URL, as a file of Streamlit's may be gone at the next run before a slow browser has fetched it.
    source = data_url(_preview(poster_picture(model, plane, count, ink)))
    style = "width: 100%; border-radius: 4px"
    shown.html(f'<img src="{source}" alt="The poster" style="{style}">')
