"""A run on a page without a server: the app's components, recorded instead of mounted, and what they show.

Shapes: N test images, Z latent size.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from pages.components.charts.live_figure import Cursor, live_figure
from pages.components.charts.tiles import TileClicks, TileLayout, tiles
from pages.components.compare.pair import Pair
from pages.components.explore.coordinates import coordinates
from pages.components.explore.page_document import base64_text, packed_numbers
from pages.components.explore.path_strip import path_strip
from pages.components.explore.pins_row import pins_row
from pages.components.map.explorer_map import map_label
from pages.components.map.latent_map import MapContent, MapPlacement, Partner, TimelineRef, latent_map
from pages.components.map.look_panel import ChosenPoint, look_panel
from pages.components.map.pins import Pins
from pages.components.map.samples import samples_row
from pages.components.map.time_machine import Link, time_machine
from pages.components.runs import loaded_model, run_data, run_moments
from pages.components.runs.config_text import field_label, value_text
from pages.components.runs.loaded_model import LoadedModel
from pages.components.runs.run_curves import curves_figure
from pages.components.shell.recorded_mounts import recording
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import Moments, moments_store
from pages.components.stores.pictures import packed_pictures
from pages.components.stores.points import MapPoints, map_points, points_store
from vae.config import DATA_FIELDS, EXECUTION_FIELDS, TrainConfig
from vae.datasets.registry import record_of
from vae.export.colours import CLASS_COLOURS, colours_of_classes
from vae.runs.run import Run


class RecordedRun:
    """One of the page's runs: its components and stores as they would be mounted, and what they need.

    Args:
        runs: one, or two under one pointer.
        number: which of them this is.
        pictures: whether the real test images are there, if the data set is.
        count: of the moments at most, the newest weights among them.

    Raises VaeError if the run has no weights or is damaged.

    Attributes:
        mounts: of components and stores.
        moments: the files of its moments by the names that stand for their URLs.
    """

    def __init__(self, runs: Sequence[Run], number: int, *, pictures: bool, count: int) -> None:
        self.run, self.number, self.count = runs[number], number, count
        self.pair = Pair(*runs) if len(runs) > 1 else None
        self.loaded: LoadedModel = loaded_model.load(self.run)
        self.dimensions = loaded_model.dimensions(self.run, self.loaded)
        self.has_pictures = pictures and not self.loaded.missing
        self.directions = self.dimensions.largest
        self.plane = self.directions.through(self.dimensions.mean)
        self.points: MapPoints = map_points(self.loaded.test, self.directions)
        self.moments: dict[str, bytes] = {}
        with recording() as self.mounts:
            decoder_store(self.loaded.decoder, self._key("decoder"))
            points_store(self.points, self._key("points"))
            moments = moments_store(self._moments(), self._key("moments"))
            self._map()
            self._panels(moments)
            if not number:
                self._curves(runs)

    def _key(self, name: str) -> str:
        """The key of a component, of its own for each run."""
        return f"{name}{self.number or ''}"

    def description(self, level: int) -> dict[str, Any]:
        """What the page's script knows of the run."""
        test, loaded = self.loaded.test, self.loaded
        found: dict[str, Any] = {
            "title": run_data.title(self.run),
            "suffix": self._key(""),
            "mounts": {
                mount.key: {"name": mount.name, "data": mount.data}
                for mount in self.mounts
                if not mount.script
            },
            "colours": {theme: colours_of_classes(len(loaded.classes), theme) for theme in CLASS_COLOURS},
            "examples": test.labels[test.examples].tolist() if loaded.has_classes else [],
            "settings": _settings(self.run.config),
            "data": self._data_set(),
            "mean": self.dimensions.mean.tolist(),
        }
        if self.has_pictures:
            found["pictures"] = base64_text(packed_pictures(test.images))
        if (principal := self.dimensions.principal) is not None:
            both = np.stack([test.means, test.logvars])  # (2, N, Z)
            found["posteriors"] = packed_numbers(both.astype("<f4").tobytes(), level)
            found["order"] = self.dimensions.order.tolist()
            found["principal"] = {
                **{name: getattr(principal, name).tolist() for name in ("first", "second", "centre")},
                "names": principal.names,
                "shown": principal.shown,
            }
        return found

    def _moments(self) -> Moments:
        """The moments of the run, as many as the page may have, with names of files as their URLs."""
        found = run_moments.load(self.run, self.loaded)
        *earlier, newest = found.moments
        count = min(self.count - 1, len(earlier))
        chosen = []
        for at in np.linspace(0, len(earlier) - 1, count):
            moment = earlier[round(at)]
            name = f"{self.number} {moment.step}"
            with suppress(FileNotFoundError):  # a resumed training removes those that it will write again
                self.moments[name] = self.run.snapshot_path(moment.step).read_bytes()
                chosen.append(moment._replace(url=name))
        return replace(found, moments=(*chosen, newest))

    def _map(self) -> None:
        shown = MapContent(
            points=self.points.name,
            decoder=self.loaded.decoder.name,
            classes=self.loaded.classes,
            plane=self.plane,
            revision=f"{self.run.name}: {self.directions.name}",
            timeline=TimelineRef(self._key("moment"), self.points.name, None),
        )
        prefix, other = ("with_", "") if self.number else ("", "with_")
        partner = None
        if self.pair and self.pair.same_classes:
            partner = Partner("map" if self.number else "map1", other, axes=self.pair.same_axes)
        placement = MapPlacement(self._key("map"), prefix, tooltip=False, partner=partner)
        latent_map(shown, placement, label=map_label(self.run))

    def _panels(self, moments: str) -> None:
        run, loaded, plane, key = self.run, self.loaded, self.plane, self._key
        decoder, timeline = loaded.decoder.name, key("moment")
        origin = np.zeros(len(plane.base), np.float32)
        chart = key("map") if self.pair else None
        chosen = ChosenPoint(origin.tolist(), "")
        look_panel(
            decoder,
            key=key("look"),
            timeline=timeline,
            aloud=not self.number,
            chart=chart,
            plane=plane,
            chosen=chosen,
        )
        linked = Link("moment" if self.number else "moment1", "epoch") if self.pair else None
        address = "with_step" if self.number else "step"
        time_machine(moments, stripes=(), counts=False, key=timeline, address=address, linked=linked)
        samples_row(decoder, loaded.test, key=key("samples"), timeline=timeline)
        pins_row(Pins(), loaded, plane, run=run.name, query={})
        if self.has_pictures:
            tiles(
                loaded.test.images[:1, None],
                key=key("nearest"),
                label="Nearest test images; a click pins one",
                layout=TileLayout(48),
                clicks=TileClicks([0]),
            )
        ends = np.stack((origin, origin))
        path_strip(
            ends,
            decoder,
            timeline=timeline,
            numbers=plane.displayed_coordinates(ends),
            names=plane.coordinate_labels,
            key=key("path"),
            label="",
        )
        if len(origin) != 2:
            coordinates(origin, self.dimensions, loaded.test.reach)

    def _curves(self, runs: Sequence[Run]) -> None:
        """The losses of all runs of the page."""
        live_figure(
            curves_figure(runs, run_data.status(self.run), "linear", "epoch"),
            key="curves",
            height=300,
            label=f"Reconstruction, KL and −ELBO of {' and '.join(map(run_data.title, runs))}",
            cursor=Cursor("moment", "epoch"),
        )

    def _data_set(self) -> str:
        """A sentence on the data, their source and licence."""
        name = self.run.config.dataset
        if self.loaded.missing:
            return f"Trained on the data set {name}."
        record = record_of(name)
        licence = record.licence and f"licence: {record.licence}"
        parts = (f"Trained on the data set {name}", record.source, licence)
        return "; ".join(part.rstrip(".") for part in parts if part) + "."


def _settings(config: TrainConfig) -> list[tuple[str, str]]:
    """The fields of a config, and their values as text; but not where it was computed."""
    left_out = EXECUTION_FIELDS | DATA_FIELDS
    names = [name for name in TrainConfig.model_fields if name not in left_out]
    return [(field_label(name), value_text(getattr(config, name)) or "none") for name in names]
