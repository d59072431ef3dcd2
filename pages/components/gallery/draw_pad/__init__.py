"""A pad to draw on with mouse, pen or finger.

The strokes travel, not the picture: a few hundred bytes instead of some kilobytes, the same on every
screen, and Python chooses how thick they are. MNIST's digits were written at one size and scaled by their
own extent, so their pens are as thick on all of them; a pen of a fixed width would make a small drawing
a blot. So the pen's width follows the drawing's extent.
"""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.components.v2 import component

from vae import VaeError
from vae.datasets.images import ImageArray

Strokes = list[list[int]]  # each x0, y0, x1, y1, ... from the pad's upper left corner

UNITS = 1000  # of the pad's side: what coordinates count in
MOST_STROKES, MOST_NUMBERS = 500, 40_000  # far more than a digit has
SIDE, MARGIN = 280, 28  # pixels of the pad as a picture, and around it, where half a pen's width may stand
STROKE = 2.4 / 20  # of the extent of what was drawn, the pen included: as thick as MNIST's pens (measured)
FINEST = 0.02  # of the pad: the pen of a dot, which has no extent
SCREEN = 0.1  # of the pad: the pen in the browser, right for a digit that fills two thirds of the pad

_HERE = Path(__file__).parent
_mount = component(
    "draw_pad",
    html=(
        '<div class="draw-pad"><div class="draw-pad-sheet">'
        '<canvas role="img"></canvas><p class="draw-pad-hint" aria-hidden="true"></p></div>'
        '<div class="draw-pad-buttons"><button type="button" data-does="undo">Undo</button>'
        '<button type="button" data-does="clear">Clear</button></div></div>'
    ),
    css=(_HERE / "component.css").read_text(encoding="utf-8"),
    js=(_HERE / "component.js").read_text(encoding="utf-8"),
)


def draw_pad(key: str, label: str) -> ImageArray | None:
    """Show the pad, and return what is drawn on it: white on black, (336, 336), or None of an empty pad.

    The page runs again after each stroke, *Undo* and *Clear*. The drawing stays while the tab lives, also
    when the page was left meanwhile.

    Args:
        key: the pad's identity, unique in the app.
        label: what to do here, on the empty pad and for a screen reader.

    Raises VaeError if what the browser sent is no drawing.
    """
    kept_key = f"{key}-kept"  # Streamlit forgets a component's own state when its page is left
    kept = st.session_state.get(kept_key, [])
    result = _mount(
        key=key,
        data={"key": key, "label": label, "strokes": kept, "units": UNITS, "pen": SCREEN},
        default={"strokes": kept},
        on_strokes_change=lambda: None,  # without it there is no such state
    )
    strokes = valid_strokes(result.strokes)
    st.session_state[kept_key] = strokes
    return rendered(strokes) if strokes else None


def valid_strokes(value: Any) -> Strokes:
    """What came from the browser, if it is a drawing; raises VaeError if it is not."""
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


def rendered(strokes: Strokes) -> ImageArray:
    """Strokes as a picture, white on black, (336, 336): the pad with a margin all around.

    Args:
        strokes: at least one.
    """
    lines = [np.array(stroke).reshape(-1, 2) / UNITS for stroke in strokes]
    extent = float(np.ptp(np.concatenate(lines), axis=0).max())
    # The extent with the pen's width around it is what is scaled: width = STROKE · (extent + width).
    width = max(extent * STROKE / (1 - STROKE), FINEST)
    finer = 2  # drawn twice as large, as Pillow's lines have no grey edges
    sheet = Image.new("L", (finer * (SIDE + 2 * MARGIN),) * 2)
    draw = ImageDraw.Draw(sheet)
    radius = finer * SIDE * width / 2
    for line in lines:
        places = [(float(x), float(y)) for x, y in finer * (SIDE * line + MARGIN)]
        draw.line(places, fill=255, width=round(2 * radius))
        for x, y in places:  # round ends and joints
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(sheet.reduce(finer))
