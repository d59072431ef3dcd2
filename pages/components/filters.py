"""The widgets that choose which test pictures are shown; each stands in the address under its own name."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from pages.components.distributions import loss_boxes
from pages.components.live_figure import click_on, live_figure
from pages.components.selection import SORTS, Floats, Indices, ScoredSet, of_classes, selected
from pages.components.sentences import MENDABLE, sentence
from pages.components.tables import number_table

# Keys of the widgets, and so their names in the address.
CLASSES, SORT, SEED, FIND, LOSS, SIZE, PAGE = "digit", "sort", "seed", "find", "loss", "show", "page"
SIZES = (20, 50, 100, 200)
DEFAULTS = {CLASSES: [], SORT: "index", SEED: 0, FIND: "", SIZE: 50, PAGE: 1}  # and any loss
BOXES = ("losses_by_class", "kl_by_class")


def filters(test: ScoredSet, names: Sequence[str]) -> Indices:
    """Shows the widgets, figures of what they leave, and returns the indices of that, in its order."""
    for key in BOXES:
        _toggle_clicked_class(key, len(names))
    span = _span(test)
    bound: dict[str, Any] = {"bind": "query-params", "on_change": _first_page}
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    classes = head.pills(
        "Classes",
        range(len(names)),
        format_func=names.__getitem__,
        selection_mode="multi",
        key=CLASSES,
        help="None chosen: all. A click on a box below chooses its class, too.",
        **bound,
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sort = st.selectbox(
            "Sort by",
            list(SORTS),
            key=SORT,
            help="worst, best: by reconstruction loss. surprise: by how much that is above the mean of the "
            "picture's class. KL: what the encoder says most about, first.",
            width=170,
            **bound,
        )
        seed = (
            st.number_input("Seed", 0, 2**32 - 1, key=SEED, width=130, **bound) if sort == "shuffled" else 0
        )
        find = st.text_input(
            "Find an index",
            key=FIND,
            placeholder="417, 100-199",
            help="Digits find every index that holds them, the exact one first; 100-199 is a range. Several "
            "may be given.",
            width=170,
            **bound,
        )
        loss = st.slider("Reconstruction loss, nats", *span, span, key=LOSS, **bound)
        st.selectbox("A page holds", SIZES, index=SIZES.index(DEFAULTS[SIZE]), key=SIZE, width=110, **bound)
    try:
        indices = selected(test, find=find, loss=loss, sort=sort, seed=seed)
    except MENDABLE as error:
        st.warning(sentence(error))
        indices = selected(test, loss=loss, sort=sort, seed=seed)
    left = of_classes(test, indices, classes)
    head.html(_table(test, left), width="content")
    _boxes(test, indices, names, classes)
    if not len(left):
        st.info("No test picture is like that.")
        st.button("Show all", on_click=partial(_clear, span))
    return left


def _boxes(test: ScoredSet, indices: Indices, names: Sequence[str], classes: Collection[int]) -> None:
    """How the losses lie within each class, chosen or not."""
    terms = {"Reconstruction loss": test.reconstruction, "KL": test.kl}
    for column, key, (term, losses) in zip(st.columns(2), BOXES, terms.items(), strict=True):
        title = f"{term} by class, nats"
        figure = loss_boxes(losses[indices], test.labels[indices], names, classes, title)
        with column:
            live_figure(figure, key=key, height=200, label=f"{title}; a click chooses a class")
    st.caption(
        "The means are in nats; those of all are what `python -m vae evaluate` prints. A box holds the "
        "middle half of a class, with a line at its median and a dashed one at its mean; the whiskers reach "
        "from 5 % to 95 %. Click a box to choose its class, and again to take it back."
    )


def _table(test: ScoredSet, left: Indices) -> str:
    """Means of what is left beside those of all."""
    terms = (test.reconstruction, test.kl, test.reconstruction + test.kl)
    rows = {
        name: (f"{len(losses[0]):,}", *map(_mean, losses))
        for name, losses in (("chosen", [term[left] for term in terms]), ("all", terms))
    }
    return number_table(("", "pictures", "reconstruction", "KL", "−ELBO"), rows)


def _mean(losses: Floats) -> str:
    return f"{losses.mean(dtype=np.float64):.2f}" if len(losses) else "–"


def _toggle_clicked_class(key: str, count: int) -> None:
    click = click_on(key)
    if click is None or not 0 <= (label := round(click.x)) < count:
        return
    st.session_state[CLASSES] = sorted({*st.session_state.get(CLASSES, ())} ^ {label})
    _first_page()


def _first_page() -> None:
    st.session_state[PAGE] = 1


def _clear(span: tuple[int, int]) -> None:
    st.session_state.update({**DEFAULTS, SORT: st.session_state[SORT], LOSS: span})


def _span(test: ScoredSet) -> tuple[int, int]:
    """All losses lie between these, in whole nats."""
    return int(np.floor(test.reconstruction.min())), int(np.ceil(test.reconstruction.max()))
