"""The panel of the pictures selected by a lasso or a box: counts by class, their mean, and a list."""

import hashlib

import numpy as np
import streamlit as st

from pages.components.charts.class_bars import class_bars
from pages.components.charts.colours import class_colours
from pages.components.charts.tiles import Caption, TileClicks, TileLayout, tiles
from pages.components.gallery.filters import CLASSES, FIND, LOSS, PAGE
from pages.components.map.lasso import RegionSummary
from pages.components.map.map_data import picture_at
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import RECONSTRUCTIONS, link
from vae.datasets.registry import class_names
from vae.inference.image_search import MAX_WORDS, exact_search
from vae.inference.scored_set import Indices, ScoredSet
from vae.runs.run import Run

KEY = "region"
STEP = 24  # pictures that are listed at first, and that each "Show more" adds
_SHOWN = "region_shown"  # key of the listed selection's hash, and of how many are listed


def region_panel(
    run: Run, loaded: LoadedModel, shown: ScoredSet, summary: RegionSummary, *, train: bool
) -> None:
    """Shows the panel.

    Args:
        shown: the set on the map, scored by the model of `loaded`.
        summary: of the selected pictures of it.
        train: whether it is the training set, whose pictures no other page shows.
    """
    count = len(summary.nearest)
    if not count:
        st.info("No picture lies in there. Draw around some points, or choose other classes in the legend.")
        return
    names = class_names(run.config.dataset)
    which = "training" if train else "test"
    st.markdown(f"**{count:,} {which} {'picture' if count == 1 else 'pictures'} selected**")
    counted, common = st.columns(2, gap="medium")
    counts = summary.counts.tolist()
    counted.html(class_bars([*counts, *[0] * (len(names) - len(counts))], names, class_colours(), "By class"))
    with common:
        tiles(
            np.stack((summary.picture, picture_at(loaded, summary.place)))[None],
            key=f"{KEY}_means",
            label="The mean of the selected pictures, and what the model draws at the mean of their places",
            layout=TileLayout(220, ("mean picture", "mean place")),
        )
        st.caption(
            "The mean of the pictures, pixel by pixel; what the model draws at the mean of their places."
        )
    if train:
        st.caption("Reconstructions shows test pictures only, so these are not listed.")
        return
    _links(run, summary.nearest)
    _list(run, shown, summary)


def _links(run: Run, nearest: Indices) -> None:
    """A link to the selected pictures in the gallery, or to as many as its search may name."""
    find = exact_search(nearest)
    label = "Show all in Reconstructions" if find else f"Show the nearest {MAX_WORDS} in Reconstructions"
    # Other filters, set earlier, would leave some of them out.
    cleared = dict.fromkeys((CLASSES, LOSS, PAGE, "view", "index", "z"))
    query = {**cleared, "run": run.name, FIND: find or exact_search(nearest[:MAX_WORDS])}
    link(label, RECONSTRUCTIONS, query, key=f"{KEY}_link")
    if find is None:
        st.caption(
            f"A search there names at most {MAX_WORDS} pictures: the link shows the {MAX_WORDS} that lie "
            "nearest to the mean of these places."
        )


def _list(run: Run, shown: ScoredSet, summary: RegionSummary) -> None:
    nearest = summary.nearest
    selection = hashlib.sha256(run.name.encode() + nearest.tobytes()).hexdigest()
    seen, count = st.session_state.get(_SHOWN, ("", STEP))
    if seen != selection:  # a new selection starts with few
        count = STEP
    listed = nearest[:count]
    names = class_names(run.config.dataset)
    tiles(
        shown.images[listed][:, None],
        [
            Caption(f"{names[shown.labels[i]]} · #{i}", f"{distance:.3f} away")
            for i, distance in zip(listed, summary.distances[:count], strict=True)
        ],
        key=f"{KEY}_pictures",
        label="The selected pictures, those nearest to the mean of their places first",
        layout=TileLayout(72),
        clicks=TileClicks(listed.tolist(), RECONSTRUCTIONS, {"run": run.name, "view": None, "z": None}),
    )
    st.caption("Nearest to the mean of their places first. A click opens a picture in Reconstructions.")
    if len(listed) < len(nearest):
        st.button(
            f"Show more ({len(nearest) - len(listed):,} left)",
            key=f"{KEY}_more",
            on_click=lambda: st.session_state.update({_SHOWN: (selection, count + STEP)}),
        )
