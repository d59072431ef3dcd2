"""A form with a slider and a number field for each coordinate of a place of the latent space.

The page's other components show the place while it is changed (window event `latent-hover`); *Pin* pins it.

Shapes: Z latent size.
"""

import numpy as np
import streamlit as st

from pages.components.map.pin_urls import is_place, place_text
from pages.components.shell.assets import module_component
from vae.inference.formatting import coordinate_name
from vae.inference.planes import FURTHEST, DimensionSummary
from vae.inference.scored_set import Floats

KEY = "coordinates"
LEAST = 4.0  # each slider reaches at least this far: the prior N(0, I) has 99.99 % of a coordinate within

_mount = module_component(
    __file__,
    '<form class="coordinates component-controls" novalidate><div class="coordinates-rows"></div>'
    '<div class="coordinates-actions"><button type="submit" data-action="pin" disabled>Pin</button>'
    '<button type="button" data-action="back" disabled>Back</button>'
    '<span class="coordinates-status" role="status"></span></div></form>',
)


def pinned_coordinates(latent_dim: int) -> Floats | None:
    """The place (Z,) that was submitted in this run of the page, or None."""
    event = st.session_state.get(KEY, {}).get("pinned")
    z = event.get("z") if isinstance(event, dict) else None  # it comes from a browser
    return np.array(z, np.float32) if is_place(z, latent_dim) else None


def coordinates(place: Floats, dimensions: DimensionSummary, reach: tuple[Floats, Floats]) -> None:
    """Shows the form; `pinned_coordinates` returns what is submitted in it.

    Args:
        place: the chosen place (Z,).
        dimensions: their mean KL; more than two are listed with the largest KL first.
        reach: the smallest and the largest mean of each coordinate: (Z,), (Z,).
    """
    kl = dimensions.kl
    order = dimensions.order if len(kl) > 2 else np.arange(len(kl))
    low, high = reach
    texts = place_text(place).split(",")
    _mount(
        key=KEY,
        data={
            "key": KEY,
            "furthest": FURTHEST,
            "rows": [
                {
                    "dimension": int(i),
                    "name": coordinate_name(int(i)),
                    "kl": f"{kl[i]:.2f}",
                    "value": texts[i],
                    "low": min(-LEAST, float(np.floor(low[i]))),
                    "high": max(LEAST, float(np.ceil(high[i]))),
                }
                for i in order
            ],
        },
        on_pinned_change=lambda: None,  # without it nothing reaches `pinned_coordinates`
    )
