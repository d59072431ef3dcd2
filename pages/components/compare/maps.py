"""The two maps of the Compare page with one time slider, and beside them what both draw, and what differs."""

from dataclasses import dataclass, replace
from html import escape

import streamlit as st

from pages.components.compare.metrics_table import first_figures
from pages.components.compare.pair import Pair
from pages.components.compare.shared_pin import Mark, current_mark, mark_query
from pages.components.map import map_data
from pages.components.map.explorer_map import (
    ExplorerPlacement,
    View,
    chosen_point,
    explorer_map,
    url_of_test_images,
)
from pages.components.map.latent_map import Partner
from pages.components.map.look_panel import look_panel
from pages.components.map.map_controls import MapSettings, map_controls
from pages.components.map.pins import Pins
from pages.components.map.samples import samples_row
from pages.components.map.time_machine import Link
from pages.components.runs import loaded_model, run_data, run_moments
from pages.components.runs.loaded_model import LoadedModel
from pages.components.runs.run_heading import config_summary
from pages.components.shell.page_layout import folding_controls, screen_part
from pages.components.shell.url_state import take_default
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import points_store
from vae.inference.planes import PlaneChoice, axis_directions
from vae.runs.run import Run

SIDES = ("left", "right")
LEFT = ExplorerPlacement("left", selects=False, tooltip=False, timeline="left_moment")
RIGHT = ExplorerPlacement(
    "right", prefix="with_", selects=False, tooltip=False, timeline="right_moment", legend=False
)
LINKED, SAME_AXES = "linked", "same_axes"  # keys of the widgets, and so their URL parameters
LINKS = ("epoch", "step", "free")  # how the two time sliders are linked
# With linked time sliders the left one is that of both.
_ONE_SLIDER = (
    "<style>.st-key-right_moment .time-machine-row:first-child, "
    ".st-key-right_moment .time-machine-row label { display: none; }</style>"
)
Sides = tuple[tuple[View, ExplorerPlacement], tuple[View, ExplorerPlacement]]


@dataclass(frozen=True)
class PairSettings:
    """How the two maps are shown.

    Attributes:
        maps: what both show.
        linked: one of `LINKS`.
        same_axes: whether both have the same axes.
    """

    maps: MapSettings
    linked: str
    same_axes: bool


def pair_controls(pair: Pair, *, classes: bool) -> PairSettings:
    """Shows the widgets in a row; each is a parameter of the URL.

    `classes`: whether any of the two has classes.
    """
    with folding_controls("Colours, layers and time"):
        maps = map_controls(max(pair.latent_dims), classes=classes, choose_set=False)
        take_default(LINKED, LINKS[0], LINKS[:1])
        linked = st.segmented_control(
            "Time",
            LINKS,
            default=LINKS[0],
            format_func=lambda link: link if link == "free" else f"same {link}",
            required=True,
            key=LINKED,
            bind="query-params",
            persist_state="session",
            width="content",
            help="One slider for both runs, at the same epoch or the same step; or one for each.",
        )
        take_default(SAME_AXES, True, ["true"])
        same_axes = st.toggle(
            "Same axes",
            value=True,
            key=SAME_AXES,
            bind="query-params",
            persist_state="session",
            help="Both maps show the same part of the plane, on one scale.",
        )
    return PairSettings(maps, linked, same_axes and pair.same_axes)


def side(
    run: Run, loaded: LoadedModel, settings: MapSettings, placement: ExplorerPlacement
) -> tuple[View, ExplorerPlacement]:
    """The view of a run's map. Called outside of fragments, as it also sends the large data to the browser.

    With more than two dimensions the map shows the plane of the principal components, as the axes of two
    runs are unrelated.
    """
    decoder_store(loaded.decoder, key=f"{placement.key}_decoder")
    dimensions = loaded_model.dimensions(run, loaded)
    directions = dimensions.principal or axis_directions(run.config.latent_dim)
    plane_choice = PlaneChoice(directions, dimensions.mean, at_pin=True)
    points = map_data.points_of(run, loaded, directions)
    points_store(points, key=f"{placement.key}_points")
    moments = moments_store(run_moments.load(run, loaded), key=f"{placement.key}_moments")
    pictures_url = url_of_test_images(run, loaded)
    view = View(run, loaded, settings, plane_choice, loaded.test, points, pictures_url, moments)
    return view, placement


def pair_maps(pair: Pair, sides: Sides, settings: PairSettings) -> None:
    """Shows the maps, their time slider, what both draw and the first figures. A click reruns only this."""
    mark = current_mark(pair, sides)
    query = mark_query(mark)
    linked = settings.linked != "free"
    if linked:
        st.html(_ONE_SLIDER)
    with st.container(key="pair"):
        maps, beside = st.columns(2)
        with maps:
            columns = st.container(key="pair_maps").columns(2)
            times = st.container(key="pair_times")
            _samples(sides)
        for column, (view, placement), name in zip(columns, sides, SIDES, strict=True):
            other = RIGHT if placement is LEFT else LEFT
            as_linked = replace(
                placement,
                query=query if placement is LEFT else None,
                linked=Link(other.timeline, settings.linked) if linked else None,
                time_in=times,
                partner=Partner(other.key, other.prefix, settings.same_axes) if pair.same_classes else None,
                legend=placement.legend or not pair.same_classes,
            )
            with column:
                _head(view.run, name)
                explorer_map(view, _pins(mark, view), placement=as_linked)
        with beside:
            _decoded(mark, sides)
            with screen_part("figures"):
                first_figures(pair, (sides[0][0].loaded, sides[1][0].loaded))


def _samples(sides: Sides) -> None:
    """A row of samples of each run, of the same noise."""
    for column, (view, placement) in zip(st.container(key="pair_samples").columns(2), sides, strict=True):
        with column:
            samples_row(
                view.loaded.decoder.name,
                view.loaded.test,
                key=f"{placement.key}_samples",
                timeline=placement.timeline,
            )


def _head(run: Run, name: str) -> None:
    """A line above a map: which run it is, and at which side."""
    title = run_data.title(run)
    about = config_summary(run)
    st.html(
        f'<p class="pair-head" title="{escape(about)}"><b>{escape(title)}</b> '
        f"<span>{name} · {escape(about)}</span></p>"
    )


def _pins(mark: Mark | None, view: View) -> Pins:
    return Pins() if mark is None else mark.pins(view.loaded.test.means)


def _decoded(mark: Mark | None, sides: Sides) -> None:
    """Of each run what it draws at the place under the pointer, and at the marked one, or at z = 0."""
    for column, (view, placement), name in zip(
        st.container(key="pair_digits").columns(2), sides, SIDES, strict=True
    ):
        pins = _pins(mark, view)
        with column:
            look_panel(
                view.loaded.decoder.name,
                key=f"{name}_look",
                timeline=placement.timeline,
                chart=placement.key,
                hint="Move over a map.",
                plane=view.plane(pins),
                chosen=None if mark is not None and not pins.row else chosen_point(pins, view),
            )
