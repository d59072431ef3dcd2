"""The page that compares two runs: their maps, their curves, and what differs."""

import streamlit as st

from pages.components.charts.live_figure import Cursor, live_figure
from pages.components.compare.maps import LEFT, RIGHT, pair_maps, side
from pages.components.compare.metrics_table import metrics_table
from pages.components.compare.pair import Pair
from pages.components.compare.presets import presets
from pages.components.map.map_controls import map_controls
from pages.components.runs import loaded_model, run_data
from pages.components.runs.follow_training import follow_training, wait_for_weights
from pages.components.runs.run_picker import other_picker, run_picker
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.messages import escape_markdown, show_errors
from pages.components.shell.page_layout import page_heading
from pages.components.stores import pictures
from pages.components.train.live_panels import ChartOptions, chart_options, curves_figure, poll_seconds
from vae.runs.records import LIVE

# On a narrow window the columns go below each other.
_STYLE = (
    "<style>[class*='st-key-pair_beside'] [data-testid='stHorizontalBlock'] { flex-wrap: wrap; }"
    "[class*='st-key-pair_beside'] [data-testid='stColumn'] { min-width: min(22rem, 100%); }"
    ".st-key-pair_beside_maps [data-testid='stColumn'] { min-width: min(17rem, 100%); }</style>"
)


def main() -> None:
    """Draws the page."""
    st.html(_STYLE)
    page_heading("Compare")
    run = run_picker()
    other = None if run is None else other_picker(run)
    presets(expanded=other is None)
    if run is None or other is None:
        if run is not None:
            st.info("There is only one run. Start one of the comparisons above, or train another one.")
        return
    pair = Pair(run, other)
    for sentence in pair.obstacles:
        st.info(escape_markdown(sentence))
    if _have_weights(pair):
        _explore(pair)
    _curves(pair)


def _have_weights(pair: Pair) -> bool:
    """Whether both runs have weights; shows for each that has none why."""
    for run in pair:
        if not (run.model_path.exists() or wait_for_weights(run)):
            st.info(escape_markdown(run.why_no_weights()))
    return all(run.model_path.exists() for run in pair)


def _explore(pair: Pair) -> None:
    """The maps and the tables, which need weights."""
    loaded = loaded_model.load(pair.left), loaded_model.load(pair.right)
    for run, each in zip(pair, loaded, strict=True):
        follow_training(run, each)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        settings = map_controls(max(pair.latent_dims), choose_set=False)
    sides = side(pair.left, loaded[0], settings, LEFT), side(pair.right, loaded[1], settings, RIGHT)
    st.fragment(show_errors()(pair_maps))(pair, sides)
    metrics_table(pair, loaded)
    unpacked = {run.config.dataset for run in pair if pictures.pictures_url(run.config.dataset) is None}
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
    label = f"Reconstruction, KL and −ELBO of {pair.left.name} and {pair.right.name}"
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
