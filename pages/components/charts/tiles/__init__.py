"""A grid of small pictures that can be clicked: the gallery, and every row of pictures like it.

All pictures travel as one string of grey levels, 1 kB each, and the browser draws them, the differences
included: a hundred widgets would take seconds, a hundred PNG files a hundred times the work.

Shapes: M tiles, K pictures a tile, S pixels a side.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from pages.components.shell.assets import module_component
from vae.datasets.images import ImageArray

# Where the reconstruction is darker than the picture, and where it is brighter: orange and blue are
# apart for every kind of colour blindness. Black between them, as the pictures' own background.
LOST, ADDED = "#ff9d28", "#3c9cff"

_mount = module_component(__file__, '<div class="tiles" role="group"></div>')


class Caption(NamedTuple):
    """The two lines under a tile: what it is, and its figures."""

    title: str
    detail: str = ""


def clicked_tile(key: str) -> int | None:
    """The number of the tile clicked in this run, one of those given to `tiles`.

    It comes from the browser: whoever uses it as an index asks whether it is one.
    """
    number = st.session_state.get(key, {}).get("opened")
    return number if type(number) is int else None  # True is no number


def tiles(
    pictures: ImageArray,
    captions: Sequence[Caption] = (),
    *,
    key: str,
    label: str,
    width: int,
    difference: bool = False,
    panels: Sequence[str] = (),
    numbers: Sequence[int] | None = None,
    page: str | None = None,
    query: Mapping[str, str | None] | None = None,
    follow: int | None = None,
) -> None:
    """Shows pictures in as many columns as there is room for, and reports clicks to `clicked_tile`.

    Args:
        pictures: grey levels (M, K, S, S); those of a tile stand side by side.
        captions: of each tile, or none at all; text, not Markdown.
        key: the grid's identity, unique in the app.
        label: what a screen reader says of the grid.
        width: the least width of a tile in CSS pixels; at most it doubles.
        difference: add the second picture minus the first, from -255 (`LOST`) to 255 (`ADDED`).
        panels: what stands above each picture of a tile.
        numbers: what a click on each tile reports; without them tiles cannot be clicked.
        page, query: instead of reporting it, a click leads to that page, as `links.link` does, and says the
            tile's number there as the `index`.
        follow: when this changes and the pictures begin above what is visible, scroll there.
    """
    _mount(
        key=key,
        data={
            "pictures": base64.b64encode(pictures.tobytes()).decode(),
            "count": pictures.shape[1],
            "side": pictures.shape[-1],
            "difference": difference,
            "colours": [LOST, ADDED],
            "captions": captions,
            "panels": panels,
            "numbers": numbers,
            "page": page,
            "query": query or {},
            "follow": follow,
            "width": width,
            "label": label,
            "key": key,
        },
        on_opened_change=lambda: None,  # without it clicks do not reach `clicked_tile`
    )


def difference_legend() -> str:
    """HTML that tells the colours of a difference."""
    bar = f"linear-gradient(90deg, {LOST}, #000 50%, {ADDED})"
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0 0.5rem; align-items: center; '
        'font-size: 0.875rem"><span>difference: lost</span>'
        f'<span style="width: 8rem; height: 0.75rem; border-radius: 3px; background: {bar}"></span>'
        "<span>added by the model</span></div>"
    )
