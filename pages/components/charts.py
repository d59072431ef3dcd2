"""Arrays to Plotly figures. Nothing here knows Streamlit.

Shapes: N points.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vae.runs import Metrics

# Ten colours that colour-blind people can tell apart, on light and on dark: from a search for the largest
# smallest distance in OKLab, as everybody and as each kind of dichromat sees them (tests/test_charts.py).
LABEL_COLOURS = (
    *("#1133ff", "#886699", "#dd2222", "#bb77ff", "#6622aa"),
    *("#ee8844", "#bbccff", "#66aaaa", "#882244", "#eecc00"),
)
TRAIN, TEST = "#3f90da", "#e76300"
TRAIN_BAND = "rgba(63, 144, 218, 0.25)"
# What a logarithmic axis of the KL shows. The KL starts near zero; below a tenth of a nat nothing is to see.
KL_TICKS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 20, 50, 100, 200, 500)

Scale = Literal["log", "linear"]


def loss_curves(lines: Sequence[Metrics], scale: Scale, revision: str) -> go.Figure:
    """Reconstruction and KL over epochs: train mean with a band of ±1 standard deviation, and test.

    While `revision` stays the same, zoom and hidden curves survive new data.
    """
    figure = make_subplots(cols=2, subplot_titles=("Reconstruction", "KL"), horizontal_spacing=0.09)
    train = [line for line in lines if line.split == "train"]
    test = [line for line in lines if line.split == "test"]
    for column, term in enumerate(("reconstruction", "kl"), start=1):
        values = np.array([getattr(line, term) for line in train])
        deviations = np.array([getattr(line, f"{term}_std") for line in train])
        epochs = np.array([line.epoch for line in train])
        low = values - deviations
        if scale == "log":  # which has no place for a band that reaches below zero
            low = np.maximum(low, 0.1 * values)
        first = column == 1
        for edge, fill in ((values + deviations, None), (low, "tonexty")):
            figure.add_scatter(
                x=epochs,
                y=edge,
                mode="lines",
                line_width=0,
                fill=fill,
                fillcolor=TRAIN_BAND,
                hoverinfo="skip",
                name="±1 std over batches",
                legendgroup="band",
                showlegend=first and fill is not None,
                row=1,
                col=column,
            )
        curves = (
            ("train", epochs, values, TRAIN, "lines"),
            ("test", *_test(test, term), TEST, "lines+markers"),
        )
        for name, x, y, colour, mode in curves:
            figure.add_scatter(
                x=x,
                y=y,
                name=name,
                mode=mode,
                line={"color": colour, "width": 2},
                marker={"size": 6},
                legendgroup=name,
                showlegend=first,
                hovertemplate="%{y:.2f} nats",
                row=1,
                col=column,
            )
    figure.update_xaxes(title="epoch", rangemode="tozero", hoverformat=".2f")
    figure.update_yaxes(type=scale)
    if scale == "log":
        kl = [line.kl for line in lines]
        top = max(max(kl) * 1.3, 1)
        figure.update_yaxes(range=[np.log10(KL_TICKS[0]), np.log10(top)], tickvals=KL_TICKS, col=2)
    figure.update_yaxes(title="nats per image", col=1)
    figure.update_layout(
        uirevision=f"{revision} {scale}",
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.12, "yanchor": "bottom", "x": 0},
        margin={"l": 56, "r": 16, "t": 72, "b": 48},
    )
    return figure


def _test(lines: Sequence[Metrics], term: str) -> tuple[list[float], list[float]]:
    return [line.epoch for line in lines], [getattr(line, term) for line in lines]


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
