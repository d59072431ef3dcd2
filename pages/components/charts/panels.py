"""The three panels of the loss curves: their axes, their places, their headings."""

from typing import Any, Literal, NamedTuple

import numpy as np

Scale = Literal["log", "linear"]
X = Literal["epoch", "step", "seconds"]
Part = dict[str, Any]  # of a figure, in Plotly's words


class Panel(NamedTuple):
    """One term of the loss: its column, its heading, the y axis of a run without lines, Plotly's axes."""

    term: str
    heading: str
    empty: tuple[float, float]
    x: str
    y: str


PANELS = (
    Panel("reconstruction", "Reconstruction", (100, 600), "x", "y"),
    Panel("kl", "KL", (0.1, 10), "x2", "y2"),
    Panel("elbo", "−ELBO", (100, 600), "x3", "y3"),
)
SPANS = ([0.0, 0.29], [0.355, 0.645], [0.71, 1.0])  # from left to right
# In a chart too narrow for that, the panels stand one below the other.
NARROW = {
    "width": 760,
    "height": 960,
    "layout": {
        **{f"xaxis{panel.x[1:]}": {"domain": [0, 1]} for panel in PANELS},
        **{f"yaxis{panel.y[1:]}": {"domain": span} for panel, span in zip(PANELS, SPANS[::-1], strict=True)},
        "legend": {"y": 1.04},
    },
}
# Title of the axis, its least end, a place in the hover box.
AXES: dict[X, tuple[str, float, str]] = {
    "epoch": ("epoch", 0.1, "epoch %{x:.2f}"),
    "step": ("step", 10, "step %{x:,d}"),
    "seconds": ("seconds of training", 1, "%{x:,.1f} seconds"),
}
LEAST_KL = 0.1  # where a logarithmic axis begins: the KL starts near zero, and below nothing is to see


def panels(scale: Scale, x: X, end: float, *, empty: bool) -> Part:
    """Axes and headings as a layout, x from 0 to `end`; `empty` if there is nothing that gives y a range."""
    axes: Part = {}
    for panel, span in zip(PANELS, SPANS, strict=True):
        # Options, not a range: a range that changes with the data would undo a zoom.
        axes[f"xaxis{panel.x[1:]}"] = {
            "anchor": panel.y,
            "domain": span,
            "title": {"text": AXES[x][0], "standoff": 4},
            "autorangeoptions": {"include": end, "clipmin": 0, "clipmax": end},
            "unifiedhovertitle": {"text": AXES[x][2]},
            **({} if panel is PANELS[0] else {"matches": "x"}),
        }
        vertical: Part = {"anchor": panel.x, "type": scale, "tickformat": ",~r"}
        if empty:
            vertical["range"] = np.log10(panel.empty).tolist() if scale == "log" else [0, panel.empty[1]]
        elif panel.term == "kl" and scale == "log":
            vertical["autorangeoptions"] = {"clipmin": LEAST_KL}
        if panel.term == "kl":
            vertical["nticks"] = 5  # else a logarithmic axis of two decades has labels that overlap
        axes[f"yaxis{panel.y[1:]}"] = vertical
    axes["yaxis"]["title"] = {"text": "nats per image", "standoff": 4}
    headings = [text_on(panel, f"<b>{panel.heading}</b>", 0, 1, size=14) for panel in PANELS]
    return {**axes, "annotations": headings}


def text_on(panel: Panel, text: str, x: float, y: float, *, size: int, **attributes: Any) -> Part:
    """An annotation that begins at, and stands on, a place given in fractions of the panel."""
    axes = {"xref": f"{panel.x} domain", "yref": f"{panel.y} domain"}
    style = {"xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": size}}
    return {"text": text, "x": x, "y": y, **axes, **style, **attributes}


def trace_on(panel: Panel, x: Any, y: Any, **attributes: Any) -> Part:
    """A trace of points `x`, `y` (array-like), which is not in the legend."""
    axes = {"xaxis": panel.x, "yaxis": panel.y}
    return {"type": "scatter", "x": x, "y": y, **axes, "showlegend": False, **attributes}
