"""Arrays to Plotly figures. Nothing here knows Streamlit.

Shapes: N points.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

# Ten colours that colour-blind people can tell apart, on light and on dark: from a search for the largest
# smallest distance in OKLab, as everybody and as each kind of dichromat sees them (tests/test_charts.py).
LABEL_COLOURS = (
    *("#1133ff", "#886699", "#dd2222", "#bb77ff", "#6622aa"),
    *("#ee8844", "#bbccff", "#66aaaa", "#882244", "#eecc00"),
)
SCATTER_HALF = 4  # of the axes: where the prior N(0, I) has 99.99 % of each coordinate


def axis_names(latent_dim: int) -> tuple[str, str]:
    """What the two axes of a map are called (`vae.latent.plane`)."""
    return ("z₁", "z₂") if latent_dim > 1 else ("z₁", "log-variance of z₁")


def latent_map(
    points: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
    axes: tuple[str, str],
    chosen: tuple[float, float],
    revision: str,
) -> go.Figure:
    """Points (N, 2) coloured by label (N,), equal axes, and a mark at the chosen place."""
    figure = go.Figure()
    for label, (name, colour) in enumerate(zip(names, LABEL_COLOURS, strict=True)):
        x, y = points[labels == label].T
        figure.add_scattergl(
            x=x,
            y=y,
            mode="markers",
            marker={"color": colour, "size": 4, "opacity": 0.7},
            name=f"{name} ({len(x):,})",
            hovertemplate=f"{name}: %{{x:.2f}}, %{{y:.2f}}<extra></extra>",
        )
    # Two rings, dark on light and light on dark: seen on every background and every colour.
    for size, colour in ((17, "#ffffff"), (13, "#000000")):
        figure.add_scattergl(
            x=[chosen[0]],
            y=[chosen[1]],
            mode="markers",
            marker={"symbol": "circle-open", "size": size, "color": colour, "line_width": 3},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.update_layout(
        uirevision=revision,
        dragmode="pan",
        legend={"itemsizing": "constant", "title": {"text": "class"}},
        margin={"l": 48, "r": 8, "t": 36, "b": 48},  # above: the mode bar, beside the legend
    )
    # Given, not found by Plotly: a click on the outskirts, or a hidden class, must not move the map.
    for coordinate, update in enumerate((figure.update_xaxes, figure.update_yaxes)):
        low, high = points[:, coordinate].min(), points[:, coordinate].max()
        margin = 0.05 * (high - low)
        update(title=axes[coordinate], zeroline=True, range=[float(low - margin), float(high + margin)])
    figure.update_yaxes(scaleanchor="x")
    return figure


def latent_scatter(
    points: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], axes: tuple[str, str]
) -> dict[str, Any]:
    """Points (N, 2) coloured by label (N,), 0 to 9: a small picture to be watched, without zoom or hover.

    The axes are equal and stand still while the classes drift apart: ±4, and only if more than 0.5 % of the
    points lie outside, the next even number that holds the others.
    """
    reach = np.quantile(np.abs(points).max(axis=1), 0.995, method="inverted_cdf") if len(points) else 0
    half = max(SCATTER_HALF, 2 * int(np.ceil(reach / 2)))
    axis = {"range": [-half, half], "fixedrange": True, "constrain": "domain", "zeroline": True}
    data = [
        {
            "type": "scattergl",  # half the time of SVG for a thousand points, even without a GPU
            "x": points[labels == label, 0],
            "y": points[labels == label, 1],
            "mode": "markers",
            "marker": {"color": colour, "size": 4, "opacity": 0.8},
        }
        for label, colour in enumerate(LABEL_COLOURS)
    ]
    layout = {
        "showlegend": False,
        "hovermode": False,
        "dragmode": False,
        "modebar": {"remove": ["toImage"]},  # the other buttons are for zooming
        "margin": {"l": 36, "r": 8, "t": 8, "b": 36},
        "xaxis": {**axis, "title": {"text": axes[0], "standoff": 2}},
        "yaxis": {**axis, "title": {"text": axes[1], "standoff": 2}, "scaleanchor": "x"},
    }
    return {"data": data, "layout": layout}
