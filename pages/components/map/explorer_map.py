"""The map of a run as one walks it: its points, the pins, a path, the digit beside the pointer."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.map import map_data
from pages.components.map.drawings import Ends, chosen_way
from pages.components.map.latent_map import Click, Line, Moments, Place, Region, latent_map
from pages.components.map.map_controls import COLOURINGS, Shown
from pages.components.map.pins import Pins
from pages.components.map.time_machine import Chosen, Link, time_machine
from pages.components.runs import loaded_model, run_data
from pages.components.runs.loaded_model import LoadedModel
from pages.components.stores import pictures
from pages.components.stores.points import MapPoints
from vae.datasets.registry import class_names
from vae.inference.paths import path_places
from vae.inference.planes import Plane, PlaneChoice
from vae.inference.scored_set import Floats, ScoredSet
from vae.runs.records import LIVE
from vae.runs.run import Run

MAP, TIME = "map", "moment"  # keys of the map and of its time machine


class View(NamedTuple):
    """What the map shows, whatever is clicked on it.

    Attributes:
        points: of the test set or the training set, as `shown` says, on the planes of `picked`.
        pictures_url: where their real pictures are, or None where these cannot be had, or not yet.
        moments: the name of the list of the run's moments in the browser.
    """

    run: Run
    loaded: LoadedModel
    shown: Shown
    picked: PlaneChoice
    points: MapPoints
    pictures_url: str | None
    moments: str

    @property
    def revision(self) -> str:
        """Of what coordinates of the map mean: newer weights have other principal components."""
        return f"{self.run.name}: {self.picked.directions.name}"

    def plane(self, pins: Pins) -> Plane:
        """That which the map shows while these are pinned."""
        return self.picked.plane(None if pins.chosen is None else pins.chosen.z)

    @property
    def pictures(self) -> ScoredSet:
        """Those of the points."""
        training = self.shown.training
        return loaded_model.training_set(self.run, self.loaded) if training else self.loaded.test

    def is_of(self, event: Click | Line) -> bool:
        """Whether its places mean something here: while the next run is encoded, the map of the last still
        hears. Newer weights of a run have another decoder, and another plane of it another revision."""
        return event.revision == self.revision or event.decoder == self.loaded.decoder.name

    def test_picture(self, point: int | None, points: str) -> int | None:
        """The test picture that a point is, of these weights or of another moment of the training. The
        training set's are pictures too, but no page knows them."""
        test = map_data.points_of(self.run, self.loaded, self.picked.directions)
        if point is None or points != test.name:
            return None
        return point if 0 <= point < len(test.labels) else None


class Mounting(NamedTuple):
    """How a map stands on its page: one of two, or alone. The first four are as `latent_map` has them;
    `timeline` is that of its time machine, which moves the one it is `linked` with."""

    key: str = MAP
    prefix: str = ""
    selects: bool = True
    query: Mapping[str, str | None] | None = None
    timeline: str = TIME
    linked: Link | None = None


ALONE = Mounting()


def walked_map(
    view: View, pins: Pins, path: Ends | None, region: Region | None, mounting: Mounting = ALONE
) -> None:
    """Shows the map, its time machine, and a sentence of what it shows."""
    run, loaded, shown, picked, points, pictures_url, _ = view
    chosen = pins.chosen
    plane = view.plane(pins)
    of_test = map_data.points_of(run, loaded, picked.directions)

    colouring, meaning = COLOURINGS[shown.colour]

    def on_map(z: Floats) -> list[tuple[float, float | None]]:
        return [(float(x), None if plane.is_line else float(y)) for x, y in plane.coordinates(z)]

    marks = [
        on_map(pin.z[None])[0] if pin.index is None else _place(of_test.xy[pin.index]) for pin in pins.row
    ]
    number = None if chosen is None else [pin.number for pin in pins.row].index(chosen.number)
    ellipse = None
    if chosen is not None and chosen.index is not None:
        ellipse = _place(of_test.xy[chosen.index]), of_test.covariance[chosen.index].tolist()
    latent_map(
        points=points.name,
        decoder=loaded.decoder.name,
        pictures=pictures_url,
        classes=class_names(run.config.dataset),
        plane=plane,
        colouring=colouring,
        colouring_name=(shown.colour, meaning),
        layers=shown.layers,
        pins=marks,
        pinned=[pin.index for pin in pins.row],
        chosen=number,
        ellipse=ellipse,
        line=None if path is None else on_map(path_places(path.start, path.end, chosen_way())),
        region=region and region.corners,
        moments=Moments(mounting.timeline, of_test.name, pictures.pictures_url(run.config.dataset)),
        revision=view.revision,
        label=f"Latent space of {run.name}. Arrows move a cursor, Enter pins, + and - zoom, 0 shows all.",
        key=mounting.key,
        prefix=mounting.prefix,
        selects=mounting.selects,
        query=mounting.query,
    )
    time_machine(
        view.moments,
        _chosen(pins, view),
        live=run_data.status(run).state in LIVE,
        linked=mounting.linked,
        address=f"{mounting.prefix}step",
        key=mounting.timeline,
    )
    if len(plane.base) != 2:
        st.caption(picked.sentence(chosen is not None))


def _chosen(pins: Pins, view: View) -> Chosen | None:
    """What the time machine draws: the chosen place, or the test picture that was picked."""
    chosen, test = pins.chosen, view.loaded.test
    if chosen is None:
        return None
    if chosen.index is None:
        return Chosen(chosen.z.tolist())
    index = chosen.index
    name = f"{class_names(view.run.config.dataset)[test.labels[index]]} · #{index}"
    return Chosen(test.means[index].tolist(), index, test.images[index], name)


def _place(xy: np.ndarray) -> Place:
    return float(xy[0]), float(xy[1])
