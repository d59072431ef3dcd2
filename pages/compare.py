"""The page that compares two runs: their maps, their curves, and what differs."""

import streamlit as st

from pages.components.charts.live_figure import Cursor, live_figure
from pages.components.compare.maps import LEFT, RIGHT, pair_controls, pair_maps, side
from pages.components.compare.metrics_table import metrics_table
from pages.components.compare.pair import Pair
from pages.components.compare.presets import presets
from pages.components.explore.page_dialog import page_button
from pages.components.runs import loaded_model, run_data
from pages.components.runs.follow_training import follow_training, wait_for_weights
from pages.components.runs.run_curves import curves_figure
from pages.components.runs.run_picker import other_picker, run_picker
from pages.components.shell.access import may_change
from pages.components.shell.assets import COMPONENTS
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.messages import escape_markdown, show_errors
from pages.components.shell.page_layout import page_heading
from pages.components.stores import pictures
from pages.components.train.live_panels import ChartOptions, chart_options, poll_seconds
from vae.runs.records import LIVE

_START = "Start one of the comparisons above, or train another run."
_WAIT = "Another one that the host trains appears here."
_STYLE = COMPONENTS / "compare" / "layout.css"


def main() -> None:
    """Draws the page."""
    st.html(_STYLE)
    page_heading("Compare")
    run = run_picker()
    other = None if run is None else other_picker(run)
    presets(alone=other is None)
    if run is None or other is None:
        if run is not None:
            st.info(f"There is only one run. {_START if may_change() else _WAIT}")
        return
    pair = Pair(run, other)
    for sentence in pair.obstacles:
        st.caption(f":material/info: {escape_markdown(sentence)}")
    if _have_weights(pair):
        _explore(pair)
    _curves(pair)


def _have_weights(pair: Pair) -> bool:
    """Whether both runs have weights; shows for each that has none why."""
    for run in pair:
        if not (run.model_path.exists() or wait_for_weights(run)):
            st.info(escape_markdown(run.why_no_weights(run_data.title(run))))
    return all(run.model_path.exists() for run in pair)


def _explore(pair: Pair) -> None:
    """The maps and the tables, which need weights."""
    loaded = loaded_model.load(pair.left), loaded_model.load(pair.right)
    with st.sidebar:  # where it moves nothing
        for run, each in zip(pair, loaded, strict=True):
            follow_training(run, each)
    loaded_model.show_missing(*loaded)
    settings = pair_controls(pair, classes=any(each.has_classes for each in loaded))
    maps = settings.maps
    sides = side(pair.left, loaded[0], maps, LEFT), side(pair.right, loaded[1], maps, RIGHT)
    st.fragment(show_errors()(pair_maps))(pair, sides, settings)
    metrics_table(pair, loaded)
    with st.sidebar:
        page_button(*pair)
    sets = {run.config.dataset for run, each in zip(pair, loaded, strict=True) if not each.missing}
    unpacked = [dataset for dataset in sets if pictures.pictures_url(dataset) is None]
    if unpacked:  # after the maps, which need them only to show the picture of a point
        with show_errors():
            for dataset in unpacked:
                pictures.pack_pictures(dataset)
            st.rerun()


def _curves(pair: Pair) -> None:
    """The curves of both runs in one figure, polled while one of them trains."""
    st.subheader("How they learned", anchor=False)
    options = chart_options()
    live = [status for run in pair if (status := run_data.status(run)).state in LIVE]
    polled = show_errors()(_overlaid)
    st.fragment(polled, run_every=poll_seconds(live[0]) if live else None)(pair, options, len(live))


def _overlaid(pair: Pair, options: ChartOptions, live: int) -> None:
    gone = not all(run.path.exists() for run in pair)  # the run pickers report it
    if gone or sum(run_data.status(run).state in LIVE for run in pair) != live:
        st.rerun()
    status = run_data.status(pair.left)
    label = f"Reconstruction, KL and −ELBO of {' and '.join(map(run_data.title, pair))}"
    cursor = Cursor(LEFT.timeline, options.x)
    live_figure(
        curves_figure(pair, status, *options),
        key="pair_curves",
        height=360,
        label=label,
        cursor=cursor,
    )


if __name__ == "__main__":
    reenter_through_app()
