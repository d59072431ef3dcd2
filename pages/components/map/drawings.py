"""What a person has drawn on the map: a path, a region. It stays until it is removed.

Shapes: Z latent size.
"""

from typing import Any, NamedTuple, get_args

import numpy as np
import streamlit as st

from pages.components.map.lasso import is_polygon
from pages.components.map.latent_map import Region
from pages.components.map.pin_urls import FURTHEST, is_place, place_of, place_text
from pages.components.shell.messages import error_text, escape_markdown
from pages.components.shell.page_state import page_state
from pages.components.shell.url_state import UrlHistory
from vae import VaeError
from vae.inference.paths import PathKind
from vae.inference.scored_set import Floats

PATH = "path"  # the URL parameter: `path=-1,0_2,0.5`
PATH_KIND = "way"  # key of the control, and so its URL parameter
PATH_KINDS: tuple[PathKind, ...] = get_args(PathKind)
_PATH, _REGION = "drawn_path", "drawn_region"
_TWO = "A path leads from one place to another: choose two that are not the same."


class Ends(NamedTuple):
    """The ends of a path, two latent points (Z,)."""

    start: Floats
    end: Floats


class _Drawn(NamedTuple):
    path: Ends | None = None
    warning: str = ""
    url_history: UrlHistory[str | None] = UrlHistory()


def draw_path(start: list[float], end: list[float]) -> None:
    """Replaces the path, unless the ends, Z numbers from a browser, are equal or too far out.

    `drawn_path` then shows a warning. Nothing is shown here: this is also a button's callback, and what
    callbacks show in a fragment replaces what stands at the top of the page.
    """
    if start == end:
        _change(warning=_TWO)
    elif is_place(start, len(start)) and is_place(end, len(end)):
        _change(path=Ends(np.array(start, np.float32), np.array(end, np.float32)), warning="")
    else:
        _change(warning=escape_markdown(f"No path is drawn beyond ±{FURTHEST:,}."))


def remove_path() -> None:
    """Removes the path."""
    _change(path=None, warning="")


def drawn_path(latent_dim: int) -> Ends | None:
    """The path in the URL, if a person or a link changed it, else that of this tab.

    A warning is shown while the newest one is invalid. A URL without a path leaves that of the tab.
    """
    memory = _memory()
    seen = st.query_params.get(PATH)
    stayed = page_state().get(_PATH, False)
    page_state()[_PATH] = True
    if seen is not None and memory.url_history.is_new(seen, stayed=stayed):
        path, warning = _path_in_url(seen, latent_dim)
        _change(path=path, warning=warning)
    _change(url_history=memory.url_history.seen(seen))
    path, warning, _ = _memory()
    if warning:
        st.warning(warning)
    return path if path is not None and len(path.start) == latent_dim else None


def path_address(path: Ends | None) -> dict[str, str | None]:
    """The URL parameter that the browser is to write for a path, None to remove it."""
    text = path and "_".join(map(place_text, path))
    _change(url_history=_memory().url_history.written(text))
    return {PATH: text}


def _memory() -> _Drawn:
    memory: _Drawn = st.session_state.get(_PATH, _Drawn())
    return memory


def _change(**parts: Any) -> None:
    st.session_state[_PATH] = _memory()._replace(**parts)


def _path_in_url(text: str, latent_dim: int) -> tuple[Ends | None, str]:
    """The path that the URL's text names, and a warning if it is invalid."""
    try:
        start, end = (place_of(part, latent_dim) for part in text.split("_", 1))
    except VaeError as error:
        return None, error_text(error)
    except ValueError:
        return None, "The address names no path: a path is two places with an underscore between."
    return (None, _TWO) if np.array_equal(start, end) else (Ends(start, end), "")


def draw_region(region: Region) -> None:
    """Replaces the region, or removes it if it has no corners; a warning if it is no polygon."""
    if region.corners and not is_polygon(region.corners):
        st.warning("This selection has no area that can be understood. Draw it again.")
    else:
        st.session_state[_REGION] = region if region.corners else None


def remove_region() -> None:
    """Removes the region."""
    st.session_state[_REGION] = None


def drawn_region(revision: str) -> Region | None:
    """The region drawn on the map of this revision; on another, the same area holds other points."""
    region: Region | None = st.session_state.get(_REGION)
    return region if region is not None and region.revision == revision else None


def chosen_path_kind() -> PathKind:
    """The value of `path_panel`'s control, for the map above it, which draws the path."""
    asked = st.session_state.get(PATH_KIND, st.query_params.get(PATH_KIND))
    return asked if asked in PATH_KINDS else PATH_KINDS[0]
