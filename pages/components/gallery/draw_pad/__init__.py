"""A pad to draw on with mouse, pen or finger.

The browser sends the strokes, not the picture: a few hundred bytes instead of some kilobytes, the same on
every screen, and Python chooses the pen's width. MNIST's digits were all scaled to the same extent, so their
strokes have about the same width; with a fixed pen a small drawing, once scaled, would become a blot. So the
pen's width is a fraction of the drawing's extent. A drawing that is not scaled keeps the one in the browser.
"""

from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from pages.components.shell.assets import module_component
from vae import VaeError
from vae.datasets.images import ImageArray

Strokes = list[list[int]]  # each x0, y0, x1, y1, ... from the pad's upper left corner

UNITS = 1000  # coordinates run from 0 to this along each side of the pad
MOST_STROKES, MOST_NUMBERS = 500, 40_000  # far more than a digit has
SIDE, MARGIN = 280, 28  # pixels of the pad as a picture, and of the margin, for pens at the pad's edge
STROKE = 2.4 / 20  # pen's width as a fraction of the drawing's extent, pen included: MNIST's (measured)
FINEST = 0.02  # pen's width as a fraction of the pad at least: for a dot, which has no extent
SCREEN = 0.1  # the same in the browser: right for a digit that fills two thirds of the pad

_mount = module_component(
    __file__,
    html=(
        '<div class="draw-pad"><div class="draw-pad-sheet">'
        '<canvas role="img"></canvas><p class="draw-pad-hint" aria-hidden="true"></p></div>'
        '<div class="draw-pad-buttons component-controls">'
        '<button type="button" data-action="undo">Undo</button>'
        '<button type="button" data-action="clear">Clear</button></div></div>'
    ),
)


def draw_pad(key: str, label: str, *, scaled: bool = True) -> ImageArray | None:
    """Show the pad, and return the drawing on it, white on black; None if the pad is empty.

    It is the pad with a margin all around, (336, 336), or, unless the drawing will be scaled to a certain
    extent, the pad as it is seen, (280, 280).

    The page runs again after each stroke, *Undo* and *Clear*. The drawing stays as long as the browser tab,
    also while another page is shown.

    Args:
        key: the pad's identity, unique in the app.
        label: the instruction on the empty pad and for a screen reader.
        scaled: whether the drawing will be scaled, so that its extent decides about the pen's width.

    Raises VaeError if the browser sent no valid drawing.
    """
    kept_key = f"{key}-kept"  # Streamlit drops a component's own state when another page is shown
    kept = st.session_state.get(kept_key, [])
    result = _mount(
        key=key,
        data={"key": key, "label": label, "strokes": kept, "units": UNITS, "pen": SCREEN},
        default={"strokes": kept},
        on_strokes_change=lambda: None,  # without it the component has no such state
    )
    strokes = valid_strokes(result.strokes)
    st.session_state[kept_key] = strokes
    if not strokes:
        return None
    return rendered(strokes) if scaled else rendered(strokes, SCREEN)[MARGIN:-MARGIN, MARGIN:-MARGIN]


def valid_strokes(value: Any) -> Strokes:
    """The strokes that the browser sent. Raises VaeError if they are no valid drawing."""
    if not (isinstance(value, list) and all(isinstance(stroke, list) for stroke in value)):
        raise VaeError("This drawing cannot be read. Press Clear, and draw it again.")
    if len(value) > MOST_STROKES or sum(map(len, value)) > MOST_NUMBERS:
        raise VaeError("This drawing has too many strokes. Press Clear, and draw it again with fewer.")
    for stroke in value:
        # `type`, as True is an int too.
        within = all(type(number) is int and 0 <= number <= UNITS for number in stroke)
        if not (within and stroke and len(stroke) % 2 == 0):
            raise VaeError("This drawing cannot be read. Press Clear, and draw it again.")
    return value


def rendered(strokes: Strokes, pen: float | None = None) -> ImageArray:
    """Strokes, at least one, as an image: the pad with a margin all around, white on black, (336, 336).

    Args:
        pen: its width as a fraction of the pad; by the drawing's extent if None.
    """
    lines = [np.array(stroke).reshape(-1, 2) / UNITS for stroke in strokes]
    extent = float(np.ptp(np.concatenate(lines), axis=0).max())
    # The drawing is scaled with the pen's width around it: width = STROKE · (extent + width).
    width = max(extent * STROKE / (1 - STROKE), FINEST) if pen is None else pen
    finer = 2  # drawn twice as large, then reduced: Pillow draws lines without grey edges
    sheet = Image.new("L", (finer * (SIDE + 2 * MARGIN),) * 2)
    draw = ImageDraw.Draw(sheet)
    radius = finer * SIDE * width / 2
    for line in lines:
        places = [(float(x), float(y)) for x, y in finer * (SIDE * line + MARGIN)]
        draw.line(places, fill=255, width=round(2 * radius))
        for x, y in places:  # round ends and joints
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(sheet.reduce(finer))
