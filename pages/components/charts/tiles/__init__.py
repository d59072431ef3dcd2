"""A grid of small pictures that can be clicked: the gallery, and every row of pictures like it.

All pictures are sent as one string of their levels, 1 kB each in MNIST, and the browser draws them and their
differences: a hundred widgets would take seconds, a hundred PNG files a hundred times the work.

Shapes: M tiles, K pictures a tile, S pixels a side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import streamlit as st

from pages.components.charts.images import levels_text
from pages.components.shell.assets import module_component
from vae.datasets.images import ImageArray

# Where the reconstruction is darker than the picture, and where it is brighter: orange and blue differ for
# every kind of colour blindness. Black between them is the pictures' own background.
LOST, ADDED = "#ff9d28", "#3c9cff"

_mount = module_component(__file__, '<div class="tiles pixelated" role="group"></div>')


class Caption(NamedTuple):
    """The two lines under a tile: its name, and its numbers."""

    title: str
    detail: str = ""


@dataclass(frozen=True)
class TileClicks:
    """What a click on a tile does.

    Attributes:
        numbers: one for each tile, which `clicked_tile` returns.
        page, query: a click opens this page instead, as `links.link` does, with the number as `index`.
    """

    numbers: Sequence[int]
    page: str | None = None
    query: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class TileLayout:
    """How each tile looks.

    Attributes:
        width: the least width in CSS pixels; at most it doubles.
        panels: headings above the pictures of a tile.
        difference: add the second picture minus the first, from -255 (`LOST`) to 255 (`ADDED`).
        on_screen: how many of the first rows are marked as parts of one screen, `row-1` and so on.
    """

    width: int
    panels: Sequence[str] = ()
    difference: bool = False
    on_screen: int = 0


def clicked_tile(key: str) -> int | None:
    """The number of the tile clicked before this run, one of `TileClicks.numbers`, or None.

    It comes from the browser, so that a caller has to check it before using it as an index.
    """
    number = st.session_state.get(key, {}).get("clicked")
    return number if type(number) is int else None  # True is no number


def tiles(
    pictures: ImageArray,
    captions: Sequence[Caption] = (),
    *,
    key: str,
    label: str,
    layout: TileLayout,
    clicks: TileClicks | None = None,
    follow: int | None = None,
) -> None:
    """Shows pictures in as many columns as there is room for.

    Args:
        pictures: (M, K, S, S) or (M, K, S, S, 3); the K of a tile are side by side.
        captions: one for each tile, or none; text, not Markdown.
        key: the grid's identity, unique in the app.
        label: the grid's name for screen readers.
        layout: how each tile looks.
        clicks: what a click does; without it tiles cannot be clicked.
        follow: when this changes and the pictures begin above what is visible, scroll there.
    """
    _mount(
        key=key,
        data={
            "pictures": levels_text(pictures.reshape(-1, *pictures.shape[2:])),
            "tiles": len(pictures),
            "count": pictures.shape[1],
            "side": pictures.shape[2],
            "difference": layout.difference,
            "colours": [LOST, ADDED],
            "captions": captions,
            "panels": layout.panels,
            "numbers": clicks and clicks.numbers,
            "page": clicks and clicks.page,
            "query": clicks.query if clicks else {},
            "follow": follow,
            "width": layout.width,
            "onScreen": layout.on_screen,
            "label": label,
            "key": key,
        },
        on_clicked_change=lambda: None,  # without it clicks do not reach `clicked_tile`
    )


def difference_legend(darker: str = "lost", brighter: str = "added") -> str:
    """A legend of the colours of a difference, as HTML: what less and more of a grey level mean."""
    bar = f"linear-gradient(90deg, {LOST}, #000 50%, {ADDED})"
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0 0.4rem; align-items: center; '
        'font-size: 0.875rem"><span>difference: '
        f"{darker}</span>"
        f'<span style="width: 5rem; height: 0.75rem; border-radius: 3px; background: {bar}"></span>'
        f"<span>{brighter}</span></div>"
    )
