"""The map of a latent space: its points, and what the model draws at every place between them.

What lies under the pointer is decoded in the browser, at every frame; what happens on the map (a click, a
line, a lasso) comes to Python. Points and decoder are brought by stores: they do not travel again.
"""

import math
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import plotly.colors
import streamlit as st

from pages.components.charts import LABEL_COLOURS
from pages.components.planes import Plane
from pages.components.served import module_component, plotly_js_url

Place = tuple[float, float]  # of the map
Layer = Literal["points", "manifold", "ellipses", "prior"]
Colouring = Literal["class", "reconstruction", "kl", "deviation", "distance"]
# From blue to orange, which everybody can tell apart, and neither end lost on a light or a dark page.
SCALE = plotly.colors.sample_colorscale(["#4477ff", "#cc5599", "#ffaa22"], 24)
SIGMAS = (1, 2, 3)  # the prior's contours
MOST = 100  # events at a time


class Click(NamedTuple):
    """A clicked place of the latent space (Z,), and the data point that lies there, or None, of the points
    of that name."""

    z: list[float]
    point: int | None
    points: str


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
    """A line drawn from one place of the latent space (Z,) to another."""

    start: list[float]
    end: list[float]


Event = Click | Undo | Region | Line


def _numbers(told: Any) -> list[float]:
    numbers = [float(each) for each in told]
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return numbers


def _corner(told: Any) -> Place:
    x, y = _numbers(told)
    return x, y


def _event(told: Any) -> Event:
    """What the browser told. TypeError, KeyError, ValueError or OverflowError, if not by our script."""
    match told["kind"]:
        case "click":
            point = told["point"]
            return Click(_numbers(told["z"]), None if point is None else int(point), str(told["points"]))
        case "undo":
            return Undo(int(told["of"]))
        case "line":
            return Line(_numbers(told["from"]), _numbers(told["to"]))
        case "region":
            corners = [_corner(each) for each in told["corners"]]
            return Region(corners, frozenset(map(int, told["classes"])), str(told["revision"]))
    raise ValueError


def _heard(key: str) -> str:
    return f"{key}_heard"


def happened(key: str) -> Iterator[tuple[int, Event]]:
    """What happened on the map `key` since this was last asked, with its number, the oldest first.

    Each only once: it counts as heard when the next is asked for. A run of the script that is broken off
    before leaves it to the next.
    """
    told = st.session_state.get(key, {}).get("happened") or []
    for each in told[-MOST:] if isinstance(told, list) else []:
        try:
            number, event = int(each["number"]), _event(each)
        except (TypeError, KeyError, ValueError, OverflowError):  # it comes from a browser
            continue
        if number > st.session_state.get(_heard(key), 0):
            yield number, event
            st.session_state[_heard(key)] = number


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
    chosen: int | None,
    ellipse: tuple[Place, tuple[float, float, float]] | None,
    line: Sequence[tuple[float, float | None]] | None,
    region: Sequence[Place] | None,
    revision: str,
    key: str,
    label: str,
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
        ellipse: place of a posterior and its covariance (xx, xy, yy), shown where none is under the pointer.
        line: places of a path.
        region: corners of a lasso or a box that stays.
        revision: the zoom stays while this does.
        key: the map's identity, unique in the app.
        label: what a screen reader says of the map.
    """
    origin = plane.coordinates(0 * plane.base[None])[0]
    line_prior = not plane.second.any()
    _mount(
        key=key,
        data={
            "key": key,
            "label": label,
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
            "chosen": chosen,
            "ellipse": ellipse and {"at": ellipse[0], "covariance": ellipse[1]},
            "prior": {"at": origin.tolist(), "radii": SIGMAS, "line": line_prior},
            "line": line,
            "region": region,
            "revision": revision,
            "heard": st.session_state.get(_heard(key), 0),
            "session": st.session_state.setdefault(f"{key}_session", secrets.token_hex(4)),
        },
        on_happened_change=lambda: None,  # without it nothing reaches `happened`
    )


_mount = module_component(
    "latent_map",
    '<div class="latent-map"><div class="latent-map-legend" role="group" aria-label="Classes"></div>'
    '<div class="latent-map-plot" tabindex="0" role="application">'
    '<canvas class="latent-map-manifold" hidden></canvas><div class="latent-map-chart"></div>'
    '<canvas class="latent-map-marks"></canvas></div><p class="latent-map-note" role="status"></p>'
    '<div class="latent-map-beside" aria-hidden="true" hidden>'
    "<canvas></canvas><canvas hidden></canvas><p><b></b><b></b></p><span></span></div></div>",
)
