"""Loss curves of runs as a Plotly figure of three panels. Independent of Streamlit.

The figure is a plain dict, which takes a hundredth of the time of a `go.Figure`, as many tabs may poll it.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pages.components.charts.plotly_text import escape_plotly
from vae.evaluation.published import BLOG_NEGATIVE_ELBO, DAVIDSON_NEGATIVE_ELBO, S_VAE_NEGATIVE_ELBO
from vae.inference.formatting import bits_per_dimension
from vae.runs.history import Losses, Rows
from vae.runs.records import Status

Array = npt.NDArray[Any]
Scale = Literal["log", "linear"]
X = Literal["epoch", "step", "seconds"]
Part = dict[str, Any]  # of a Plotly figure
# Title of the x axis, its smallest end, format in the hover box.
AXES: dict[X, tuple[str, float, str]] = {
    "epoch": ("epoch", 0.1, "epoch %{x:.2f}"),
    "step": ("step", 10, "step %{x:,d}"),
    "seconds": ("seconds of training", 1, "%{x:,.1f} seconds"),
}
TRAIN, TEST = "#3f90da", "#e76300"
BAND = "rgba(63, 144, 218, 0.25)"
GREY = "rgba(128, 128, 128, 0.9)"
# Of overlaid runs: found like the ten label colours, together with the two above and with a contrast of at
# least 2.7 to both themes (tests/pages/charts/test_loss_curves.py).
OVERLAYS = ("#aa00aa", "#226644", "#aa6688", "#2244ff")
SYMBOLS = ("square", "diamond", "triangle-up", "x")  # of overlaid runs, as colours alone do not suffice
MARKERS = 25  # of one curve at most: more would touch
OBJECTIVE = "trained objective"  # reconstruction + beta · KL


class Reference(NamedTuple):
    """A published −ELBO on MNIST, in nats per image: a line, with a label at its right end.

    Attributes:
        value, name, condition: the result, whose it is, and how it was measured.
        label: the name and the condition in short.
        side, lines: whether the label stands above or below the line, and after how many empty lines, so that
            those of near lines do not overlap.
    """

    value: float
    name: str
    condition: str
    label: str
    side: Literal["top", "bottom"]
    lines: int


REFERENCES = (
    Reference(
        BLOG_NEGATIVE_ELBO, "the blog's code", "30 epochs, its KL trap included", "blog's loop, 2-D", "top", 0
    ),
    Reference(
        DAVIDSON_NEGATIVE_ELBO,
        "Davidson et al. 2018",
        "Gaussian VAE, d = 2, dynamic binarisation",
        "Davidson 2018,<br> Gaussian, 2-D",
        "bottom",
        0,
    ),
    Reference(
        S_VAE_NEGATIVE_ELBO,
        "Davidson et al. 2018",
        "S-VAE, hyperspherical, d = 2, dynamic binarisation",
        "S-VAE, 2-D",
        "bottom",
        2,
    ),
)
REFERENCE_MARGIN = 124  # pixels for these labels
MARKS, LABELS = 50, 5  # the newest changes are marked, and the newest of these labelled
POINTS = 300  # of one curve, about: the resolution of a panel


class Panel(NamedTuple):
    """One term of the loss: its column, its heading, the y range without data, the names of Plotly's axes."""

    term: str
    heading: str
    empty: tuple[float, float]
    x: str
    y: str

    def scale(self, chosen: Scale) -> Scale:
        """The scale of the y axis where `chosen` is that of the chart.

        That of KL is always linear: a logarithmic axis has no 0, to which KL falls in a collapse.
        """
        return "linear" if self.term == "kl" else chosen


PANELS = (
    Panel("reconstruction", "Reconstruction", (100, 600), "x", "y"),
    Panel("kl", "KL", (0, 10), "x2", "y2"),
    Panel("elbo", "−ELBO", (100, 600), "x3", "y3"),
)
SPANS = ([0.0, 0.29], [0.355, 0.645], [0.71, 1.0])  # from left to right
# In a narrower chart, the panels are stacked.
NARROW = {
    "width": 760,
    "height": 960,
    "layout": {
        **{f"xaxis{panel.x[1:]}": {"domain": [0, 1]} for panel in PANELS},
        **{f"yaxis{panel.y[1:]}": {"domain": span} for panel, span in zip(PANELS, SPANS[::-1], strict=True)},
    },
}
# Of beta while it rises: over the panel of the KL, at its right side.
BETA_AXIS: Part = {
    "overlaying": "y2",
    "side": "right",
    "anchor": "x2",
    "rangemode": "tozero",
    "showgrid": False,
    "tickmode": "auto",
    "nticks": 3,
    "tickfont": {"size": 10},
}
ALIKE = 1.05  # upper by lower end of an axis, at least: values that are nearer do not fill it
LEAST_KL = 1  # end of the KL's axis, in nats: below it a curve lies flat, as it should in a collapse


class Change(NamedTuple):
    """A change of learning rate or beta: when, and as text."""

    step: int
    epoch: float
    seconds: float
    text: str


class Curve(NamedTuple):
    """One run on the chart.

    Attributes:
        name: any text.
        free: the KL that costs nothing, of all dimensions together: free bits, in nats.
        values: its config's `density_values`.
    """

    name: str
    losses: Losses
    free: float = 0
    values: int | None = None


def loss_curves(
    curves: Sequence[Curve], *, scale: Scale, x: X, references: bool, changes: Sequence[Change] = ()
) -> Part:
    """Reconstruction, KL and −ELBO of runs, in nats per image, for `live_figure`.

    Of the first run, the train mean is drawn with a band of ±1 standard deviation over batches, and the test
    loss. The others are overlaid, with thin lines for train and dashed ones for test. Where beta is not 1,
    what the first run minimises is drawn, too; but not with free bits, where it depends on the KL of each
    dimension, which is not logged. `references` adds published values for MNIST; `changes` are
    those of the first run. Zoom and hidden curves survive new data while the runs, scale and x stay the same.
    """
    ends = [float(rows[x][-1]) for curve in curves for rows in curve.losses if len(rows)]
    end = 1.02 * max([AXES[x][1], *ends])
    # The curves of the legend come first: Plotly remembers hidden ones by their index.
    data = [
        trace
        for panel in PANELS
        for index in range(len(curves))
        for trace in _run(curves, index, panel, scale, x)
    ]
    data += [trace for panel in PANELS for trace in _room_below(curves, panel)]
    layout = panels(scale, x, end, empty=not ends) | {
        "uirevision": " ".join((*(curve.name for curve in curves), scale, x)),
        "hovermode": "x unified",
        "hoverlabel": {"namelength": -1},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "top", "yref": "container"},
        "margin": {
            "l": 52,
            "r": REFERENCE_MARGIN if references else 12,
            "t": 44 + 20 * (len(curves) // 4),
            "b": 36,
        },
        "shapes": [],
    }
    if curves and not curves[0].free and (curves[0].losses.train["kl_weight"] != 1).any():
        data.append(_objective(curves[0].losses.train, x))
    if curves and (curves[0].losses.train["kl_weight"] != curves[0].losses.train["beta"]).any():
        data.append(_warm_up(curves[0].losses.train, x))
        layout["yaxis4"] = BETA_AXIS
    if curves and curves[0].free:
        hover = "%{y:.3g} nats, shared evenly by the dimensions, cost nothing<extra>free bits</extra>"
        data.append(_level(PANELS[1], curves[0].free, end, hover))
    if references:
        _add_references(data, end)
    if changes and curves and len(curves[0].losses.train):
        _add_changes(data, layout, curves[0].losses.train, changes[-MARKS:], x, end)
    return {"data": data, "layout": layout, "narrow": NARROW}


def _run(curves: Sequence[Curve], index: int, panel: Panel, scale: Scale, x: X) -> list[Part]:
    """The traces of one run on one panel."""
    run, losses = escape_plotly(curves[index].name), curves[index].losses
    if index == 0:
        traces = [_band(losses.train, panel, scale, x)]
        lines: list[Part] = [{"color": TRAIN, "width": 2}, {"color": TEST, "width": 2}]
        symbol = "circle"
    else:
        traces = []
        colour, symbol = (style[(index - 1) % len(style)] for style in (OVERLAYS, SYMBOLS))
        lines = [{"color": colour, "width": 1}, {"color": colour, "width": 1.5, "dash": "dash"}]
    for split, rows, line in zip(Losses._fields, losses, lines, strict=True):
        values = _values(rows, panel)
        kept = thinned(rows[x], values)
        there, drawn = rows[x][kept], values[kept]
        if split == "test" and len(rows) > 1 and rows["step"][0] == 0:
            # No line from before the first step to the end of the first epoch: nothing is known in between.
            there, drawn = np.insert(there, 1, there[0]), np.insert(drawn, 1, np.nan)
        name = split if len(curves) == 1 else f"{run}: {split}"
        # An overlaid run has one legend entry, its name, which hides both its curves.
        legend = run if index else name
        bits: Part = {}
        shown = "%{y:.2f} nats"
        if panel.term == "elbo" and (count := curves[index].values) is not None:
            bits = {"customdata": bits_per_dimension(drawn, count)}
            shown += ", %{customdata:.3f} bits/dim"
        traces.append(
            trace_on(
                panel,
                there,
                drawn,
                name=legend,
                legendgroup=legend,
                showlegend=panel is PANELS[0] and (index == 0 or split == "test"),
                mode="lines" if split == "train" else "lines+markers",
                line=line,
                marker={"size": 6, "symbol": symbol, "maxdisplayed": MARKERS},
                cliponaxis=False,  # otherwise the marker at 0 would be cut in half
                hovertemplate=f"{shown}<extra>{name}</extra>",
                **bits,
            )
        )
    return traces


def _room_below(curves: Sequence[Curve], panel: Panel) -> list[Part]:
    """A point that is not seen, below values that are all alike, as the first few of an untrained model are.

    Otherwise their noise would be spread over the whole axis. As a trace: `autorangeoptions.include` turns a
    logarithmic axis upside down (plotly.js 4.1.1).
    """
    values = [_values(rows, panel) for curve in curves for rows in curve.losses if len(rows)]
    if panel.term == "kl" or not values:
        return []
    low, high = min(float(each.min()) for each in values), max(float(each.max()) for each in values)
    if not 0 < high < ALIKE * low:
        return []
    return [trace_on(panel, [0], [high / ALIKE], mode="markers", marker={"opacity": 0}, hoverinfo="skip")]


def _objective(rows: Rows, x: X) -> Part:
    """What the first run minimises, reconstruction + beta · KL, on the panel of −ELBO."""
    values = rows["reconstruction"] + rows["kl_weight"] * rows["kl"]
    kept = thinned(rows[x], values)
    return trace_on(
        PANELS[2],
        rows[x][kept],
        values[kept],
        name=f"{OBJECTIVE}: reconstruction + beta · KL",
        showlegend=True,
        mode="lines",
        line={"color": TRAIN, "width": 1.5, "dash": "dot"},
        hovertemplate=f"%{{y:.2f}} nats<extra>{OBJECTIVE}</extra>",
    )


def _warm_up(rows: Rows, x: X) -> Part:
    """The weight of the KL while it rises to beta, on the panel of the KL, with an axis of its own."""
    rising = rows[: int(np.flatnonzero(rows["kl_weight"] != rows["beta"])[-1]) + 2]
    trace = trace_on(
        PANELS[1],
        rising[x],
        rising["kl_weight"],
        name="beta while it rises",
        showlegend=True,
        mode="lines",
        line={"color": GREY, "width": 1.5, "dash": "dash"},
        hovertemplate="%{y:.3g}<extra>beta in force</extra>",
    )
    return {**trace, "yaxis": "y4"}


def _level(panel: Panel, value: float, end: float, hover: str) -> Part:
    """A dotted line at `value`, with points all along, so that hovering works anywhere."""
    return trace_on(
        panel,
        np.linspace(0, end, 60),
        np.full(60, value),
        mode="lines",
        line={"color": GREY, "width": 1, "dash": "dot"},
        hovertemplate=hover,
    )


def _band(rows: Rows, panel: Panel, scale: Scale, x: X) -> Part:
    """The band of ±1 standard deviation as a closed outline: its upper edge, and its lower one reversed."""
    values, deviations = _values(rows, panel), rows[f"{panel.term}_std"]
    # No loss is below zero, which a logarithmic axis cannot show.
    low = np.maximum(values - deviations, 0.1 * values if panel.scale(scale) == "log" else 0)
    edges, low, high = envelope(rows[x], low, values + deviations)
    there = rows[x][edges]
    return trace_on(
        panel,
        np.concatenate((there, there[::-1])),
        np.concatenate((high, low[::-1])),
        name="±1 std over batches",
        legendgroup="band",
        showlegend=panel is PANELS[0],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=BAND,
        hoverinfo="skip",
    )


def _values(rows: Rows, panel: Panel) -> Array:
    """The values of the panel's term (N,); −ELBO is the negative of its column."""
    return -rows[panel.term] if panel.term == "elbo" else rows[panel.term]


def _add_references(data: list[Part], end: float) -> None:
    """Adds published values of −ELBO as lines with labels."""
    panel = PANELS[2]
    for value, name, condition, words, side, lines in REFERENCES:
        data.append(_level(panel, value, end, f"{value} nats<br>{condition}<extra>{name}</extra>"))
        # As a trace: an annotation that stands below its line would widen the axis.
        data.append(
            trace_on(
                panel,
                [end],
                [value],
                mode="text",
                text=["<br>" * lines + f" {value} {words}"],
                textposition=f"{side} right",
                textfont={"size": 10},
                cliponaxis=False,
                hoverinfo="skip",
            )
        )


def _add_changes(
    data: list[Part], layout: Part, rows: Rows, changes: Sequence[Change], x: X, end: float
) -> None:
    """Adds at each change a line through all panels, points with hover text on the train curves, a label."""
    places = np.array([getattr(change, x) for change in changes])
    dashed = {"type": "line", "y0": 0, "y1": 1, "line": {"color": GREY, "width": 1, "dash": "dash"}}
    for panel in PANELS:
        data.append(
            trace_on(
                panel,
                places,
                np.interp(places, rows[x], _values(rows, panel)),
                mode="markers",
                marker={"color": GREY, "size": 7, "symbol": "diamond"},
                text=[change.text for change in changes],
                hovertemplate=f"{AXES[x][2]}: %{{text}}<extra></extra>",
            )
        )
        axes = {"xref": panel.x, "yref": f"{panel.y} domain"}
        layout["shapes"] += [{**dashed, **axes, "x0": place, "x1": place} for place in places.tolist()]
    # Each label in a row of its own, so that those of close changes do not overlap.
    for place, change, row in zip(places[::-1].tolist(), changes[::-1], range(LABELS), strict=False):
        side = "right" if place > end / 2 else "left"
        label = text_on(
            PANELS[0], change.text, place, 1 - 0.06 * row, size=10, xref="x", xanchor=side, yanchor="top"
        )
        layout["annotations"].append(label)


def thinned(x: Array, values: Array) -> Array:
    """Indices of the `values` at `x` (N,) that draw the same curve: extremes of each bin, first and last."""
    if len(values) <= POINTS:
        return np.arange(len(values))
    bins, starts = _bins(x)
    kept = [np.array([0, len(values) - 1])]
    for extreme in (np.minimum, np.maximum):
        places = np.flatnonzero(values == extreme.reduceat(values, starts)[bins])
        kept.append(places[np.unique(bins[places], return_index=True)[1]])
    return np.unique(np.concatenate(kept))


def envelope(x: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Indices of the ends of each bin of `x`, with the bin's minimum of `low` and maximum of `high`."""
    if len(x) <= POINTS:
        return np.arange(len(x)), low, high
    bins, starts = _bins(x)
    edges = np.unique(np.concatenate((starts, [*(starts[1:] - 1), len(x) - 1])))
    return (
        edges,
        np.minimum.reduceat(low, starts)[bins[edges]],
        np.maximum.reduceat(high, starts)[bins[edges]],
    )


def _bins(x: Array) -> tuple[Array, Array]:
    """The bin of each of the rising `x` (N,), of about POINTS / 2 bins at most, and the start of each bin.

    Bins are equally wide, so that a densely logged part takes no points from the others. Widths are powers of
    two, so that most polls only add to the last bin, and the rest of the curve does not change.
    """
    span = max(float(x[-1] - x[0]), 1e-9)
    numbers = np.floor(x / 2 ** np.ceil(np.log2(2 * span / POINTS)))
    starts = np.concatenate(([0], np.flatnonzero(np.diff(numbers)) + 1))
    bins = np.zeros(len(x), int)
    bins[starts[1:]] = 1
    return np.cumsum(bins), starts


def rate_changes(losses: Losses, status: Status | None) -> list[Change]:
    """The changes of the learning rate (the peak of its schedule) or beta, in the order of the steps.

    A line is logged at each change: it is marked at the last line with the old value. A change that is not
    logged yet, as of a paused run, is marked at the step of `status`.
    """
    rows = losses.train
    values = np.stack((rows["peak_learning_rate"], rows["beta"]), axis=1)
    found = []
    for index in np.flatnonzero((values[1:] != values[:-1]).any(axis=1)):
        row = rows[index]
        place = int(row["step"]), float(row["epoch"]), float(row["seconds"])
        found.append(Change(*place, _difference(values[index], values[index + 1])))
    if status is not None and len(rows):
        steered = (status.learning_rate, status.beta)
        now = np.array([old if new is None else new for old, new in zip(values[-1], steered, strict=True)])
        if (now != values[-1]).any():
            found.append(Change(status.step, status.epoch, status.seconds, _difference(values[-1], now)))
    return found


def _difference(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> str:
    pairs = zip(("learning rate", "beta"), old, new, strict=True)
    return ", ".join(f"{name} {before:.3g} → {after:.3g}" for name, before, after in pairs if before != after)


def panels(scale: Scale, x: X, end: float, *, empty: bool) -> Part:
    """The layout of axes and headings, x from 0 to `end`; `empty` if there are no data to give y a range."""
    axes: Part = {}
    for panel, span in zip(PANELS, SPANS, strict=True):
        # Options instead of a range, which would undo a zoom when it changes with the data.
        axes[f"xaxis{panel.x[1:]}"] = {
            "anchor": panel.y,
            "domain": span,
            "title": {"text": AXES[x][0], "standoff": 4},
            "autorangeoptions": {"include": end, "clipmin": 0, "clipmax": end},
            "unifiedhovertitle": {"text": AXES[x][2]},
            **({} if panel is PANELS[0] else {"matches": "x"}),
        }
        own = panel.scale(scale)
        # From a million on as 1e+6: a training that diverges has values that would cover the next panel.
        vertical: Part = {"anchor": panel.x, "type": own, "tickformat": ",~g"}
        if empty:
            vertical["range"] = np.log10(panel.empty).tolist() if own == "log" else [0, panel.empty[1]]
        if panel.term == "kl":
            vertical["nticks"] = 5
            if not empty:
                vertical["autorangeoptions"] = {"include": [0, LEAST_KL]}
        axes[f"yaxis{panel.y[1:]}"] = vertical
    axes["yaxis"]["title"] = {"text": "nats per image", "standoff": 4}
    headings = [text_on(panel, f"<b>{panel.heading}</b>", 0, 1, size=14) for panel in PANELS]
    return {**axes, "annotations": headings}


def text_on(panel: Panel, text: str, x: float, y: float, *, size: int, **attributes: Any) -> Part:
    """An annotation whose lower left corner is at (x, y), in fractions of the panel."""
    axes = {"xref": f"{panel.x} domain", "yref": f"{panel.y} domain"}
    style = {"xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": size}}
    return {"text": text, "x": x, "y": y, **axes, **style, **attributes}


def trace_on(panel: Panel, x: Any, y: Any, **attributes: Any) -> Part:
    """A trace of points `x`, `y` (array-like), not in the legend."""
    axes = {"xaxis": panel.x, "yaxis": panel.y}
    return {"type": "scatter", "x": x, "y": y, **axes, "showlegend": False, **attributes}
