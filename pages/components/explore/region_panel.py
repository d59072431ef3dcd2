"""The images selected by a lasso or a box: counts by class, their mean, and a list."""

import hashlib

import numpy as np
import streamlit as st

from pages.components.charts.class_bars import class_bars
from pages.components.charts.colours import class_colours
from pages.components.charts.tiles import Caption, TileClicks, TileLayout, tiles
from pages.components.gallery.filters import CLASSES, FIND, LOSS, PAGE
from pages.components.map.drawings import remove_region
from pages.components.map.lasso import RegionSummary
from pages.components.map.map_data import picture_at
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import RECONSTRUCTIONS, link
from pages.components.shell.page_layout import screen_part
from vae.inference.image_search import MAX_WORDS, exact_search
from vae.inference.scored_set import Indices
from vae.runs.run import Run

KEY = "region"
STEP = 24  # images that are listed at first, and that each "Show more" adds
_SHOWN = "region_shown"  # key of the listed selection's hash, and of how many are listed


def region_panel(run: Run, loaded: LoadedModel, summary: RegionSummary, *, train: bool) -> None:
    """Shows the summary, in little room; `region_list` shows the images.

    Args:
        loaded: the run's model.
        summary: of the selected images of the set on the map, scored by this model.
        train: whether it is the training set, whose images no other page shows.
    """
    count = len(summary.nearest)
    names = loaded.classes
    with screen_part("selection"):
        if not count:
            others = ", or choose other classes in the legend" if loaded.has_classes else ""
            st.info(f"No image lies in there. Draw around some points{others}.")
            st.button("Remove the selection", on_click=remove_region)
            return
        which = "training" if train else "test"
        said = f"{count:,} {which} {'image' if count == 1 else 'images'} selected"
        counts = summary.counts.tolist()
        counts += [0] * (len(names) - len(counts))
        with st.container(horizontal=True):
            if loaded.has_classes:
                bars = class_bars(counts, names, class_colours(len(names)), said, compact=True)
                st.html(bars, width="stretch")
            else:
                st.markdown(said)
            _means(loaded, summary)
        with st.container(horizontal=True):
            if not train and not loaded.missing:
                _link(run, summary.nearest)
            st.button("Remove the selection", on_click=remove_region)


def _means(loaded: LoadedModel, summary: RegionSummary) -> None:
    """The mean of the selected images, if they are there, and what is decoded at the mean of their z."""
    decoded = picture_at(loaded, summary.place)
    label = "what is decoded at the mean of their z"
    tiles(
        np.stack((decoded,) if loaded.missing else (summary.picture, decoded))[None],
        key=f"{KEY}_means",
        label=f"Of the selected images {label}"
        if loaded.missing
        else f"The mean of the selected images, and {label}",
        layout=TileLayout(66, ("at mean z",) if loaded.missing else ("mean", "at mean z")),
    )


def region_list(run: Run, loaded: LoadedModel, summary: RegionSummary, *, train: bool) -> None:
    """Lists the images of a selection, which may be many, if they are test images."""
    if not len(summary.nearest) or loaded.missing:
        return
    with st.container(key="selection"):
        if train:
            st.caption("Reconstructions shows test images only, so these are not listed.")
        else:
            _list(run, loaded, summary)


def _link(run: Run, nearest: Indices) -> None:
    """A link to the selected images in the gallery, or to as many as its search may name, the nearest."""
    find = exact_search(nearest)
    label = "Show all in Reconstructions" if find else f"Show the nearest {MAX_WORDS} in Reconstructions"
    # Other filters, set earlier, would leave some of them out.
    cleared = dict.fromkeys((CLASSES, LOSS, PAGE, "view", "index", "z"))
    query = {**cleared, "run": run.name, FIND: find or exact_search(nearest[:MAX_WORDS])}
    link(label, RECONSTRUCTIONS, query, key=f"{KEY}_link")


def _list(run: Run, loaded: LoadedModel, summary: RegionSummary) -> None:
    nearest = summary.nearest
    selection = hashlib.sha256(run.name.encode() + nearest.tobytes()).hexdigest()
    seen, count = st.session_state.get(_SHOWN, ("", STEP))
    if seen != selection:  # a new selection starts with few
        count = STEP
    listed = nearest[:count]
    tiles(
        loaded.test.images[listed][:, None],
        [
            Caption(loaded.image_title(i), f"{distance:.3f} away")
            for i, distance in zip(listed, summary.distances[:count], strict=True)
        ],
        key=f"{KEY}_pictures",
        label="The selected images, those nearest to the mean of their z first",
        layout=TileLayout(72),
        clicks=TileClicks(listed.tolist(), RECONSTRUCTIONS, {"run": run.name, "view": None, "z": None}),
    )
    st.caption("The selected images, nearest to the mean of their z first. A click opens one.")
    if len(listed) < len(nearest):
        st.button(
            f"Show more ({len(nearest) - len(listed):,} left)",
            key=f"{KEY}_more",
            on_click=lambda: st.session_state.update({_SHOWN: (selection, count + STEP)}),
        )
