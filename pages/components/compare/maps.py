"""The two maps of the Compare page: both draw the place under the pointer, and both show the mark.

Shapes: S pixels a side.
"""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.components.charts.tables import better, comparison, number_table
from pages.components.charts.tiles import TileLayout, tiles
from pages.components.compare.pair import Pair
from pages.components.compare.shared_pin import current_mark, mark_query
from pages.components.map import map_data
from pages.components.map.explorer_map import ExplorerPlacement, View, explorer_map
from pages.components.map.look_panel import look_panel
from pages.components.map.map_controls import MapSettings
from pages.components.map.pins import Pins
from pages.components.map.time_machine import Link
from pages.components.runs import loaded_model, run_data, run_moments
from pages.components.runs.loaded_model import LoadedModel
from pages.components.runs.run_heading import config_summary
from pages.components.shell.messages import escape_markdown
from pages.components.stores import pictures
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.stores.points import points_store
from vae.datasets.registry import class_names
from vae.inference.formatting import format_number
from vae.inference.planes import PlaneChoice, axis_directions
from vae.inference.scored_set import TERMS, mean_losses
from vae.runs.run import Run

SIDES = ("left", "right")
LEFT = ExplorerPlacement("left", selects=False, timeline="left_moment")
RIGHT = ExplorerPlacement("right", prefix="with_", selects=False, timeline="right_moment")
LINKS = ("epoch", "step", "free")  # how the two time sliders are linked
Sides = tuple[tuple[View, ExplorerPlacement], tuple[View, ExplorerPlacement]]


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
    pictures_url = pictures.pictures_url(run.config.dataset)
    view = View(run, loaded, settings, plane_choice, loaded.test, points, pictures_url, moments)
    return view, placement


def pair_maps(pair: Pair, sides: Sides) -> None:
    """Shows both maps, a digit panel above each, and the mark below them. A click reruns only this."""
    mark = current_mark(pair, sides)
    query = mark_query(mark)
    linked = st.segmented_control(
        "Time sliders",
        LINKS,
        default=LINKS[0],
        format_func=lambda link: link if link == "free" else f"same {link}",
        required=True,
        key="linked",
        bind="query-params",
        help="Move one, and the other goes along to the same epoch or step; or each by itself.",
    )
    columns = st.container(key="pair_beside_maps").columns(2, gap="medium")
    for column, (view, placement), name in zip(columns, sides, SIDES, strict=True):
        run, loaded = view.run, view.loaded
        with column:
            st.subheader(
                escape_markdown(run_data.title(run)), anchor=False, help=f"Run {escape_markdown(run.name)}."
            )
            st.caption(f"At the {name}. {config_summary(run, run_data.status(run))}")
            look_panel(
                loaded.decoder.name,
                key=f"{name}_look",
                timeline=placement.timeline,
                chart=placement.key,
                hint="Move over a map.",
            )
            pins = Pins() if mark is None else mark.pins(loaded.test.means)
            other = RIGHT if placement is LEFT else LEFT
            as_linked = replace(
                placement,
                query=query if placement is LEFT else None,
                linked=None if linked == "free" else Link(other.timeline, linked),
            )
            explorer_map(view, pins, placement=as_linked)
    if mark is None:
        st.caption(
            "A click on a point marks its picture on both maps; a click between the points, that place."
        )
        return
    with st.container(key="pair_chosen"):
        if mark.index is not None:
            _picture(sides, mark.index)
        else:
            _place(sides, mark.z)


def _picture(sides: Sides, index: int) -> None:
    """A test picture, its two reconstructions, and their losses."""
    loaded = [view.loaded for view, _ in sides]
    tests = [each.test for each in loaded]
    drawn = [each.model.decode(each.test.means[index][None])[0] for each in loaded]
    run = sides[0][0].run
    name = class_names(run.config.dataset)[tests[0].labels[index]]
    st.markdown(f"**Test picture {index}: {escape_markdown(name)}**")
    beside = st.container(key="pair_beside_losses")
    pictures, losses = beside.columns([3, 2], gap="medium", vertical_alignment="center")
    with pictures:
        tiles(
            np.stack([tests[0].images[index], *drawn])[None],
            key="pair_picture",
            label="The picture and its two reconstructions",
            layout=TileLayout(500, ("picture", *SIDES)),
        )
    left, right = (mean_losses(test, np.array([index])) for test in tests)
    rows = {term: comparison(left[term], right[term], 2) for term in TERMS}
    best = {term: better(left[term], right[term], 2, lower=True) for term in TERMS if term != "KL"}
    with losses:
        bold = {term: column for term, column in best.items() if column is not None}
        st.html(number_table(("nats", *SIDES, "right − left"), rows, bold))
        st.caption(
            "The reconstructions are decoded from the posteriors' means; the losses have z sampled once. The "
            "better one is bold. KL is a price, which alone is not better or worse."
        )


def _place(sides: Sides, z: tuple[float, ...]) -> None:
    """Shows what each model with as many latent dimensions draws at a place."""
    there = [
        (view, name)
        for (view, _), name in zip(sides, SIDES, strict=True)
        if len(z) == view.run.config.latent_dim
    ]
    place = np.array(z, np.float32)
    st.markdown(f"**What they draw at z = ({escape_markdown(', '.join(map(format_number, z)))})**")
    tiles(
        np.stack([map_data.picture_at(view.loaded, place) for view, _ in there])[None],
        key="pair_place",
        label="What is drawn at the marked place",
        layout=TileLayout(330, [name for _, name in there]),
    )
    if len(there) == 1:
        st.caption(f"Only at the {there[0][1]}: at the other side z has another number of dimensions.")
