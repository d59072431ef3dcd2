"""The panel of what is near the chosen place: the classes of the nearest test images, and six of these.

Shapes: Z latent size.
"""

import numpy as np
import streamlit as st

from pages.components.charts.class_bars import class_bars
from pages.components.charts.colours import class_colours
from pages.components.charts.tiles import Caption, TileClicks, TileLayout, clicked_tile, tiles
from pages.components.gallery.picture_url import OWN_PLACE
from pages.components.map.pin_urls import place_text
from pages.components.map.pins import Pins
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import RECONSTRUCTIONS, link
from vae.inference.scored_set import ScoredSet, nearest_images
from vae.runs.run import Run

NEIGHBOURS = 50  # nearest test images whose classes are counted
SHOWN = 6  # of them, as images
KEY = "chosen_nearest"


def clicked_neighbour(test: ScoredSet) -> int | None:
    """The index of the test image that was clicked in this panel since the last run, or None."""
    clicked = clicked_tile(KEY)
    return clicked if clicked is not None and 0 <= clicked < len(test) else None  # it comes from a browser


def is_own_image(run: Run, pins: Pins) -> bool:
    """Whether the chosen place is where the visitor's own image lies (Reconstructions)."""
    chosen = pins.chosen
    if chosen is None or chosen.index is not None:
        return False
    return (run.name, place_text(chosen.z)) == st.session_state.get(OWN_PLACE)


def nearest_panel(run: Run, loaded: LoadedModel, pins: Pins) -> None:
    """Shows what is near the chosen pin, or near z = 0 if nothing is pinned."""
    test = loaded.test
    place = pins.place(test.means.shape[1])
    index = None if pins.chosen is None else pins.chosen.index
    around, distances = nearest_images(test, place, NEIGHBOURS, exclude=index)
    if loaded.has_classes:
        names = loaded.classes
        counted = f"Classes of the {len(around)} nearest test images"
        counts = np.bincount(test.labels[around], minlength=len(names)).tolist()
        bars = class_bars(counts, names, class_colours(len(names)), counted, compact=True)
        st.html(f'<div class="nearest">{bars}</div>')
    else:
        st.html('<p class="nearest">The nearest test images</p>')
    tiles(
        test.images[around[:SHOWN]][:, None],
        [
            Caption(loaded.image_title(i), f"{distance:.3f} away")
            for i, distance in zip(around[:SHOWN], distances, strict=False)
        ],
        key=KEY,
        label="Nearest test images; a click pins one",
        layout=TileLayout(36),
        clicks=TileClicks(around[:SHOWN].tolist()),
    )
    if is_own_image(run, pins):
        shown: dict[str, str | None] = {"view": "Your own", "index": None}
        link("Show in Reconstructions", RECONSTRUCTIONS, {"run": run.name, **shown}, key="shown_link")
    elif index is not None or len(around):
        to = around[0] if index is None else index
        label = f"Show {'the nearest ' * (index is None)}in Reconstructions"
        link(label, RECONSTRUCTIONS, {"run": run.name, "index": str(to)}, key="shown_link")
