"""A place of the latent space by its coordinates: a slider and a field for each.

What is set is shown by others at once (`latent-hover`, an event of the window), and pinned when asked for.

Shapes: Z latent size.
"""

import numpy as np
import streamlit as st

from pages.components.map.pin_urls import FURTHEST, is_place, place_text
from pages.components.shell.assets import module_component
from vae.inference.formatting import coordinate_name
from vae.inference.planes import DimensionSummary
from vae.inference.scored_set import Floats

KEY = "coordinates"
LEAST = 4.0  # that a slider reaches to both sides: where the prior N(0, I) has 99.99 % of each coordinate

_mount = module_component(
    __file__,
    '<form class="coordinates" novalidate><div class="coordinates-rows"></div>'
    '<div class="coordinates-actions"><button type="submit" data-action="pin">Pin</button>'
    '<button type="button" data-action="back">Back</button>'
    '<span class="coordinates-why" role="status"></span></div></form>',
)


def pinned_coordinates(latent_dim: int) -> Floats | None:
    """The place (Z,) that was to be pinned in this run; None if there was none."""
    event = st.session_state.get(KEY, {}).get("pinned")
    z = event.get("z") if isinstance(event, dict) else None  # it comes from a browser
    return np.array(z, np.float32) if is_place(z, latent_dim) else None


def coordinates(place: Floats, dimensions: DimensionSummary, reach: tuple[Floats, Floats]) -> None:
    """Shows the coordinates of the chosen place (Z,), to be changed; `pinned_coordinates` hears of a new one.

    Args:
        place: the chosen place (Z,).
        dimensions: of more than two, those come first of which the encoder says most.
        reach: the smallest and the largest mean of each: (Z,), (Z,).
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
