"""A Plotly figure that changes in place.

`st.plotly_chart` mounts anew when its data changes: the chart blinks and forgets its zoom. This
component hands each figure to `Plotly.react` instead, and also reports where it was clicked.
"""

import json
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st
from plotly.utils import PlotlyJSONEncoder
from streamlit.components.v2 import component

from pages.components.plotly_js import plotly_js_url


class Click(NamedTuple):
    """A clicked place, in the figure's data coordinates."""

    x: float
    y: float


_HERE = Path(__file__).parent
_mount = component(
    "live_figure",
    html=(
        '<div class="live-figure" role="figure">'
        '<div class="live-figure-chart"></div><p class="live-figure-note" role="status"></p></div>'
    ),
    css=(_HERE / "component.css").read_text(encoding="utf-8"),
    js=(_HERE / "component.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # in a shadow root Plotly would lose the style sheet it adds to the page
)


def click_on(key: str) -> Click | None:
    """The place clicked in this run on the figure `key`, on a point or not; asked before the figure is
    drawn, so that the figure can show it.

    Never a drag, and only on a figure of a single panel with numeric axes. Of several clicks during
    one run, the last.
    """
    clicked = st.session_state.get(key, {}).get("clicked")
    return Click(**clicked) if clicked else None


def live_figure(figure: go.Figure, *, key: str, height: int = 400, label: str) -> None:
    """Show a figure, or change the one that stands there under the same key.

    Args:
        figure: what to draw. Its `layout.uirevision` decides what a change keeps: while it stays
            the same, zoom and hidden legend entries stay. Its template is dropped: colours and
            font come from Streamlit's theme, but for those that the figure itself sets. Its own
            width and height are ignored. `layout.dragmode` "pan" also lets the wheel zoom.
        key: the chart's identity, unique in the app.
        height: in CSS pixels; the width follows the container.
        label: what a screen reader says of the chart.
    """
    spec = figure.to_dict()
    spec["layout"].pop("template", None)  # plotly's default one is 7 kB, in every message
    _mount(
        key=key,
        data={
            # Through plotly's encoder, which knows numpy and turns NaN into null; not
            # `figure.to_json()`, which makes seven characters of each "/" in base64 arrays.
            "figure": json.loads(json.dumps(spec, cls=PlotlyJSONEncoder)),
            "key": key,
            "height": height,
            "label": label,
            "plotly": plotly_js_url(),
        },
        on_clicked_change=lambda: None,  # without it clicks do not reach `click_on`
    )
