"""The latent map as a figure for print, with what the map on the pages shows.

Shapes: N points, Z latent size, P pins, D points of a path.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vae.export.colours import SCALE_COLOURS, colours_of_classes
from vae.export.figures import INK, Style, empty_figure, looks, tiled
from vae.inference.colourings import MEANINGS, Colouring, colour_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vae.inference.forward import Model
    from vae.inference.planes import Directions, Plane
    from vae.inference.scored_set import Floats, Indices, ScoredSet

Layer = Literal["points", "manifold", "ellipses", "prior"]
Window = tuple[tuple[float, float], tuple[float, float]]  # of x and of y, the lower first
LEAST = 3.5  # the map reaches at least so far to either side of 0, as on the pages
LEAST_SIDE = 0.3  # of a figure's plot area, as a share of its other side
TILES = 20  # at most so many along the longer side of the decoded grid
ROWS = 20  # classes in a column of the legend
_SIGMAS = (1, 2, 3)  # the prior's contours
_EDGE = 0.1  # of a map's side: nearer to its edge a text has no room
_LARGEST = 2.5  # how many times larger the points are in a narrow window
_PAPER = "white"


@dataclass(frozen=True)
class LatentMap:
    """What a figure of the map shows.

    Attributes:
        shown: the images that are points.
        model: decodes the grid behind them.
        classes: names of the classes; a single one where nothing is to be told apart.
        directions: of the map's axes.
        plane: the one of these that the grid and the prior lie on.
        colouring: by what the points are coloured.
        layers: what is drawn; ellipses are those of pinned images, at one and two standard deviations.
        hidden: the labels of classes that are left out.
        pins: latent points (P, Z); one that is the mean of an image is that image's, as on the pages.
        path: points of a path (D, Z), or none.
        asked_window: the part that is shown, or None for all.
    """

    shown: ScoredSet
    model: Model
    classes: Sequence[str]
    directions: Directions
    plane: Plane
    colouring: Colouring
    layers: Collection[Layer]
    hidden: Collection[int]
    pins: Floats
    path: Floats
    asked_window: Window | None

    @cached_property
    def xy(self) -> Floats:
        """The places of the images on the map: (N, 2)."""
        return self.directions.map_coordinates(self.shown.means, self.shown.logvars)

    @cached_property
    def whole(self) -> Window:
        """The window that holds all points, as the pages choose it."""
        ranges = []
        for coordinate, values in enumerate(self.xy.T):
            low, high = float(values.min()), float(values.max())
            margin = 0.05 * (high - low) or 1
            low, high = low - margin, high + margin
            line = coordinate == 1 and self.plane.is_line  # upwards is the log-variance
            ranges.append((low, high) if line else (min(low, -LEAST), max(high, LEAST)))
        across, upwards = ranges
        return across, upwards

    @property
    def window(self) -> Window:
        """The part of the map that is shown; widened where it is too flat or too narrow for a figure."""
        across, upwards = self.asked_window or self.whole
        least = LEAST_SIDE * max(across[1] - across[0], upwards[1] - upwards[0])
        return _widened(across, least), _widened(upwards, least)

    @cached_property
    def pinned(self) -> list[int | None]:
        """The index of the image whose mean each pin is, or None."""
        equal = [np.flatnonzero((self.shown.means == pin).all(axis=1)) for pin in self.pins]
        return [int(each[0]) if len(each) else None for each in equal]

    @property
    def visible(self) -> Indices:
        """The indices of the points of shown classes in the window and a little beyond it."""
        keep = ~np.isin(self.shown.labels, list(self.hidden))
        for values, (low, high) in zip(self.xy.T, self.window, strict=True):
            margin = 0.05 * (high - low)
            keep &= (values > low - margin) & (values < high + margin)
        return np.flatnonzero(keep)


def _widened(ends: tuple[float, float], least: float) -> tuple[float, float]:
    """A range, or one about the same middle that is as wide as `least`."""
    low, high = ends
    room = max(0.0, least - (high - low)) / 2
    return low - room, high + room


def map_figure(content: LatentMap, style: Style) -> Figure:
    """The images as points on a plane, coloured as chosen, and what else is to be shown."""
    (x0, x1), (y0, y1) = content.window
    keyed = len(content.classes) > 1 or content.colouring != "class"
    around = 1.0  # centimetres of an axis' numbers and its name
    wide = style.width * (0.82 if keyed else 1) - around
    rows = min(len(content.classes), ROWS) if content.colouring == "class" else 0
    high = max(wide * (y1 - y0) / (x1 - x0) + around, rows * 0.055 * style.font + 0.3)
    figure = empty_figure(style, high, "compressed")  # for axes whose sides have a ratio
    axes = figure.add_subplot()
    axes.set(xlabel=content.plane.names[0], ylabel=content.plane.names[1])
    if "manifold" in content.layers:
        _draw_grid(axes, content)
    if "points" in content.layers:
        _draw_points(axes, content, style)
    axes.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
    if "prior" in content.layers:
        _draw_prior(axes, content.plane)
    if len(content.path):
        _draw_path(axes, content)
    _draw_pins(axes, content, style)
    return figure


def _draw_points(axes: Axes, content: LatentMap, style: Style) -> None:
    """The points and the key of their colours."""
    # In the order of the images, so that no class lies over all others.
    indices = content.visible
    x, y = content.xy[indices].T
    (x0, x1), _ = content.window
    (left, right), _ = content.whole
    crowd = min(1.0, math.sqrt(10_000 / len(content.shown)))
    grown = min(max((right - left) / (x1 - x0), 1) ** 0.4, _LARGEST)
    look: dict[str, Any] = {"s": 2.5 * (crowd * grown) ** 2, "alpha": 0.7, "linewidths": 0}
    look |= {"rasterized": style.raster, "zorder": 1}
    if content.colouring != "class":
        _draw_by_number(axes, content, look)
        return
    colours = colours_of_classes(len(content.classes), "light")
    several = len(content.classes) > 1
    axes.scatter(
        x, y, c=[colours[label] for label in content.shown.labels[indices]] if several else INK, **look
    )
    shown = [label for label in range(len(content.classes)) if several and label not in content.hidden]
    if shown:
        axes.legend(
            handles=[
                axes.scatter([], [], s=14, color=colours[label], linewidths=0, label=content.classes[label])
                for label in shown
            ],
            loc="center left",
            bbox_to_anchor=(1.01, 0.5),
            ncols=1 + (len(shown) - 1) // ROWS,
            frameon=False,
            handletextpad=0.2,
            borderaxespad=0,
        )


def _draw_by_number(axes: Axes, content: LatentMap, look: dict[str, Any]) -> None:
    """Points coloured by a number, whose scale spans the 1st to the 99th percentile, as on the pages."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    values = colour_values(content.shown)[content.colouring]
    low, high = np.percentile(values, (1, 99), method="nearest").tolist()
    colours = LinearSegmentedColormap.from_list("numbers", SCALE_COLOURS["light"])
    scale = ScalarMappable(Normalize(low, high), colours)
    x, y = content.xy[content.visible].T
    axes.scatter(x, y, c=scale.to_rgba(values[content.visible]), **look)
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.colorbar(scale, ax=axes, label=MEANINGS[content.colouring], shrink=0.8, aspect=30)


def _draw_grid(axes: Axes, content: LatentMap) -> None:
    """What is decoded at a grid of places, faintly; its step is a power of two, as on the pages."""
    (x0, x1), (y0, y1) = content.window
    step = 2.0 ** math.ceil(math.log2(max(x1 - x0, y1 - y0) / TILES))
    columns, rows = (
        np.arange(round(low / step), round(high / step) + 1) for low, high in ((x0, x1), (y0, y1))
    )
    x, y = np.meshgrid(columns * step, rows[::-1] * step)
    plane = content.plane
    places = plane.base + x.reshape(-1, 1) * plane.first + y.reshape(-1, 1) * plane.second
    pictures = content.model.decode(places.astype(np.float32))
    edges = [(each[0] - 0.5, each[-1] + 0.5) for each in (columns, rows)]
    (left, right), (low, high) = [(first * step, last * step) for first, last in edges]
    extent = (left, right, low, high)
    axes.imshow(tiled(pictures, len(columns)), **looks(pictures), extent=extent, alpha=0.4, zorder=0)


def _draw_prior(axes: Axes, plane: Plane) -> None:
    """The contours of N(0, I) at some standard deviations; on a line, marks at these."""
    from matplotlib.patches import Circle

    x, y = plane.coordinates(np.zeros((1, len(plane.base))))[0].tolist()
    look: dict[str, Any] = {"color": INK, "linewidth": 0.5, "linestyle": (0, (4, 3))}
    for radius in _SIGMAS:
        if plane.is_line:
            for side in (-radius, radius):
                axes.axvline(x + side, **look)
        else:
            axes.add_patch(Circle((x, y), radius, fill=False, **look))
            _write(axes, f"{radius} σ", (x, y + radius), (0, 0.5))


def _draw_path(axes: Axes, content: LatentMap) -> None:
    xy = content.plane.coordinates(content.path)
    if content.plane.is_line:  # half way up
        axes.plot(xy[:, 0], np.full(len(xy), 0.5), transform=axes.get_xaxis_transform(), **_outlined(1.2))
    else:
        axes.plot(*xy.T, **_outlined(1.2))


def _draw_pins(axes: Axes, content: LatentMap, style: Style) -> None:
    """A ring for each pin, and, of several, its number in the row; pinned images with their ellipses."""
    from matplotlib.patches import Ellipse

    radius = 0.3 * style.font  # points
    covariances = content.directions.covariances(content.shown.logvars)
    for number, (place, index) in enumerate(zip(content.pins, content.pinned, strict=True)):
        x, y = (content.plane.coordinates(place[None])[0] if index is None else content.xy[index]).tolist()
        across = content.plane.is_line and index is None  # it is all that is above each other
        if across:
            axes.axvline(x, **_outlined(0.6))
        at: dict[str, Any] = {"transform": axes.get_xaxis_transform() if across else axes.transData}
        y = 0.5 if across else y
        ring: dict[str, Any] = {"marker": "o", "markersize": 2 * radius, "fillstyle": "none"}
        for colour, width in ((_PAPER, 2.4), (INK, 1.2)):
            axes.plot([x], [y], color=colour, markeredgewidth=width, zorder=4, **ring, **at)
        if len(content.pins) > 1:
            _write(axes, str(number + 1), (x, y), (radius, radius), xycoords=at["transform"], zorder=5)
        if "ellipses" in content.layers and index is not None:
            xx, xy, yy = covariances[index].tolist()
            variances, axes_of = np.linalg.eigh([[xx, xy], [xy, yy]])
            angle = math.degrees(math.atan2(axes_of[1, 1], axes_of[0, 1]))
            short, long = np.sqrt(np.maximum(variances, 0)).tolist()
            for sigmas in (2, 4):  # the whole width of one and two standard deviations
                axes.add_patch(
                    Ellipse((x, y), sigmas * long, sigmas * short, angle=angle, fill=False, **_outlined(0.8))
                )


def _outlined(width: float) -> dict[str, Any]:
    """The look of a line that is seen on every colour: dark, with light edges."""
    from matplotlib.patheffects import Normal, Stroke

    effects = [Stroke(linewidth=width + 1.2, foreground=_PAPER), Normal()]
    return {"color": INK, "linewidth": width, "path_effects": effects, "zorder": 3}


def _write(axes: Axes, text: str, at: tuple[float, float], away: tuple[float, float], **how: Any) -> None:
    """Text beside a place of the map, unless that is outside of the window; readable over points.

    Args:
        away: how far to the right of the place and above it, in points; 0 to the right is centred. Where the
            edge of the map is close, the text is to the left, or below.
    """
    from matplotlib.patheffects import Normal, Stroke

    halo = [Stroke(linewidth=2, foreground=_PAPER), Normal()]
    x, y = axes.transAxes.inverted().transform(how.get("xycoords", axes.transData).transform(at))
    left, below = away[0] > 0 and x > 1 - _EDGE, y > 1 - _EDGE
    written = axes.annotate(
        text, at, xytext=(-away[0] if left else away[0], -away[1] if below else away[1]),
        textcoords="offset points", ha="right" if left else "left" if away[0] else "center",
        va="top" if below else "bottom", color=INK, path_effects=halo, annotation_clip=True, **how,
    )  # fmt: skip
    written.set_in_layout(False)  # a text beside the edge must not make the map smaller
