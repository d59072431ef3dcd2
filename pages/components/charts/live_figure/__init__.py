"""A Plotly figure that changes in place.

`st.plotly_chart` mounts anew when its data changes: the chart blinks and forgets its zoom. This
component hands each figure to `Plotly.react` instead, and also reports where it was clicked.
"""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.utils import PlotlyJSONEncoder

from pages.components.shell.assets import module_component, plotly_js_url


class Click(NamedTuple):
    """A clicked place, in the figure's data coordinates."""

    x: float
    y: float


class Cursor(NamedTuple):
    """A line at the moment that a timeline shows: the timeline's name, and the quantity on the x axis of all
    panels."""

    timeline: str
    x: Literal["epoch", "step", "seconds"]


class Spec(NamedTuple):
    """A figure encoded for the browser."""

    text: str  # data and layout, as JSON
    narrow: Mapping[str, Any] | None


_mount = module_component(
    __file__,
    '<div class="live-figure" role="figure"><div class="live-figure-chart"></div>'
    '<p class="live-figure-note component-note" role="status"></p></div>',
)


def click_on(key: str) -> Click | None:
    """The place clicked on the figure `key` since the last run, on a point or not, or None.

    To be called before the figure is drawn, so that the figure can show it. Only for figures of a single
    panel with numeric axes; a drag is no click. Of several clicks during one run, the last.
    """
    clicked = st.session_state.get(key, {}).get("clicked")
    try:
        click = Click(float(clicked["x"]), float(clicked["y"]))
    except (TypeError, KeyError, ValueError):  # no click, or not one that our script sent
        return None
    return click if math.isfinite(click.x) and math.isfinite(click.y) else None


def figure_spec(figure: go.Figure | Mapping[str, Any]) -> Spec:
    """Encode a figure, once for all viewers: `live_figure` only sends the result.

    Args:
        figure: a `go.Figure`, or, a hundred times faster to build, a mapping of its `data` and `layout`,
            that may contain numpy arrays. A mapping's `narrow`, if there is one, has what differs in
            a chart of less than `narrow["width"]` pixels: the `height`, and parts of the `layout`, merged
            into those of the same name.
    """
    spec = figure.to_dict() if isinstance(figure, go.Figure) else figure
    # Plotly's default template is 7 kB, in every message.
    layout = {name: part for name, part in spec["layout"].items() if name != "template"}
    text = json.dumps({"data": spec["data"], "layout": layout}, cls=_Encoder, separators=(",", ":"))
    return Spec(text, spec.get("narrow"))


class _Encoder(PlotlyJSONEncoder):  # type: ignore[misc]  # plotly has no types
    """Plotly's encoder, which turns NaN into null, but with numbers in arrays as base64 float32: half as
    long as lists, a tenth of the time."""

    def default(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
            data = base64.b64encode(value.astype(np.float32).tobytes()).decode()
            return {"dtype": "f4", "bdata": data}
        return super().default(value)


def live_figure(
    figure: go.Figure | Mapping[str, Any] | Spec,
    *,
    key: str,
    height: int | str = 400,
    label: str,
    cursor: Cursor | None = None,
) -> None:
    """Show a figure, or change the one that stands there under the same key.

    Args:
        figure: what to draw, or what `figure_spec` made of it; the same again is not drawn again.
            Its `layout.uirevision` decides what a change keeps: while it stays the same, zoom and
            hidden legend entries stay. Its template is dropped: colours and font come from
            Streamlit's theme, except those that the figure itself sets. Its own width and height
            are ignored.
        key: the chart's identity, unique in the app.
        height: in CSS pixels, or a CSS length that follows the window; the width follows the container.
        label: the chart's name for screen readers.
        cursor: a line at the moment that is shown; a click, but no double click, goes to the nearest one.
    """
    spec = figure if isinstance(figure, Spec) else figure_spec(figure)
    _mount(
        key=key,
        data={
            # As text: Streamlit need not encode it, and the browser compares two figures quickly.
            "figure": spec.text,
            "narrow": spec.narrow,
            "key": key,
            "height": f"{height}px" if isinstance(height, int) else height,
            "label": label,
            "cursor": cursor and cursor._asdict(),
            "plotly": plotly_js_url(),
        },
        on_clicked_change=lambda: None,  # without it clicks do not reach `click_on`
    )
