"""What a person has drawn on the map: a path, a region. It stays until it is removed.

Shapes: Z latent size.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numpy as np
import streamlit as st

from pages.components.map.lasso import is_polygon
from pages.components.map.latent_map import Place, Region
from pages.components.map.pin_urls import is_place, place_of, place_text
from pages.components.shell.messages import error_text, escape_markdown
from pages.components.shell.page_state import page_state
from pages.components.shell.url_state import UrlHistory
from vae import VaeError
from vae.inference.paths import PathKind
from vae.inference.planes import FURTHEST
from vae.inference.scored_set import Floats

PATH = "path"  # the URL parameter: `path=-1,0_2,0.5`
PATH_KIND = "way"  # key of the control, and so its URL parameter
PATH_KINDS: tuple[PathKind, ...] = get_args(PathKind)
REGION = "lasso"  # the URL parameter: `lasso=-1,0_2,0.5_1,1`, the corners' places on the map
# Those of the hidden classes, `hide=0,3`, and of the zoom, `window=-1,1,-0.8,0.8` (latent_map/url_state.js).
HIDDEN, WINDOW = "hide", "window"
_NO_SELECTION = "The address names no selection: its corners are numbers, x,y_x,y_x,y."
_PATH, _REGION = "drawn_path", "drawn_region"
_NO_AREA = "This selection has no area that can be understood. Draw it again."
_TWO = "A path leads from one point z to another: choose two that are not the same."


class Ends(NamedTuple):
    """The ends of a path, two latent points (Z,)."""

    start: Floats
    end: Floats


class _Drawn(NamedTuple):
    path: Ends | None = None
    warning: str = ""
    url_history: UrlHistory[str | None] = UrlHistory()


class _Selected(NamedTuple):
    region: Region | None = None
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

    A warning is shown while the newest one is invalid. A URL without a path leaves that of the tab, and one
    with an empty path removes it.
    """
    memory = _memory()
    seen = st.query_params.get(PATH)
    stayed = page_state().get(_PATH, False)
    page_state()[_PATH] = True
    if seen is not None and memory.url_history.is_new(seen, stayed=stayed):
        path, warning = _path_in_url(seen, latent_dim) if seen else (None, "")
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
        return None, "The address names no path: a path is two points z with an underscore between."
    return (None, _TWO) if np.array_equal(start, end) else (Ends(start, end), "")


def draw_region(region: Region) -> None:
    """Replaces the region, or removes it if it has no corners; a warning if it is no polygon."""
    if region.corners and not is_polygon(region.corners):
        st.warning(_NO_AREA)
    else:
        _change_region(region=region if region.corners else None, warning="")


def remove_region() -> None:
    """Removes the region."""
    _change_region(region=None, warning="")


def drawn_region(revision: str, classes: int) -> Region | None:
    """The region in the URL, if a person or a link changed it, else that of this tab.

    None on the map of another revision, where the same area holds other points. A warning is shown while that
    of the URL is invalid, which leaves that of the tab. A URL with an empty selection removes it.

    Args:
        revision: of the map.
        classes: how many there are; one in the URL holds those that the URL does not hide.
    """
    memory = _region_memory()
    seen = st.query_params.get(REGION)
    stayed = page_state().get(_REGION, False)
    page_state()[_REGION] = True
    if seen is not None and memory.url_history.is_new(seen, stayed=stayed):
        corners = _corners_in_url(seen)
        if not seen:
            _change_region(region=None, warning="")
        elif corners is None:
            _change_region(warning=_NO_SELECTION)
        else:
            visible = frozenset(range(classes)) - set(hidden_classes(st.query_params, classes))
            _change_region(region=Region(corners, visible, revision), warning="")
    _change_region(url_history=memory.url_history.seen(seen))
    region, warning, _ = _region_memory()
    if warning:
        st.warning(warning)
    return region if region is not None and region.revision == revision else None


def region_address(region: Region | None) -> dict[str, str | None]:
    """The URL parameter that the browser is to write for a region, None to remove it."""
    text = region and "_".join(f"{x:.12g},{y:.12g}" for x, y in region.corners)
    _change_region(url_history=_region_memory().url_history.written(text))
    return {REGION: text}


def _region_memory() -> _Selected:
    memory: _Selected = st.session_state.get(_REGION, _Selected())
    return memory


def _change_region(**parts: Any) -> None:
    st.session_state[_REGION] = _region_memory()._replace(**parts)


def _corners_in_url(text: str) -> list[Place] | None:
    """The corners that the URL's text names, or None if they are no polygon."""
    try:
        corners = [(float(x), float(y)) for x, y in (each.split(",") for each in text.split("_"))]
    except ValueError:
        return None
    return corners if is_polygon(corners) else None


def hidden_classes(query: Mapping[str, str], classes: int) -> list[int]:
    """The labels of the classes that the map hides by the URL's parameters, of so many."""
    hidden = query.get(HIDDEN, "").split(",") if classes > 1 else []
    return [label for label in range(classes) if str(label) in hidden]


def shown_window(query: Mapping[str, str]) -> list[float]:
    """The part of the map that is shown, from x to x and from y to y; empty for all of it."""
    try:
        x0, x1, y0, y1 = (float(each) for each in query.get(WINDOW, "").split(","))
    except ValueError:
        return []
    return [x0, x1, y0, y1] if -FURTHEST < x0 < x1 < FURTHEST and -FURTHEST < y0 < y1 < FURTHEST else []


def chosen_path_kind() -> PathKind:
    """The value of `path_panel`'s control, for the map above it, which draws the path."""
    asked = st.session_state.get(PATH_KIND, st.query_params.get(PATH_KIND))
    return asked if asked in PATH_KINDS else PATH_KINDS[0]
