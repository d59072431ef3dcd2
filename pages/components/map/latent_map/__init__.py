"""The map of a latent space: its points, and the pictures that the model decodes at the places between them.

What is under the pointer is decoded in the browser, at every frame; events (a click, a line, a lasso) go to
Python. Points and decoder are sent once, by stores.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pages.components.charts.colours import class_colours, number_colours
from pages.components.shell import component_events
from pages.components.shell.assets import module_component, plotly_js_url
from vae.export.map_figure import Layer
from vae.inference.colourings import Colouring
from vae.inference.planes import Plane

Place = tuple[float, float]  # x, y on the map; elsewhere a "place" is a latent point (Z,)
MapPlace = tuple[float, float | None]  # the same; y is None if the latent space has one dimension
DEFAULT_LAYERS: tuple[Layer, ...] = ("points", "manifold", "prior")
SIGMAS = (1, 2, 3)  # the prior's contours
LONGEST = 2001  # items read of a list in an event: no place has more coordinates, no polygon more corners


class Click(NamedTuple):
    """A click at the latent point `z` (Z,), on the data point of this index or None.

    `points` names the points that the map showed, `revision` and `decoder` the map and the weights.
    """

    z: list[float]
    point: int | None
    points: str
    revision: str
    decoder: str


class Undo(NamedTuple):
    """Takes back the click of number `of`, the first half of a double click, which shows the whole map."""

    of: int


class Region(NamedTuple):
    """A polygon around points of some classes; without corners, the last one was removed."""

    corners: list[Place]
    classes: frozenset[int]
    revision: str


class Line(NamedTuple):
    """A line drawn from one latent point (Z,) to another."""

    start: list[float]
    end: list[float]
    revision: str
    decoder: str


Event = Click | Undo | Region | Line


class TimelineRef(NamedTuple):
    """What the map needs to show earlier moments of the training; they have points of the test set only.

    Attributes:
        timeline: the name of the timeline that it follows.
        points: the name of the test set's points under the newest weights.
        pictures: the URL of the test set's real pictures, or None.
        training: whether the newest map shows the training set instead.
    """

    timeline: str
    points: str
    pictures: str | None
    training: bool = False


def _numbers(values: Any) -> list[float]:
    numbers = [float(each) for each in values[:LONGEST]]
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return numbers


def _corner(values: Any) -> Place:
    x, y = _numbers(values)
    return x, y


def _origin(event: Any) -> tuple[str, str]:
    return str(event["revision"]), str(event["decoder"])


def _event(sent: Any) -> Event:
    """Parses an event. Raises TypeError, KeyError, ValueError or OverflowError if it is none."""
    match sent["kind"]:
        case "click":
            index = None if sent["point"] is None else int(sent["point"])
            return Click(_numbers(sent["z"]), index, str(sent["points"]), *_origin(sent))
        case "undo":
            return Undo(int(sent["of"]))
        case "line":
            return Line(_numbers(sent["from"]), _numbers(sent["to"]), *_origin(sent))
        case "region":
            corners = [_corner(each) for each in sent["corners"][:LONGEST]]
            return Region(corners, frozenset(map(int, sent["classes"][:LONGEST])), str(sent["revision"]))
    raise ValueError


def new_events(key: str) -> Iterator[tuple[int, Event]]:
    """The events of the map `key` with their numbers, as `component_events.new_events`."""
    return component_events.new_events(key, _event)


@dataclass(frozen=True)
class MapContent:
    """What a map shows of a model.

    Attributes:
        points, decoder: names of the points and the decoder in the browser (see `stores`). Without a decoder
            only the points are shown.
        classes: names of the classes, one for each label; a single one where nothing is to be told apart.
        plane: the plane through the latent space; the points lie on the same one.
        revision: names the run and the plane's directions; while it stays, so does the zoom.
        pictures: the URL of the points' real pictures, or None to do without.
        timeline: what the map needs to show earlier moments of the training, or None.
        colouring, colouring_name: what the points' colours mean, and its name, short and long.
        layers: what is visible.
    """

    points: str
    decoder: str | None
    classes: Sequence[str]
    plane: Plane
    revision: str
    pictures: str | None = None
    timeline: TimelineRef | None = None
    colouring: Colouring = "class"
    colouring_name: tuple[str, str] = ("class", "class")
    layers: Sequence[Layer] = DEFAULT_LAYERS


@dataclass(frozen=True)
class MapMarks:
    """What is marked on a map.

    Attributes:
        pins: their map coordinates; y is None if the latent space has one dimension.
        pinned: the index of each pin's test picture, or None.
        chosen: the position of the chosen one in `pins`, or None.
        ellipse: place and covariance (xx, xy, yy) of a posterior, shown while no point is hovered.
        line: places of a path.
        region: corners of a lasso or box.
    """

    pins: Sequence[MapPlace] = ()
    pinned: Sequence[int | None] = ()
    chosen: int | None = None
    ellipse: tuple[MapPlace, tuple[float, float, float]] | None = None
    line: Sequence[MapPlace] | None = None
    region: Sequence[Place] | None = None


class Partner(NamedTuple):
    """The map of another run beside a map: both hide the same classes.

    Attributes:
        key, prefix: of that map.
        axes: whether both have the same axes.
    """

    key: str
    prefix: str
    axes: bool


@dataclass(frozen=True)
class MapPlacement:
    """How a map stands on its page: alone, or as one of two.

    Attributes:
        key: the map's identity, unique in the app.
        prefix: put before the URL parameters `window`, `hide` and `step` of a page's second map.
        selects: whether lines and lassos can be drawn.
        tooltip: whether the picture under the pointer is drawn beside it, as it is nowhere else on the page.
        query: URL parameters to set when the map is drawn, or to remove for None.
        partner: the map beside it, or None.
        legend: whether the classes are listed: one list is enough for a map and its partner.
    """

    key: str
    prefix: str = ""
    selects: bool = True
    tooltip: bool = True
    query: Mapping[str, str | None] | None = None
    partner: Partner | None = None
    legend: bool = True


def latent_map(
    content: MapContent, placement: MapPlacement, marks: MapMarks = MapMarks(), *, label: str
) -> None:
    """Show the map, or change the one with the same key.

    Args:
        label: the map's name for screen readers.
    """
    plane, name = content.plane, content.colouring_name
    origin = plane.coordinates(0 * plane.base[None])[0]
    _mount(
        key=placement.key,
        data={
            "key": placement.key,
            "label": label,
            "prefix": placement.prefix,
            "selects": placement.selects,
            "tooltip": placement.tooltip,
            "query": placement.query or {},
            "partner": placement.partner and placement.partner._asdict(),
            "legend": placement.legend,
            "plotly": plotly_js_url(),
            "points": content.points,
            "decoder": content.decoder,
            "pictures": content.pictures,
            "classes": content.classes,
            "colours": class_colours(len(content.classes)),
            "scale": number_colours(),
            "plane": {
                "base": plane.base.tolist(),
                "first": plane.first.tolist(),
                "second": plane.second.tolist(),
                "names": plane.names,
            },
            "colouring": content.colouring,
            "colouringShort": name[0],
            "colouringName": name[1],
            "layers": content.layers,
            "pins": marks.pins,
            "pinned": marks.pinned,
            "chosen": marks.chosen,
            "ellipse": marks.ellipse and {"at": marks.ellipse[0], "covariance": marks.ellipse[1]},
            "prior": {"at": origin.tolist(), "radii": SIGMAS, "line": plane.is_line},
            "line": marks.line,
            "region": marks.region,
            "moments": content.timeline and content.timeline._asdict(),
            "revision": content.revision,
            **component_events.acknowledged(placement.key),
        },
        on_events_change=lambda: None,  # without it nothing reaches `new_events`
    )


_mount = module_component(
    __file__,
    '<div class="latent-map component-controls">'
    # The first stop of the Tab key: Streamlit puts its sidebar before all that a page can place.
    '<button type="button" class="latent-map-skip" tabindex="1">Skip to the map</button>'
    '<div class="latent-map-legend" data-on-screen="legend" role="group" aria-label="Classes"></div>'
    '<div class="latent-map-plot" data-on-screen="map" tabindex="0" role="application">'
    '<canvas class="latent-map-manifold" hidden></canvas><div class="latent-map-chart"></div>'
    '<canvas class="latent-map-points" hidden></canvas>'
    '<canvas class="latent-map-marks" hidden></canvas></div>'
    '<p class="latent-map-note component-note" role="status"></p>'
    '<div class="latent-map-tooltip pixelated" aria-hidden="true" hidden>'
    "<canvas></canvas><canvas hidden></canvas><p><b></b><b></b></p><span></span></div></div>",
)
