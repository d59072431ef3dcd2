"""Box plots of the images' losses in each class, as a Plotly figure. Independent of Streamlit.

Shapes: M pictures, C classes.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pages.components.charts.plotly_text import escape_plotly

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # whiskers, box and its middle line
FADED = 0.4
MOST_LETTERS = (
    48  # of all names beside each other: longer ones would overlap, and Plotly would leave some out
)
MOST_NAMES = 20  # below the boxes: of more classes, every second one is named, or every third, and so on


def loss_boxes(
    losses: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    names: Sequence[str],
    colours: Sequence[str],
    chosen: Collection[int],
    title: str,
) -> dict[str, Any]:
    """A box for each class, at its label on the x axis.

    Losses (M,) in nats, M at least 1, labels (M,), names and colours (C,).

    If any classes are `chosen`, the others are faded.
    """
    data: list[dict[str, Any]] = []
    # Own hover texts: Plotly would call the ends of the whiskers minimum and maximum, which they are not.
    hover: dict[str, list[Any]] = {"x": [], "y": [], "text": []}
    shown = [escape_plotly(name) for name in names]
    for label, (name, colour) in enumerate(zip(shown, colours, strict=True)):
        of_class = losses[labels == label]
        if not len(of_class):
            continue
        low, first, median, third, high = np.quantile(of_class, QUANTILES).tolist()
        mean = float(of_class.mean())
        data.append(
            {
                "type": "box",
                "x": [label],
                "lowerfence": [low],
                "q1": [first],
                "median": [median],
                "q3": [third],
                "upperfence": [high],
                "mean": [mean],
                "boxmean": True,
                "marker": {"color": colour},
                "line": {"width": 1.5},
                "opacity": 1 if not chosen or label in chosen else FADED,
                "width": 0.6,
                "hoverinfo": "skip",
                "name": name,
            }
        )
        hover["x"].append(label)
        hover["y"].append(median)
        hover["text"].append(
            f"<b>{name}</b>: median {median:.1f}, mean {mean:.1f}<br>half: {first:.1f} to {third:.1f}<br>"
            f"90 %: {low:.1f} to {high:.1f}"
        )
    data.append(
        {"type": "scatter", "mode": "markers", "marker": {"opacity": 0}, "hoverinfo": "text", **hover}
    )
    ticks = list(range(0, len(names), -(-len(names) // MOST_NAMES)))
    layout = {
        "title": {"text": title, "font": {"size": 14}, "x": 0, "y": 0.98, "yanchor": "top"},
        "showlegend": False,
        "hovermode": "x",
        "hoverdistance": -1,  # anywhere above or below a class
        "dragmode": False,
        "modebar": {"remove": ["toImage"]},
        "margin": {"l": 36, "r": 8, "t": 28, "b": 24},
        "xaxis": {
            "tickvals": ticks,
            "ticktext": [shown[label] for label in ticks],
            "range": [-0.6, len(names) - 0.4],
            "fixedrange": True,
            "showgrid": False,
            "tickangle": -30 if len(ticks) * max(map(len, names)) > MOST_LETTERS else 0,
        },
        # Losses of many thousands of nats would all lie beside each other, far from 0.
        "yaxis": {"rangemode": "tozero" if losses.min() < losses.max() / 2 else "normal", "fixedrange": True},
    }
    return {"data": data, "layout": layout}
