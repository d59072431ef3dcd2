"""The panel of the chosen place: what the model draws there, its prior density, the nearest test pictures.

Shapes: Z latent size.
"""

from html import escape

import numpy as np
import streamlit as st

from pages.components.charts.class_bars import class_bars
from pages.components.charts.colours import class_colours
from pages.components.charts.images import data_url
from pages.components.charts.tiles import Caption, TileClicks, TileLayout, clicked_tile, tiles
from pages.components.gallery.picture_url import OWN_PLACE
from pages.components.map.map_data import picture_at
from pages.components.map.pin_urls import place_text
from pages.components.map.pins import Pins
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import RECONSTRUCTIONS, link
from vae.datasets.registry import class_names
from vae.inference.formatting import format_number
from vae.inference.planes import Plane
from vae.inference.scored_set import Floats, ScoredSet, nearest_images
from vae.runs.run import Run

NEIGHBOURS = 50  # nearest test pictures whose classes are counted
SHOWN = 6  # of them, as pictures
KEY = "chosen_nearest"

_STYLE = """<style>
.chosen { max-width: 30rem; font-variant-numeric: tabular-nums; }
.chosen p { margin: 0.35rem 0 0; overflow-wrap: anywhere; }
.chosen .chosen-small { font-size: 0.875rem; opacity: 0.75; }
.chosen img { display: block; width: 100%; max-width: 20rem; image-rendering: pixelated; border-radius: 4px; }
/* The same height for a place as for a picture, so that a click does not move what stands below. */
.chosen .chosen-what { display: flex; gap: 0.5rem; height: 72px; overflow: hidden;
  margin-top: 0.35rem; font-size: 0.8rem; line-height: 1.2; }
.chosen-what img { flex: none; width: 72px; }
</style>"""


def clicked_neighbour(test: ScoredSet) -> int | None:
    """The index of the test picture that was clicked in this panel since the last run, or None."""
    clicked = clicked_tile(KEY)
    return clicked if clicked is not None and 0 <= clicked < len(test) else None  # it comes from a browser


def place_panel(run: Run, loaded: LoadedModel, pins: Pins, plane: Plane) -> None:
    """Shows the panel of the chosen pin, or of z = 0 if nothing is pinned; `plane` names the coordinates."""
    test = loaded.test
    names = class_names(run.config.dataset)
    place = pins.place(test.means.shape[1])
    index = None if pins.chosen is None else pins.chosen.index
    own = index is None and (run.name, place_text(place)) == st.session_state.get(OWN_PLACE)
    around, distances = nearest_images(test, place, NEIGHBOURS, exclude=index)

    def title(i: int) -> str:
        return f"{names[test.labels[i]]} · #{i}"

    # One element, so that text and picture appear together. A data URL, as a file of Streamlit's may be gone
    # at the next click before a slow browser has fetched it.
    picture = data_url(picture_at(loaded, place))
    counted = f"Classes of the {len(around)} nearest test pictures"
    what = "A place that is no test picture's mean."
    if index is not None:
        what = _test_picture(test, index, escape(title(index)))
    elif own:
        what = "Where <b>your own picture</b> lies."
    elif pins.chosen is None:
        what = "Nothing is pinned yet: this is the middle, z = 0."
    parts = (
        f'<img src="{picture}" alt="What the model draws at the chosen place">',
        f'<div class="chosen-what">{what}</div>',
        _place(place, plane),
        class_bars(
            np.bincount(test.labels[around], minlength=len(names)).tolist(), names, class_colours(), counted
        ),
    )
    st.html(f'{_STYLE}<div class="chosen">{"".join(parts)}</div>')
    tiles(
        test.images[around[:SHOWN]][:, None],
        [
            Caption(title(i), f"{distance:.3f} away")
            for i, distance in zip(around[:SHOWN], distances, strict=False)
        ],
        key=KEY,
        label="Nearest test pictures",
        layout=TileLayout(58),  # two in the narrowest column
        clicks=TileClicks(around[:SHOWN].tolist()),
    )
    st.caption("The nearest test pictures; a click pins one.")
    if own:
        shown: dict[str, str | None] = {"view": "Your own", "index": None}
        link("Show in Reconstructions", RECONSTRUCTIONS, {"run": run.name, **shown}, key="shown_link")
    elif index is not None or len(around):
        to = around[0] if index is None else index
        label = f"Show {'the nearest ' * (index is None)}in Reconstructions"
        link(label, RECONSTRUCTIONS, {"run": run.name, "index": str(to)}, key="shown_link")


def _test_picture(test: ScoredSet, index: int, title: str) -> str:
    """The HTML of a test picture, small, and its losses."""
    reconstruction, kl = float(test.reconstruction[index]), float(test.kl[index])
    return (
        f'<img src="{data_url(test.images[index])}" alt="The test picture {title}">'
        f"<span>The test picture <b>{title}</b>: reconstruction {reconstruction:.1f}, KL {kl:.1f} nats. "
        "Above, what is drawn from its mean.</span>"
    )


def _place(place: Floats, plane: Plane) -> str:
    """The HTML of a place's coordinates and its density under the prior."""
    size = len(place)
    highest = -size / 2 * np.log(2 * np.pi)
    log_prior = highest - 0.5 * float(np.square(place, dtype=np.float64).sum())
    more = (
        f'<details class="chosen-small"><summary>all {size} coordinates</summary>'
        f"{', '.join(map(format_number, place))}</details>"
        if plane.coordinate_labels
        else ""
    )
    return (
        f"<p><b>z = ({plane.format_place(place)})</b></p>{more}"
        f'<p class="chosen-small">log p(z) = {format_number(log_prior, thousands=",")}, the log density of '
        f"the prior N(0, I) at this place. At z = 0 it is highest: {format_number(highest)}.</p>"
    )
