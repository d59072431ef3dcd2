"""An image with a frame that is dragged around the part to use, with mouse, finger or keyboard."""

import hashlib
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.charts.images import data_url
from pages.components.shell.assets import module_component
from vae.datasets.images import ImageArray

# Left, top, right, bottom, in thousandths of the image's width and height.
Edges = tuple[int, int, int, int]

UNITS = 1000
WHOLE: Edges = (0, 0, UNITS, UNITS)
LEAST = 30  # units, of a frame's width and height
SHOWN = 480  # pixels of the longer side in the browser, at most

_mount = module_component(
    __file__,
    html=(
        '<div class="crop-frame"><img alt="" draggable="false">'
        '<div class="crop-frame-box" tabindex="0" role="group">'
        + "".join(f'<span data-corner="{corner}"></span>' for corner in ("nw", "ne", "sw", "se"))
        + "</div></div>"
    ),
)


def crop_frame(picture: ImageArray, edges: Edges, *, key: str, label: str) -> Edges | None:
    """Shows `picture`, (H, W) or (H, W, 3), and a frame; returns where it was dragged, None if it was not.

    Args:
        edges: where the frame is at first.
        key: the frame's identity, unique in the app. It forgets its place when the picture changes.
        label: the frame's name for screen readers.
    """
    kept_key = f"{key}-kept"  # Streamlit drops a component's own state when another page is shown
    name = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
    kept = st.session_state.get(kept_key)
    if not (kept and kept["picture"] == name):
        kept = {"picture": name, "edges": edges, "moved": False}
    factor = -(-max(picture.shape[:2]) // SHOWN)
    result = _mount(
        key=key,
        data={
            "picture": name,
            "url": data_url(np.asarray(Image.fromarray(picture).reduce(factor))),
            "edges": kept["edges"],
            "least": LEAST,
            "units": UNITS,
            "label": label,
            "key": key,
        },
        default={"frame": None},
        on_frame_change=lambda: None,  # without it the component has no such state
    )
    dragged = valid_edges(result.frame, name)
    if dragged is not None:
        kept = {"picture": name, "edges": dragged, "moved": True}
    st.session_state[kept_key] = kept
    return tuple(kept["edges"]) if kept["moved"] else None


def valid_edges(value: Any, picture: str) -> Edges | None:
    """The edges that the browser sent for the image of this name; None for anything else."""
    if not (isinstance(value, dict) and value.get("picture") == picture):
        return None
    edges = value.get("edges")
    if not (isinstance(edges, list) and len(edges) == 4):
        return None
    # `type`, as True is an int too.
    if not all(type(edge) is int and 0 <= edge <= UNITS for edge in edges):
        return None
    left, top, right, bottom = edges
    return (left, top, right, bottom) if right - left >= LEAST and bottom - top >= LEAST else None
