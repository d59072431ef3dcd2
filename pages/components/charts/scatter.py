"""Scatter plots of the latent space as Plotly figures. Independent of Streamlit.

Shapes: N points.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

# Two rings, dark on light and light on dark, which are visible on every background and colour.
RINGS = tuple(
    {"symbol": "circle-open", "size": size, "color": colour, "line": {"width": 3}}
    for size, colour in ((17, "#ffffff"), (13, "#000000"))
)
OVERVIEW = 2000  # points of the small map
CLOSE_BY = 300  # points of the detail at most, besides the neighbours
SIDES = ([0, 0.42], [0.58, 1])  # x domains of the two maps
SCATTER_HALF = 4  # half the range of the axes: it has 99.99 % of each coordinate of the prior N(0, I)


def latent_scatter(
    points: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    axes: tuple[str, str],
    colours: Sequence[str],
) -> dict[str, Any]:
    """A small map of points (N, 2) in the colours of their labels (N,), without zoom or hover.

    The axes are equal, and fixed at ±4 while the classes drift apart; if more than 0.5 % of the points lie
    outside, at the next even number that includes the others.
    """
    reach = np.quantile(np.abs(points).max(axis=1), 0.995, method="inverted_cdf") if len(points) else 0
    half = max(SCATTER_HALF, 2 * int(np.ceil(reach / 2)))
    axis = {"range": [-half, half], "fixedrange": True, "constrain": "domain", "zeroline": True}
    data = [
        {
            "type": "scatter",
            "x": points[labels == label, 0],
            "y": points[labels == label, 1],
            "mode": "markers",
            "marker": {"color": colour, "size": 4, "opacity": 0.8},
        }
        for label, colour in enumerate(colours)
        if (labels == label).any()
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


def posterior_map(
    points: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    axes: tuple[str, str],
    colours: Sequence[str],
    place: npt.NDArray[np.floating],
    deviations: npt.NDArray[np.floating],
    neighbours: npt.NDArray[np.integer],
) -> dict[str, Any]:
    """The place of a picture on the whole map and, next to it, on an enlarged detail with its posterior.

    Args:
        points, labels: the test means on the plane (N, 2), and their classes (N,).
        place: of the picture: (2,).
        deviations: standard deviations of its posterior along the axes (2,), drawn as ellipses of 1 and 2
            of them, or as lines where one is zero.
        neighbours: indices of points that get a ring.
    """
    figure = latent_scatter(points[:OVERVIEW], labels[:OVERVIEW], axes, colours)
    away = np.abs(points - place).max(axis=1)
    half = max(1.2 * away[neighbours].max(initial=0), 3 * deviations.max(), 1e-6)
    # A random sample of the points in the detail, and all neighbours.
    near = np.random.default_rng(0).permutation(np.flatnonzero(away <= half))[:CLOSE_BY]
    near = np.union1d(near, neighbours)
    close = {"xaxis": "x2", "yaxis": "y2", "type": "scatter", "mode": "markers"}
    ring = {"symbol": "circle-open", "size": 12, "line": {"width": 1.5}, "color": "#888888"}
    turn = np.linspace(0, 2 * np.pi, 73)
    ellipses = (
        {
            **close,
            "mode": "lines",
            "name": f"{sigmas} σ",
            "x": place[0] + sigmas * deviations[0] * np.cos(turn),
            "y": place[1] + sigmas * deviations[1] * np.sin(turn),
            "line": {"width": 2, "color": "#888888", "dash": dash},
        }
        for sigmas, dash in ((1, "solid"), (2, "dash"))
    )
    here = {"x": place[:1], "y": place[1:], "mode": "markers"}
    figure["data"] += [
        *({**here, "type": "scatter", "marker": mark} for mark in RINGS),
        {
            **close,
            "x": points[near, 0],
            "y": points[near, 1],
            "marker": {"size": 5, "color": [colours[label] for label in labels[near]], "opacity": 0.7},
        },
        {**close, "x": points[neighbours, 0], "y": points[neighbours, 1], "marker": ring},
        *ellipses,
        *({**close, **here, "marker": mark} for mark in RINGS),
    ]
    layout = figure["layout"]
    # The place may lie outside of all test points.
    reach = max(layout["xaxis"]["range"][1], 1.05 * float(np.abs(place).max()))
    for name in ("xaxis", "yaxis"):
        layout[name]["range"] = [-reach, reach]
    zoomed = {
        f"{name}2": {**layout[name], "range": [float(middle - half), float(middle + half)], "anchor": anchor}
        for name, middle, anchor in zip(("xaxis", "yaxis"), place, ("y2", "x2"), strict=True)
    }
    zoomed["yaxis2"]["scaleanchor"] = "x2"
    layout["xaxis"]["domain"], zoomed["xaxis2"]["domain"] = SIDES
    layout |= zoomed
    stacked = {"domain": [0, 1]}
    domains = {
        "xaxis": stacked,
        "xaxis2": stacked,
        "yaxis": {"domain": SIDES[1]},
        "yaxis2": {"domain": SIDES[0]},
    }
    return {**figure, "narrow": {"width": 400, "height": 560, "layout": domains}}
