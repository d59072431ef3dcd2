"""What was drawn on the map, and stays until it is taken away: a path, a lasso.

Shapes: Z latent size.
"""

from typing import NamedTuple, get_args

import numpy as np
import streamlit as st

from pages.components.map.latent_map import Region
from pages.components.map.pin_urls import FURTHEST, is_place, place_of, place_text
from pages.components.map.region import is_polygon
from pages.components.shell.messages import error_text, escape_markdown
from vae import VaeError
from vae.inference.paths import PathKind
from vae.inference.scored_set import Floats

PATH = "path"  # its name in the address: `path=-1,0_2,0.5`
WAY = "way"  # key of the control, and so its name in the address
WAYS: tuple[PathKind, ...] = get_args(PathKind)
_PATH, _REGION = "drawn_path", "drawn_region"
_TWO = "A path leads from one place to another: choose two that are not the same."


class Ends(NamedTuple):
    """From one place (Z,) to another."""

    start: Floats
    end: Floats


def draw_path(start: list[float], end: list[float]) -> None:
    """Another path, between places (Z,) that may come from a browser: a sentence, if they are too far."""
    if start == end:
        st.warning(_TWO)
    elif is_place(start, len(start)) and is_place(end, len(end)):
        st.session_state[_PATH] = Ends(np.array(start, np.float32), np.array(end, np.float32)), ""
    else:
        st.warning(escape_markdown(f"No path is drawn beyond ±{FURTHEST:,}."))


def remove_path() -> None:
    """No path any more."""
    st.session_state[_PATH] = None, ""


def drawn_path(latent_dim: int) -> Ends | None:
    """The path of this tab, or at first that of the address; what there makes no sense gets a sentence, until
    another is drawn.

    Only at first: links within the app name the path that stood when one left, and where the browser's way
    back leads to an older one, that of now stays.
    """
    if _PATH not in st.session_state:
        st.session_state[_PATH] = _asked(st.query_params.get(PATH), latent_dim)
    path: Ends | None
    path, said = st.session_state[_PATH]
    if said:
        st.warning(said)
    return path if path is not None and len(path.start) == latent_dim else None


def path_address(path: Ends | None) -> dict[str, str | None]:
    """What the address is to say of the path."""
    return {PATH: path and "_".join(map(place_text, path))}


def _asked(text: str | None, latent_dim: int) -> tuple[Ends | None, str]:
    if text is None:
        return None, ""
    try:
        start, end = (place_of(part, latent_dim) for part in text.split("_", 1))
    except VaeError as error:
        return None, error_text(error)
    except ValueError:
        return None, "The address names no path: a path is two places with an underscore between."
    return (None, _TWO) if np.array_equal(start, end) else (Ends(start, end), "")


def draw_region(region: Region) -> None:
    """Another lasso or box; none, if it has no corners, and a sentence, if it cannot be understood."""
    if region.corners and not is_polygon(region.corners):
        st.warning("This selection has no area that can be understood. Draw it again.")
    else:
        st.session_state[_REGION] = region if region.corners else None


def remove_region() -> None:
    """None any more."""
    st.session_state[_REGION] = None


def drawn_region(revision: str) -> Region | None:
    """What was last drawn around points of this map: on another the same area is another thing."""
    region: Region | None = st.session_state.get(_REGION)
    return region if region is not None and region.revision == revision else None


def chosen_way() -> PathKind:
    """What `path_panel`'s control says, for what stands above it, as the map that draws the path."""
    asked = st.session_state.get(WAY, st.query_params.get(WAY))
    return asked if asked in WAYS else WAYS[0]
