"""One data set: what is known of it, its pictures by class, the runs that use it, and what can be done."""

from functools import partial
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.components.charts.tiles import Caption, TileLayout, tiles
from pages.components.data import actions
from pages.components.data.contents import Contents, contents_of, pictures
from pages.components.runs import run_data
from pages.components.runs.run_actions import perform
from pages.components.shell.access import may_change
from pages.components.shell.downloads import show_download
from pages.components.shell.links import MAP, link
from pages.components.shell.messages import escape_markdown
from pages.components.shell.page_layout import screen_part
from vae.datasets.facts import Facts, facts_of
from vae.datasets.images import ImageArray
from vae.datasets.registry import BUILT_IN_SETS
from vae.runs.catalogue import default_runs_dir, runs_on
from vae.runs.run import Run
from vae.training.downloads import download_job

CLASSES = 20  # on one page of the mosaic, at most
MOSAIC_BYTES = 2_000_000  # of all pictures that are sent at once
COLUMNS = 12  # pictures in a row of the mosaic
ROWS = 4  # that are visible without scrolling where the window is large enough
NAMED = 3  # runs; others are counted
FEW = 5  # rows of the mosaic, which are as wide as the page
LEFT_OUT = "left_out_of_imports"  # key of what this tab's imports left out, a text for each data set


def dataset_view(dataset: str) -> None:
    """Shows a data set. Raises VaeError if it is damaged."""
    facts = facts_of(dataset)
    runs = _runs_on(dataset, str(default_runs_dir()))
    with screen_part("chosen"):
        with st.container(horizontal=True, vertical_alignment="center", key="dataset_row"):
            st.subheader(escape_markdown(dataset), anchor=False)
            if may_change():
                link("Train on it", "train", {"dataset": dataset}, key="train_on_it")
                if facts.present and dataset != "mnist":
                    _delete_button(facts, runs)
        st.html(_summary(facts))
        _run_links(runs)
    if not facts.present:
        _obtain(dataset)
    else:
        contents = contents_of(facts)
        _mosaic(facts, contents)
        st.html(_details(facts, contents))


def _summary(facts: Facts) -> str:
    """The form and size of a data set, and where it comes from, as HTML."""
    classes = f"{len(facts.classes)} classes" if facts.classes else "no classes"
    size = f"{facts.size / 1e6:,.1f} MB on disk" if facts.present else "not here yet"
    train, test = facts.counts["train"], facts.counts["test"]
    numbers = f"{facts.form} · {classes} · {train:,} training and {test:,} test pictures · {size}"
    source = " ".join(
        f"{text.rstrip('.')}."
        for text in (facts.source, facts.licence and f"Licence: {facts.licence}")
        if text
    )
    return f'<p class="dataset-summary">{escape(numbers)}<br>{escape(source)}</p>'


def _run_links(runs: list[Run]) -> None:
    """Shows links to the maps of the newest runs."""
    with st.container(horizontal=True, vertical_alignment="center", key="dataset_runs"):
        st.html(
            '<p class="dataset-runs">Runs on it:</p>'
            if runs
            else '<p class="dataset-runs">No runs use it yet.</p>'
        )
        for number, run in enumerate(runs[:NAMED]):
            link(run_data.title(run), MAP, {"run": run.name}, key=f"run_on_it_{number}")
        if len(runs) > NAMED:
            st.html(f'<p class="dataset-runs">and {len(runs) - NAMED} more</p>')


@st.cache_data(ttl=3, max_entries=32, show_spinner=False)
def _run_names(dataset: str, folder: str) -> list[str]:
    return [run.name for run in runs_on(dataset, Path(folder))]


def _runs_on(dataset: str, folder: str) -> list[Run]:
    """The runs of a data set, up to 3 s old: the configs of all runs are read for it."""
    return [Run(Path(folder) / name) for name in _run_names(dataset, folder)]


def _delete_button(facts: Facts, runs: list[Run]) -> None:
    with st.popover("Delete …"):
        st.write(f"Delete {escape_markdown(facts.name)} ({facts.size / 1e6:,.1f} MB) for good?")
        if runs:
            named = ", ".join(escape_markdown(run_data.title(run)) for run in runs[:NAMED])
            more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
            st.write(f"Runs that use it: {named}{more}. Without it they show no pictures of it.")
        if facts.name in BUILT_IN_SETS:
            st.write("It can be drawn or downloaded again.")
        if st.button("Delete", type="primary", key=f"delete {facts.name}"):
            perform(partial(actions.delete, facts.name))


def _obtain(dataset: str) -> None:
    """Shows how a built-in data set that is not here is got, a button for it, and then its progress."""
    job = download_job(dataset)
    if job is not None and not (job.ended and not job.error):
        show_download(dataset)
        return
    known = BUILT_IN_SETS[dataset]
    drawn = known.origin == "drawn"
    how = "This project draws it, without a network" if drawn else "It is downloaded, which needs a network"
    text = f"{escape_markdown(dataset)} is not here yet. {how}: {known.megabytes} MB."
    if not may_change():
        st.info(f"{text} Only the host can do that.")
        return
    st.info(text)
    if st.button("Draw it" if drawn else "Download it", type="primary", key=f"obtain {dataset}"):
        perform(partial(actions.obtain, dataset))


def _mosaic(facts: Facts, contents: Contents) -> None:
    """Shows some pictures of each class after their mean; of many classes a page."""
    classes = range(len(contents.classes))
    most = min(CLASSES, MOSAIC_BYTES // (COLUMNS * contents.mean.nbytes) - 1)
    if len(classes) > most:
        pages = -(-len(classes) // most)
        number = st.pagination(pages, key=f"classes of {facts.name}", max_visible_pages=5)
        classes = classes[(number - 1) * most : number * most]
    if facts.classes:
        rows, captions = _rows_of_classes(facts, contents, list(classes))
        note = "Each row begins with the mean of its training pictures, pixel by pixel"
    else:
        rows, captions = _rows_without_classes(facts, contents)
        note = "The first picture is the mean of the training pictures, pixel by pixel"
    if contents.averaged < facts.counts["train"]:
        note += f", of {contents.averaged:,} of them"
    tiles(
        rows,
        captions,
        key="dataset_mosaic",
        label=f"Pictures of {facts.name}",
        layout=TileLayout(340 if len(rows) > FEW else 600, on_screen=ROWS),
    )
    st.caption(f"{note}.")


def _rows_of_classes(
    facts: Facts, contents: Contents, classes: list[int]
) -> tuple[ImageArray, list[Caption]]:
    """Of all pictures and of each class the mean and examples, (M, K, S, S[, 3]), and their captions."""
    first = np.arange(min(COLUMNS, facts.counts["train"]))
    rows = [_row(facts.name, contents.mean, first, COLUMNS)]
    captions = [Caption("all", _counts(facts.counts["train"], facts.counts["test"]))]
    for label in classes:
        rows.append(_row(facts.name, contents.class_means[label], contents.examples[label], COLUMNS))
        captions.append(Caption(contents.classes[label], _counts(*contents.counts[:, label].tolist())))
    return np.stack(rows), captions


def _rows_without_classes(facts: Facts, contents: Contents) -> tuple[ImageArray, list[Caption]]:
    """The mean and examples in rows, (M, K, S, S[, 3])."""
    shown = _row(facts.name, contents.mean, contents.examples[0], 1 + len(contents.examples[0]))
    count = min(COLUMNS, len(shown))
    return shown[: len(shown) // count * count].reshape(-1, count, *shown.shape[1:]), []


def _row(dataset: str, mean: ImageArray, indices: npt.NDArray[np.int64], count: int) -> ImageArray:
    """A mean and examples of a class: (count, S, S[, 3]), black where there are too few."""
    row = np.zeros((count, *mean.shape), np.uint8)
    shown = indices[: count - 1]
    row[0], row[1 : 1 + len(shown)] = mean, pictures(dataset, shown)
    return row


def _counts(train: int, test: int) -> str:
    return f"{train:,} training, {test:,} test"


def _details(facts: Facts, contents: Contents) -> str:
    """What else is known of a data set, as an HTML table."""
    left_out: str = st.session_state.get(LEFT_OUT, {}).get(facts.name, "")
    rows = [("Left out", left_out), ("Prepared", facts.preparation)]
    if may_change():
        rows.append(("Folder", str(facts.folder)))
    if contents.factors:
        ranges = (f"{name} {round(low, 1):g} to {round(high, 1):g}" for name, low, high in contents.factors)
        rows.insert(0, ("Drawn from", "; ".join(ranges)))
    cells = (f"<tr><th>{title}</th><td>{escape(text)}</td></tr>" for title, text in rows if text)
    return f'<table class="dataset-details">{"".join(cells)}</table>'
