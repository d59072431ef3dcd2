"""A trained model as one HTML file that explores it by itself: without a server, without a network.

It is made of the app's own components, recorded instead of mounted, and of `explorer_page/`, which does what
the server does in the app. Nothing that comes from a run is ever run: it stands in the file as JSON, and
the file's Content-Security-Policy names its scripts by their hashes.

Shapes: N test images, Z latent size.
"""

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from pages.components.charts.colours import NUMBER_COLOURS
from pages.components.charts.live_figure import Cursor, live_figure
from pages.components.charts.tiles import TileClicks, TileLayout, tiles
from pages.components.explore.coordinates import coordinates
from pages.components.explore.path_strip import path_strip
from pages.components.explore.pins_row import pins_row
from pages.components.explore.project_address import project_address
from pages.components.map.explorer_map import map_label
from pages.components.map.latent_map import MapContent, MapPlacement, Partner, TimelineRef, latent_map
from pages.components.map.look_panel import ChosenPoint, look_panel
from pages.components.map.map_controls import COLOURINGS, OF_CLASSES
from pages.components.map.pins import Pins
from pages.components.map.samples import samples_row
from pages.components.map.time_machine import time_machine
from pages.components.runs import loaded_model, run_data, run_moments
from pages.components.runs.config_text import field_label, value_text
from pages.components.runs.loaded_model import LoadedModel, weights_of
from pages.components.runs.run_curves import curves_figure
from pages.components.runs.run_data import path_of
from pages.components.shell.assets import COMPONENTS, PLOTLY, modules
from pages.components.shell.joined_modules import joined_modules
from pages.components.shell.recorded_mounts import Mount, recording
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import Moments, moments_store
from pages.components.stores.pictures import packed_pictures
from pages.components.stores.points import MapPoints, map_points, points_store
from vae import VaeError, __version__
from vae.config import DATA_FIELDS, EXECUTION_FIELDS, TrainConfig
from vae.datasets.registry import record_of
from vae.export.colours import CLASS_COLOURS, colours_of_classes
from vae.runs.run import Run

MOST_MOMENTS = 40  # that a page can have
MOMENTS = 12  # that it has unless others are asked for, if MOST_BYTES have room for them
MOST_BYTES = 9_000_000
TITLE, TEXT = 120, 2000  # characters at most
SMALL, FAST = 9, 3  # levels of gzip
PART = 500_000  # characters; WebKit reads a script's text in a time that grows with the square of its length
_SCRIPT, _BOOT = (f"explore/explorer_page/{name}.js" for name in ("page", "boot"))
Progress = Callable[[float], None]  # called with the share of the work that is done, 0 to 1


@dataclass(frozen=True)
class PageContent:
    """What a page shows beside the models.

    Attributes:
        title: its heading; empty for the titles of the runs.
        text: paragraphs of plain text, with an empty line between two.
        pictures: whether the real test images are in the file.
        moments: of each training, at most, the newest weights among them; None for what has room.

    Raises VaeError if one of them is out of bounds.
    """

    title: str = ""
    text: str = ""
    pictures: bool = False
    moments: int | None = None

    def __post_init__(self) -> None:
        for name, text, most in (("title", self.title, TITLE), ("text", self.text, TEXT)):
            if len(text) > most:
                raise VaeError(f"The {name} has {len(text):,} characters; at most {most:,} are possible.")
        if self.moments is not None and not 1 <= self.moments <= MOST_MOMENTS:
            raise VaeError(f"{self.moments} moments are not possible: 1 to {MOST_MOMENTS}.")


def page_file(
    runs: Sequence[Run],
    content: PageContent = PageContent(),
    progress: Progress = lambda _: None,
    level: int = SMALL,
) -> bytes:
    """The file of one run, or of two under one pointer, packed at a level of gzip.

    Raises VaeError if a run has no weights or is damaged, MissingDataError if its data set is not here but
    can be had.
    """
    if content.moments is None:
        content = replace(content, moments=fitting_moments(runs, content))
    made = []
    for number in range(len(runs)):
        made.append(_RecordedRun(runs, number, content))
        progress((number + 1) / (len(runs) + 1))
    mounts = [mount for each in made for mount in each.mounts]
    page = {
        "title": content.title or " and ".join(map(run_data.title, runs)),
        "paragraphs": [part.strip() for part in content.text.split("\n\n") if part.strip()],
        "explorers": [each.description(level) for each in made],
        "stores": [_packed_store(mount, level) for mount in mounts if mount.script],
        "moments": {name: _packed(file, level) for each in made for name, file in each.moments.items()},
        "scales": NUMBER_COLOURS,
        "maker": {"text": f"VAE playground {__version__}", "address": project_address()},
    }
    templates = {mount.name: mount.html for mount in mounts}
    scripts = [PLOTLY.read_text(encoding="utf-8"), _script(mounts)]
    file = _document(page, templates, _style(mounts), scripts, level)
    progress(1)
    return file


def expected_size(runs: Sequence[Run], content: PageContent) -> int:
    """About how many bytes the file will have, but for its title and text."""
    loaded = [loaded_model.load(run) for run in runs]
    total = _size_without_past(runs, loaded, content.pictures)
    for run, each in zip(runs, loaded, strict=True):
        earlier = len(run_moments.load(run, each).moments) - 1
        if count := min((content.moments or 1) - 1, earlier):
            total += count * _size_of_snapshot(run, each)
    return total


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Run: path_of, LoadedModel: weights_of})
def _size_without_past(runs: Sequence[Run], loaded: Sequence[LoadedModel], pictures: bool) -> int:  # noqa: ARG001 (the key)
    """The bytes of a file with no moment but the newest weights, packed fast."""
    return len(page_file(runs, PageContent(pictures=pictures, moments=1), level=FAST))


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Run: path_of, LoadedModel: weights_of})
def _size_of_snapshot(run: Run, loaded: LoadedModel) -> int:  # noqa: ARG001 (the key)
    """The bytes that a moment adds: the mean of the first and the last, which differ by a tenth."""
    sizes = []
    for path in (snapshots := run.snapshots())[:: max(1, len(snapshots) - 1)]:
        with suppress(FileNotFoundError):  # a resumed training removes those that it will write again
            sizes.append(len(_packed(path.read_bytes(), FAST)))
    return sum(sizes) // max(1, len(sizes))


def most_moments(runs: Sequence[Run]) -> int:
    """How many moments a page of these runs can have."""
    counts = (len(run_moments.load(run, loaded_model.load(run)).moments) for run in runs)
    return min(MOST_MOMENTS, max(counts))


def fitting_moments(runs: Sequence[Run], content: PageContent) -> int:
    """How many moments a page has unless others are asked for."""
    sizes = [expected_size(runs, replace(content, moments=count)) for count in (1, 2)]
    each = max(1, sizes[1] - sizes[0])
    return max(1, min(MOMENTS, 1 + (MOST_BYTES - sizes[0]) // each))


def _script(mounts: Sequence[Mount]) -> str:
    """All modules that the components need, and the call that begins the page."""
    stores = {f"{mount.name}.js": mount.script for mount in mounts if mount.script}
    texts = _module_texts() | stores
    components = sorted({f"{mount.name}/component.js" for mount in mounts if not mount.script})
    return joined_modules([_SCRIPT, *components, *stores], texts) + f'modules["{_SCRIPT}"].start(modules);\n'


def _boot_script() -> str:
    """What unpacks the others and runs them; in a block, as it has names of its own."""
    return f'{{\n{joined_modules([_BOOT], _module_texts())}modules["{_BOOT}"].start();\n}}\n'


def _module_texts() -> dict[str, str]:
    return {name: text.decode() for name, text in modules()[1].items()}


def _style(mounts: Sequence[Mount]) -> str:
    app, page = (
        (COMPONENTS / name).read_text(encoding="utf-8")
        for name in ("shell/app.css", "explore/explorer_page/page.css")
    )
    return "\n".join((app, *dict.fromkeys(mount.css for mount in mounts), page))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _packed(data: bytes, level: int) -> str:
    """Gzipped, as base64."""
    return _text(gzip.compress(data, level, mtime=0))


def _packed_numbers(data: bytes, level: int) -> str:
    """The same of numbers of four bytes: all first bytes, all second ones and so on, which become smaller."""
    end = len(data) // 4 * 4
    return _packed(np.frombuffer(data[:end], np.uint8).reshape(-1, 4).T.tobytes() + data[end:], level)


def _packed_store(mount: Mount, level: int) -> dict[str, Any]:
    """The content of a store; that of decoders, which is weights, as numbers."""
    grouped = mount.name == "stores/decoders"
    pack = _packed_numbers if grouped else _packed
    return {"name": mount.name, "grouped": grouped, "data": pack(mount.data, level)}


def _document(
    page: Mapping[str, Any], templates: Mapping[str, str], style: str, scripts: Sequence[str], level: int
) -> bytes:
    """The HTML file; only its own scripts may run, and nothing is fetched from anywhere.

    Args:
        templates: the elements of each component, as HTML of our own.
        scripts: they are packed, and run one after the other.
    """
    boot = _boot_script()
    digests = [hashlib.sha256(script.encode()).digest() for script in (boot, *scripts)]
    hashes = " ".join(f"'sha256-{_text(digest)}'" for digest in digests)
    # Styles are set by scripts, too; pictures and moments are data in the file; Workers decode the grid.
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    data = json.dumps(page, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = (
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{html.escape(page['title'])}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<main><p id="waiting">Unpacking. This needs JavaScript and a browser from 2023 or later.</p></main>',
        *(f'<template data-component="{name}">{text}</template>' for name, text in templates.items()),
        *(
            f'<script type="application/json">{data[start : start + PART]}</script>'
            for start in range(0, len(data), PART)
        ),
        *(
            f'<script type="application/gzip">{_packed(script.encode(), level)}</script>'
            for script in scripts
        ),
        f"<script>{boot}</script>",
        "</body>",
        "</html>",
    )
    return "\n".join(parts).encode(errors="replace")  # names of strangers may hold half a surrogate pair


class _RecordedRun:
    """One of the page's runs: its components and stores as they would be mounted, and what they need.

    Attributes:
        mounts: of components and stores.
        moments: the files of its moments by the names that stand for their URLs.
    """

    def __init__(self, runs: Sequence[Run], number: int, content: PageContent) -> None:
        self.run, self.number, self.content = runs[number], number, content
        self.beside = len(runs) > 1
        self.loaded: LoadedModel = loaded_model.load(self.run)
        self.dimensions = loaded_model.dimensions(self.run, self.loaded)
        self.has_pictures = content.pictures and not self.loaded.missing
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
            "colourings": [
                {"name": name, "key": COLOURINGS[name][0], "meaning": COLOURINGS[name][1]}
                for name in self._colourings()
            ],
            "colours": {theme: colours_of_classes(len(loaded.classes), theme) for theme in CLASS_COLOURS},
            "examples": test.labels[test.examples].tolist() if loaded.has_classes else [],
            "settings": _settings(self.run.config),
            "data": self._data_set(),
            "mean": self.dimensions.mean.tolist(),
        }
        if self.has_pictures:
            found["pictures"] = _text(packed_pictures(test.images))
        if (principal := self.dimensions.principal) is not None:
            both = np.stack([test.means, test.logvars])  # (2, N, Z)
            found["posteriors"] = _packed_numbers(both.astype("<f4").tobytes(), level)
            found["order"] = self.dimensions.order.tolist()
            found["principal"] = {
                **{name: getattr(principal, name).tolist() for name in ("first", "second", "centre")},
                "names": principal.names,
                "shown": principal.shown,
            }
        return found

    def _colourings(self) -> list[str]:
        return [name for name in COLOURINGS if self.loaded.has_classes or name not in OF_CLASSES]

    def _moments(self) -> Moments:
        """The moments of the run, as many as the page may have, with names of files as their URLs."""
        found = run_moments.load(self.run, self.loaded)
        *earlier, newest = found.moments
        count = min((self.content.moments or 1) - 1, len(earlier))
        chosen = []
        for at in np.linspace(0, len(earlier) - 1, count):
            moment = earlier[round(at)]
            name = f"{self.number} {moment.step}"
            with suppress(FileNotFoundError):  # a resumed training removes those that it will write again
                self.moments[name] = self.run.snapshot_path(moment.step).read_bytes()
                chosen.append(moment._replace(url=name))
        return replace(found, moments=(*chosen, newest))

    def _map(self) -> None:
        colouring = self._colourings()[0]
        shown = MapContent(
            points=self.points.name,
            decoder=self.loaded.decoder.name,
            classes=self.loaded.classes,
            plane=self.plane,
            revision=f"{self.run.name}: {self.directions.name}",
            timeline=TimelineRef(self._key("moment"), self.points.name, None),
            colouring=COLOURINGS[colouring][0],
            colouring_name=(colouring, COLOURINGS[colouring][1]),
        )
        prefix, other = ("with_", "") if self.number else ("", "with_")
        partner = Partner("map" if self.number else "map1", other, axes=True) if self.beside else None
        placement = MapPlacement(self._key("map"), prefix, tooltip=False, partner=partner)
        latent_map(shown, placement, label=map_label(self.run))

    def _panels(self, moments: str) -> None:
        run, loaded, plane, key = self.run, self.loaded, self.plane, self._key
        decoder, timeline = loaded.decoder.name, key("moment")
        origin = np.zeros(len(plane.base), np.float32)
        chart = key("map") if self.beside else None
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
        address = "with_step" if self.number else "step"
        time_machine(moments, stripes=(), counts=False, key=timeline, address=address)
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
