"""The widgets that filter and sort the gallery's images; each is a query parameter of the URL."""

import math
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.charts.box_plots import loss_boxes
from pages.components.charts.colours import class_colours
from pages.components.charts.live_figure import click_on, live_figure
from pages.components.shell.messages import error_text, escape_markdown
from pages.components.shell.page_layout import screen_part, shown_run
from vae import VaeError
from vae.inference.formatting import bits_text
from vae.inference.image_search import SORTS, filter_classes, select_images
from vae.inference.scored_set import Indices, ScoredSet, mean_losses

# Keys of the widgets, which are also their query parameters.
CLASSES, SORT, SEED, FIND, LOSS, SIZE, PAGE = "digit", "sort", "seed", "find", "loss", "show", "page"
FEW = 10  # classes that are buttons; more are chosen from a list that can be searched
SIZES = (20, 50, 100, 200)
USUAL = 50  # the default of the sizes
LOSSES = (0, 1000)  # nats, the same for most runs, so that a chosen range stays valid for another run
SEARCH = 1000  # characters of a search; twice the longest text of `exact_search`
BY_CLASS = "boxes"  # key of the switch of the box plots, and its query parameter
LOSS_WIDTH = 190  # pixels
BOXES = ("losses_by_class", "kl_by_class")  # keys of the box plots


class Selection(NamedTuple):
    """What the filters select.

    Attributes:
        indices: of the images that pass the filters, sorted.
        size: how many a page shows.
        above: a row above the images, for the pagination.
    """

    indices: Indices
    size: int
    above: DeltaGenerator


def filters(test: ScoredSet, names: Sequence[str], title: str, values: int | None) -> Selection:
    """Shows the widgets, the mean losses and, on request, box plots; returns what they select.

    `names` are those of the classes, `title` that of the run, `values` its config's `density_values`. What is
    about classes is left out where there is a single one.
    """
    for key in BOXES:
        _toggle_clicked_class(key, len(names))
    bound: dict[str, Any] = {"bind": "query-params", "on_change": _first_page}
    with screen_part("filters", horizontal=True):
        classes = _class_choice(names, bound) if len(names) > 1 else []
        surprise = ""
        if len(names) > 1:
            surprise = "surprise: by how much that is above the mean of the image's class. "
        sort = st.selectbox(
            "Sort by",
            [sort for sort in SORTS if surprise or sort != "surprise"],
            key=SORT,
            help=f"worst, best: by reconstruction loss. {surprise}KL: the largest KL first.",
            width=120,
            **bound,
        )
        seed = (
            st.number_input("Seed", 0, 2**32 - 1, key=SEED, width=110, **bound) if sort == "shuffled" else 0
        )
        find = st.text_input(
            "Find an index",
            key=FIND,
            placeholder="417, 100-199",
            help="Digits find every index that holds them, the exact one first; 100-199 is a range. Several "
            "may be given.",
            max_chars=SEARCH,
            width=125,
            **bound,
        )
        ends = _loss_range(test)
        loss = st.slider(
            "Reconstruction loss, nats",
            *ends,
            ends,
            key=_loss_key(ends),
            help=f"{ends[1]:,} means: and all that is above." if ends == LOSSES else None,
            width=LOSS_WIDTH,
            **bound,
        )
        size = st.selectbox("A page holds", SIZES, index=SIZES.index(USUAL), key=SIZE, width=95, **bound)
    lowest, highest = sorted(loss)  # a URL may have them in the wrong order
    within = (lowest, highest if highest < ends[1] else np.inf)
    try:
        indices = select_images(test, find=find, loss=within, sort=sort, seed=seed)
    except VaeError as error:
        st.warning(error_text(error))
        indices = select_images(test, loss=within, sort=sort, seed=seed)
    matching = filter_classes(test, indices, classes)
    with st.container(horizontal=True, vertical_alignment="center", key="gallery_row"):
        above = st.container(horizontal=True, vertical_alignment="center")
        st.html(_means(test, matching, values), width="content")
        by_class = len(names) > 1 and st.toggle("Losses by class", key=BY_CLASS, bind="query-params")
        shown_run(title)
    if by_class and len(indices):
        _boxes(test, indices, names, classes)
    if not len(matching):
        st.info("No test image is like that.")
        st.button("Show all", on_click=_clear, args=(ends,))
    return Selection(matching, size, above)


def _class_choice(names: Sequence[str], bound: dict[str, Any]) -> list[int]:
    """The widget that chooses classes, by their labels."""
    common: dict[str, Any] = {
        "label": "Classes",
        "options": range(len(names)),
        "key": CLASSES,
        "help": "None chosen: all. A click on a box of *Losses by class* chooses its class, too.",
        **bound,
    }
    if len(names) <= FEW:
        return st.pills(
            format_func=lambda label: escape_markdown(names[label]),
            selection_mode="multi",
            width="content",
            **common,
        )
    return st.multiselect(format_func=lambda label: names[label], placeholder="All", width=260, **common)


def _boxes(test: ScoredSet, indices: Indices, names: Sequence[str], classes: Collection[int]) -> None:
    """Box plots of the losses of each class, of images that pass all filters but the classes."""
    terms = {"Reconstruction loss": test.reconstruction, "KL": test.kl}
    for column, key, (term, losses) in zip(st.columns(2), BOXES, terms.items(), strict=True):
        title = f"{term} by class, nats"
        figure = loss_boxes(
            losses[indices], test.labels[indices], names, class_colours(len(names)), classes, title
        )
        with column:
            live_figure(figure, key=key, height=200, label=f"{title}; a click chooses a class")
    st.caption(
        "A box holds the middle half of a class, with a line at its median and a dashed one at its "
        "mean; the whiskers reach from 5 % to 95 %. A click on a box chooses its class, the next takes it "
        "back."
    )


def _means(test: ScoredSet, matching: Indices, values: int | None) -> str:
    """A line with the mean losses of the matching images, and of all if these are fewer, as HTML."""
    texts = ["1 image" if len(matching) == 1 else f"{len(matching):,} images"]
    if len(matching):
        texts[0] += f": reconstruction {' + KL '.join(_means_of(test, matching, values))}"
    if len(matching) < len(test):
        texts.append(f"all: {' + '.join(_means_of(test, np.arange(len(test)), values))}")
    title = "Mean losses in nats, with z sampled once, as in the curves of the Train page; their sum is −ELBO"
    return f'<p class="gallery-means" title="{title}">{"; ".join(texts)}</p>'


def _means_of(test: ScoredSet, indices: Indices, values: int | None) -> tuple[str, str]:
    """The mean reconstruction loss; and the mean KL with the sum of both."""
    reconstruction, kl, negative_elbo = mean_losses(test, indices).values()
    return f"{reconstruction:.2f}", f"{kl:.2f} = {negative_elbo:.2f}{bits_text(negative_elbo, values)}"


def _toggle_clicked_class(key: str, count: int) -> None:
    click = click_on(key)
    if click is None or not 0 <= (label := round(click.x)) < count:
        return
    st.session_state[CLASSES] = sorted({*st.session_state.get(CLASSES, ())} ^ {label})
    _first_page()


def _first_page() -> None:
    st.session_state[PAGE] = 1


def _clear(ends: tuple[int, int]) -> None:
    st.session_state.update({CLASSES: [], FIND: "", _loss_key(ends): ends, PAGE: 1})


def _loss_range(test: ScoredSet) -> tuple[int, int]:
    """The range of the slider: `LOSSES` if most images are in it, else round numbers around all losses.

    Densities of large or coloured images have losses of many thousands of nats, or below 0.
    """
    losses = test.reconstruction
    if losses.min() >= LOSSES[0] and np.median(losses) <= LOSSES[1]:
        return LOSSES
    lowest, highest = float(losses.min()), float(losses.max())
    step = 10 ** max(0, math.floor(math.log10(max(highest - lowest, 1))) - 1)
    return math.floor(lowest / step) * step, math.ceil(highest / step) * step + step


def _loss_key(ends: tuple[int, int]) -> str:
    """The slider's key, and its query parameter: of another range another one, as its values mean others."""
    return LOSS if ends == LOSSES else f"{LOSS}_{ends[0]}_{ends[1]}"
