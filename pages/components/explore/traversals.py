"""Traversals: what the model draws as one coordinate of a place varies and the others stay."""

import numpy as np
import streamlit as st

from pages.components.charts.tiles import Caption, TileLayout, tiles
from pages.components.runs import loaded_model
from vae.inference.formatting import coordinate_name, format_number
from vae.inference.planes import INACTIVE_NATS
from vae.inference.scored_set import Floats
from vae.runs.run import Run

VALUES = np.linspace(-3, 3, 9, dtype=np.float32)  # the prior has 99.7 % of a coordinate in this range
ROWS = 10  # dimensions shown at first
ALL = "all_dimensions"


def traversals(run: Run, loaded: loaded_model.LoadedModel, place: Floats) -> None:
    """Shows a row of images for each dimension of a place (Z,), those with the largest mean KL first."""
    dimensions = loaded_model.dimensions(run, loaded)
    st.caption(
        "In each row one coordinate goes from −3 to 3, and the others stay. Those of the largest KL come "
        "first."
    )
    order = dimensions.order
    if len(order) > ROWS and not st.toggle(f"All {len(order)} dimensions", key=ALL):
        order = order[:ROWS]
    places = np.tile(place, (len(order), len(VALUES), 1))
    for row, i in zip(places, order, strict=True):
        row[:, i] = VALUES
    drawn = loaded.model.decode(places.reshape(-1, len(place)))
    tiles(
        drawn.reshape(len(order), len(VALUES), *drawn.shape[1:]),
        [
            Caption(
                f"{coordinate_name(i)} · {dimensions.kl[i]:.2f} nats",
                f"{coordinate_name(i)} is {format_number(place[i])} here"
                + (" · inactive" if dimensions.kl[i] < INACTIVE_NATS else ""),
            )
            for i in order
        ],
        key="traversals",
        label="What each dimension does",
        layout=TileLayout(
            420, [format_number(value).rstrip("0").rstrip(".") for value in VALUES], on_screen=1
        ),
    )
