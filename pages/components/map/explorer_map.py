"""The map on which a run is explored: its points, the pins, a path, and the time machine below it."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.map import map_data
from pages.components.map.drawings import Ends, chosen_path_kind
from pages.components.map.latent_map import (
    Click,
    Line,
    MapContent,
    MapMarks,
    MapPlace,
    MapPlacement,
    Place,
    Region,
    TimelineRef,
    latent_map,
)
from pages.components.map.look_panel import ChosenPoint
from pages.components.map.map_controls import COLOURINGS, MapSettings
from pages.components.map.pins import Pins
from pages.components.map.time_machine import Link, example_colours, time_machine
from pages.components.runs import run_data
from pages.components.runs.loaded_model import LoadedModel
from pages.components.stores import pictures
from pages.components.stores.points import MapPoints
from vae.inference.paths import path_places
from vae.inference.planes import Plane, PlaneChoice
from vae.inference.scored_set import Floats, ScoredSet
from vae.runs.records import LIVE
from vae.runs.run import Run

MAP, TIME = "map", "moment"  # keys of the map and of its time machine


class View(NamedTuple):
    """What the map shows of a run, apart from pins, path and region.

    Attributes:
        pictures: the set that the map shows: the test set, or the training set.
        points: of that set, on the planes of `plane_choice`.
        pictures_url: of the points' real pictures, or None where they are not available, or not yet.
        moments: the name of the list of the run's moments in the browser.
    """

    run: Run
    loaded: LoadedModel
    settings: MapSettings
    plane_choice: PlaneChoice
    pictures: ScoredSet
    points: MapPoints
    pictures_url: str | None
    moments: str

    @property
    def revision(self) -> str:
        """A name for the run and the plane's directions; newer weights change principal components only."""
        return f"{self.run.name}: {self.plane_choice.directions.name}"

    def plane(self, pins: Pins) -> Plane:
        """The plane that the map shows while these are pinned."""
        return self.plane_choice.plane(None if pins.chosen is None else pins.chosen.z)

    @property
    def is_training_set(self) -> bool:
        """Whether the map shows the training set."""
        return self.pictures is not self.loaded.test

    def matches(self, event: Click | Line) -> bool:
        """Whether an event was made on this map, not on the last one, which stays while a run is loaded.

        It is enough that either agrees: newer weights change the decoder, another plane the revision.
        """
        return event.revision == self.revision or event.decoder == self.loaded.decoder.name

    def test_picture(self, point: int | None, points: str) -> int | None:
        """The index of the clicked test picture; None if no point was clicked, or one of another set.

        Also right for a click at an earlier moment. Training pictures cannot be pinned by index.
        """
        test = map_data.points_of(self.run, self.loaded, self.plane_choice.directions)
        if point is None or points != test.name:
            return None
        return point if 0 <= point < len(test.labels) else None


@dataclass(frozen=True)
class ExplorerPlacement(MapPlacement):
    """How a map and its time machine stand on a page.

    Attributes:
        timeline: the key of the time machine.
        linked: another timeline that this one moves, or None.
        time_in: the container of the time machine; None for below the map.
    """

    key: str = MAP
    timeline: str = TIME
    linked: Link | None = None
    time_in: DeltaGenerator | None = None


def explorer_map(
    view: View,
    pins: Pins,
    path: Ends | None = None,
    region: Region | None = None,
    placement: ExplorerPlacement = ExplorerPlacement(),
) -> None:
    """Shows the map, its time machine, and a caption about the plane that the map shows."""
    run, loaded, settings = view.run, view.loaded, view.settings
    plane = view.plane(pins)
    test_points = map_data.points_of(run, loaded, view.plane_choice.directions)
    colouring, meaning = COLOURINGS[settings.colour]
    content = MapContent(
        points=view.points.name,
        decoder=loaded.decoder.name,
        classes=loaded.classes,
        plane=plane,
        revision=view.revision,
        pictures=view.pictures_url,
        timeline=TimelineRef(
            placement.timeline,
            test_points.name,
            url_of_test_images(run, loaded),
            training=view.is_training_set,
        ),
        colouring=colouring,
        colouring_name=(settings.colour, meaning),
        layers=settings.layers,
    )
    latent_map(content, placement, _marks(plane, pins, path, region, test_points), label=map_label(run))
    with placement.time_in or nullcontext():
        time_machine(
            view.moments,
            live=run_data.status(run).state in LIVE,
            linked=placement.linked,
            address=f"{placement.prefix}step",
            stripes=example_colours(loaded.test.labels[loaded.test.examples], len(loaded.classes)),
            key=placement.timeline,
        )
        if len(plane.base) != 2:
            st.caption(view.plane_choice.sentence(pins.chosen is not None))


def map_label(run: Run) -> str:
    """The name of the map of `run` for screen readers, and the keys that it knows."""
    keys = "Arrows move a cursor, Enter pins, + and - zoom, 0 shows all."
    return f"Latent space of {run_data.title(run)}. {keys}"


def url_of_test_images(run: Run, loaded: LoadedModel) -> str | None:
    """The URL of the test set's real pictures; None if they are not packed yet, or cannot be had."""
    return None if loaded.missing else pictures.pictures_url(run.config.dataset)


def _marks(
    plane: Plane, pins: Pins, path: Ends | None, region: Region | None, test_points: MapPoints
) -> MapMarks:
    """Pins, path and region in map coordinates; a pinned test picture is where its point is."""

    def on_map(places: Floats) -> list[MapPlace]:
        return [(x, None if plane.is_line else y) for x, y in plane.coordinates(places).tolist()]

    def of_picture(index: int) -> Place:
        x, y = test_points.xy[index].tolist()
        return x, y

    chosen = pins.chosen
    ellipse = None
    if chosen is not None and chosen.index is not None:
        ellipse = of_picture(chosen.index), test_points.covariance[chosen.index].tolist()
    return MapMarks(
        pins=[on_map(pin.z[None])[0] if pin.index is None else of_picture(pin.index) for pin in pins.row],
        pinned=[pin.index for pin in pins.row],
        chosen=None if chosen is None else [pin.number for pin in pins.row].index(chosen.number),
        ellipse=ellipse,
        line=None if path is None else on_map(path_places(path.start, path.end, chosen_path_kind())),
        region=region and region.corners,
    )


def chosen_point(pins: Pins, view: View, free: str = "Free point") -> ChosenPoint:
    """The chosen pin, or z = 0 if nothing is pinned, for `look_panel`; `free` names one that is no image."""
    chosen, test = pins.chosen, view.loaded.test
    if chosen is None:
        return ChosenPoint([0.0] * test.means.shape[1], "Nothing is pinned: z\u00a0=\u00a00")
    if chosen.index is None:
        return ChosenPoint(chosen.z.tolist(), free)
    index = chosen.index
    return ChosenPoint(
        test.means[index].tolist(),
        f"Test image {view.loaded.image_title(index)}",
        index,
        None if view.loaded.missing else test.images[index],
        float(test.reconstruction[index]),
        float(test.kl[index]),
    )
