"""A trained model as one HTML file that explores it by itself: without a server, without a network.

It is made of the app's own components, recorded instead of mounted (`recorded_run.py`), and of
`explorer_page/`, which does what the server does in the app; `page_document.py` puts them into one document.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from pages.components.charts.colours import NUMBER_COLOURS
from pages.components.compare.pair import Pair
from pages.components.explore.page_document import document, packed, packed_numbers
from pages.components.explore.project_address import project_address
from pages.components.explore.recorded_run import RecordedRun
from pages.components.map.latent_map import DEFAULT_LAYERS
from pages.components.map.map_controls import COLOURINGS, OF_CLASSES
from pages.components.runs import loaded_model, run_data, run_moments
from pages.components.runs.loaded_model import LoadedModel, weights_of
from pages.components.runs.run_data import path_of
from pages.components.shell.recorded_mounts import Mount
from vae import VaeError, __version__
from vae.runs.run import Run

MOST_MOMENTS = 40  # that a page can have
MOMENTS = 12  # that it has unless others are asked for, if MOST_BYTES have room for them
MOST_BYTES = 9_000_000
TITLE, TEXT = 120, 2000  # characters at most
SMALL, FAST = 9, 3  # levels of gzip
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
        made.append(RecordedRun(runs, number, pictures=content.pictures, count=content.moments or 1))
        progress((number + 1) / (len(runs) + 1))
    mounts = [mount for each in made for mount in each.mounts]
    classes = any(each.loaded.has_classes for each in made)
    page = {
        "title": content.title or " and ".join(map(run_data.title, runs)),
        "paragraphs": [part.strip() for part in content.text.split("\n\n") if part.strip()],
        "colourings": [
            {"name": name, "key": key, "meaning": meaning}
            for name, (key, meaning) in COLOURINGS.items()
            if classes or name not in OF_CLASSES
        ],
        "layers": DEFAULT_LAYERS,
        "same_set": len(runs) == 1 or Pair(*runs).same_set,
        "explorers": [each.description(level) for each in made],
        "stores": [_packed_store(mount, level) for mount in mounts if mount.script],
        "moments": {name: packed(file, level) for each in made for name, file in each.moments.items()},
        "scales": NUMBER_COLOURS,
        "maker": {"text": f"VAE playground {__version__}", "address": project_address()},
    }
    file = document(page, mounts, level)
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
            sizes.append(len(packed(path.read_bytes(), FAST)))
    return sum(sizes) // max(1, len(sizes))


def most_moments(runs: Sequence[Run]) -> int:
    """How many moments a page of these runs can have."""
    return min(MOST_MOMENTS, max(map(kept_moments, runs)))


def kept_moments(run: Run) -> int:
    """How many moments a run has kept, the newest weights among them."""
    return len(run_moments.load(run, loaded_model.load(run)).moments)


def fitting_moments(runs: Sequence[Run], content: PageContent) -> int:
    """How many moments a page has unless others are asked for."""
    sizes = [expected_size(runs, replace(content, moments=count)) for count in (1, 2)]
    each = max(1, sizes[1] - sizes[0])
    return max(1, min(MOMENTS, 1 + (MOST_BYTES - sizes[0]) // each))


def _packed_store(mount: Mount, level: int) -> dict[str, Any]:
    """The content of a store; that of decoders, which is weights, as numbers."""
    grouped = mount.name == "stores/decoders"
    pack = packed_numbers if grouped else packed
    return {"name": mount.name, "grouped": grouped, "data": pack(mount.data, level)}
