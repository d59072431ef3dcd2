"""The map of a latent space: its points, and what the model draws at every place between them.

What lies under the pointer is decoded in the browser, at every frame; what happens on the map (a click, a
line, a lasso) comes to Python. Points and decoder are brought by stores: they do not travel again.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import plotly.colors

from pages.components.charts.scatter import LABEL_COLOURS
from pages.components.shell import component_events
from pages.components.shell.assets import module_component, plotly_js_url
from vae.inference.planes import Plane

Place = tuple[float, float]  # of the map
Layer = Literal["points", "manifold", "ellipses", "prior"]
Colouring = Literal["class", "reconstruction", "kl", "deviation", "distance"]
# From blue to orange, which everybody can tell apart, and neither end lost on a light or a dark page.
SCALE = plotly.colors.sample_colorscale(["#4477ff", "#cc5599", "#ffaa22"], 24)
SIGMAS = (1, 2, 3)  # the prior's contours
LONGEST = 2001  # what a browser says of a list: more than any place has coordinates, or a polygon corners


class Click(NamedTuple):
    """A clicked place of the latent space (Z,), and the data point that lies there, or None, of the points
    of that name, on the map of that revision and decoder."""

    z: list[float]
    point: int | None
    points: str
    revision: str
    decoder: str


class Undo(NamedTuple):
    """The click of that number was the first half of a double click, which means the whole map."""

    of: int


class Region(NamedTuple):
    """A polygon around points of some classes, on the map of that revision; without corners it was taken
    away."""

    corners: list[Place]
    classes: frozenset[int]
    revision: str


class Line(NamedTuple):
    """A line drawn from one place of the latent space (Z,) to another, on the map of that revision and
    decoder."""

    start: list[float]
    end: list[float]
    revision: str
    decoder: str


Event = Click | Undo | Region | Line


class Moments(NamedTuple):
    """What the map needs at other moments: the name of a timeline; of the test set, whose places snapshots
    hold, the name of its points under the newest weights, and the address of its real pictures, or None."""

    timeline: str
    points: str
    pictures: str | None


def _numbers(told: Any) -> list[float]:
    numbers = [float(each) for each in told[:LONGEST]]
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return numbers


def _corner(told: Any) -> Place:
    x, y = _numbers(told)
    return x, y


def _map(told: Any) -> tuple[str, str]:
    return str(told["revision"]), str(told["decoder"])


def _event(told: Any) -> Event:
    """What the browser told. TypeError, KeyError, ValueError or OverflowError, if not by our script."""
    match told["kind"]:
        case "click":
            point = told["point"]
            index = None if point is None else int(point)
            return Click(_numbers(told["z"]), index, str(told["points"]), *_map(told))
        case "undo":
            return Undo(int(told["of"]))
        case "line":
            return Line(_numbers(told["from"]), _numbers(told["to"]), *_map(told))
        case "region":
            corners = [_corner(each) for each in told["corners"][:LONGEST]]
            return Region(corners, frozenset(map(int, told["classes"][:LONGEST])), str(told["revision"]))
    raise ValueError


def new_events(key: str) -> Iterator[tuple[int, Event]]:
    """What happened on the map `key`, as `component_events.new_events`."""
    return component_events.new_events(key, _event)


def latent_map(
    *,
    points: str,
    decoder: str,
    pictures: str | None,
    classes: Sequence[str],
    plane: Plane,
    colouring: Colouring,
    colouring_name: tuple[str, str],
    layers: Sequence[Layer],
    pins: Sequence[tuple[float, float | None]],
    pinned: Sequence[int | None],
    chosen: int | None,
    ellipse: tuple[Place, tuple[float, float, float]] | None,
    line: Sequence[tuple[float, float | None]] | None,
    region: Sequence[Place] | None,
    moments: Moments | None,
    revision: str,
    key: str,
    label: str,
    prefix: str = "",
    selects: bool = True,
    query: Mapping[str, str | None] | None = None,
) -> None:
    """Show the map, or change the one that stands there under the same key.

    Args:
        points, decoder: names of what stores have brought to the browser.
        pictures: the address of the points' real pictures, or None, to do without.
        classes: names of the classes, one for each label.
        plane: what the map shows; the points' places are of this plane.
        colouring, colouring_name: what the points' colours mean, and what it is called, in short and in full.
        layers: what is shown.
        pins, chosen: places that are marked, those of a line without a height, and the number of the one
            that is chosen.
        pinned: of each pin that is a test picture its index.
        ellipse: place of a posterior and its covariance (xx, xy, yy), shown where none is under the pointer.
        line: places of a path.
        region: corners of a lasso or a box that stays.
        moments: what it follows to other moments of the training.
        revision: the zoom stays while this does.
        key: the map's identity, unique in the app.
        label: what a screen reader says of the map.
        prefix: what the address calls the map's `window` and `hide` begins with, where a page has two maps.
        selects: whether lines and lassos can be drawn.
        query: what the address has to say of each name; None to say nothing.
    """
    origin = plane.coordinates(0 * plane.base[None])[0]
    _mount(
        key=key,
        data={
            "key": key,
            "label": label,
            "prefix": prefix,
            "selects": selects,
            "query": query or {},
            "plotly": plotly_js_url(),
            "points": points,
            "decoder": decoder,
            "pictures": pictures,
            "classes": classes,
            "colours": LABEL_COLOURS,
            "scale": SCALE,
            "plane": {
                "base": plane.base.tolist(),
                "first": plane.first.tolist(),
                "second": plane.second.tolist(),
                "names": plane.names,
            },
            "colouring": colouring,
            "colouringShort": colouring_name[0],
            "colouringName": colouring_name[1],
            "layers": layers,
            "pins": pins,
            "pinned": pinned,
            "chosen": chosen,
            "ellipse": ellipse and {"at": ellipse[0], "covariance": ellipse[1]},
            "prior": {"at": origin.tolist(), "radii": SIGMAS, "line": plane.is_line},
            "line": line,
            "region": region,
            "moments": moments and moments._asdict(),
            "revision": revision,
            **component_events.acknowledged(key),
        },
        on_events_change=lambda: None,  # without it nothing reaches `new_events`
    )


_mount = module_component(
    __file__,
    '<div class="latent-map"><div class="latent-map-legend" role="group" aria-label="Classes"></div>'
    '<div class="latent-map-plot" tabindex="0" role="application">'
    '<canvas class="latent-map-manifold" hidden></canvas><div class="latent-map-chart"></div>'
    '<canvas class="latent-map-past" hidden></canvas><canvas class="latent-map-marks"></canvas></div>'
    '<p class="latent-map-note" role="status"></p>'
    '<div class="latent-map-beside" aria-hidden="true" hidden>'
    "<canvas></canvas><canvas hidden></canvas><p><b></b><b></b></p><span></span></div></div>",
)
