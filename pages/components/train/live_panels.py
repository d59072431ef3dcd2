"""The panels of a run on the Train page, polled while it trains: curves, pictures, latent map."""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import streamlit as st

from pages.components.charts.colours import class_colours
from pages.components.charts.images import data_url, row_of_pairs
from pages.components.charts.live_figure import Cursor, Spec, figure_spec, live_figure
from pages.components.charts.loss_curves import Curve, Scale, X, loss_curves, rate_changes
from pages.components.charts.scatter import latent_scatter
from pages.components.runs import run_data
from pages.components.runs.loaded_model import LoadedModel
from pages.components.runs.run_data import changed_at, path_of
from pages.components.runs.run_heading import show_progress
from pages.components.runs.run_picker import select_run
from pages.components.runs.runs_table import overlaid_runs
from pages.components.train.explanations import CURVES, MAP, PICTURES
from pages.components.train.past_view import TIME, notice_touch, past_map, time_slider
from vae import VaeError
from vae.inference.formatting import axis_names
from vae.runs.live_view import LiveView, load_view
from vae.runs.records import LIVE, Status
from vae.runs.run import Run

# Keys of the widgets, which are also their names in the URL.
OVER, LOG = "over", "log"
# Between two looks at a run that cannot be read or was interrupted: it may be deleted or resumed elsewhere.
TROUBLE_SECONDS = 2


def poll_seconds(status: Status) -> float | None:
    """The interval of polling: None for a run that has ended, shorter while the pictures change quickly.

    The curves lag by no more than a second.
    """
    if status.state not in LIVE:
        return None
    return 0.4 if status.epoch < 1 or status.delay > 0 else 0.75


def _outside_panels(status: Status) -> tuple[object, ...]:
    """What the page outside the polled panels depends on: when it changes, the whole page runs anew."""
    return status.state, status.heard, status.error, status.notice, poll_seconds(status)


class ChartOptions(NamedTuple):
    """Scale of the curves' y axes, and quantity of their x axis."""

    scale: Scale
    x: X


def chart_options() -> ChartOptions:
    """Shows the options of the curves, and returns the chosen ones."""
    with st.container(horizontal=True, vertical_alignment="center"):
        x = st.segmented_control(
            "Over",
            get_args(X),
            default="epoch",
            key=OVER,
            bind="query-params",
            required=True,
            format_func=lambda x: x if x.endswith("s") else f"{x}s",
            label_visibility="collapsed",
        )
        logarithmic = st.toggle("Log scale", value=True, key=LOG, bind="query-params")
    return ChartOptions("log" if logarithmic else "linear", x)


def live_panels(run: Run, before: Status, options: ChartOptions, loaded: LoadedModel | None) -> None:
    """Shows progress and panels: the fragment that is polled while the run trains."""
    rerun_if_deleted(run)
    notice_touch(run)
    status = run_data.status(run)
    # `before` may be newer than the cached status. The status of a deleted run has no heartbeat.
    if 0 < status.heartbeat < before.heartbeat:
        status = before
    if _outside_panels(status) != _outside_panels(before):
        st.rerun()  # the whole page
    show_progress(run, status)
    panels(run, status, options, loaded)


def run_state(run: Run) -> tuple[int, Status | None]:
    """What changes when a damaged or interrupted run recovers; no status if it cannot be read."""
    created_at = run.created_at
    try:
        return created_at, run_data.status(run)
    except VaeError:
        return created_at, None


def rerun_on_change(run: Run, before: tuple[int, Status | None]) -> None:
    """Reruns the page once the `run_state` differs from `before`; a polled fragment that shows nothing."""
    rerun_if_deleted(run)
    if run_state(run) != before:
        st.rerun()


def rerun_if_deleted(run: Run) -> None:
    """Reruns the page, with a message, once the run was deleted, that is, has no config any more."""
    if not run.created_at:
        select_run(run)  # so that the run picker shows the message
        st.rerun()


def panels(run: Run, status: Status, options: ChartOptions, loaded: LoadedModel | None) -> None:
    """Shows the curves, the time slider, and pictures and latent map, with an explanation beneath each.

    Once `load_past` has loaded the run, the map of the slider's moment replaces the pictures and map of the
    newest weights; of a live run it is shown beneath them.
    """
    runs = [run, *(other for other in overlaid_runs() if other.name != run.name)]
    live_figure(
        curves_figure(runs, status, *options),
        key="curves",
        height=360,
        label=f"Reconstruction, KL and −ELBO of {run.name}",
        cursor=Cursor(TIME, options.x),
    )
    st.html(CURVES)
    time_slider(run, status, loaded)
    with st.container(key="newest"):
        if loaded is None or status.state in LIVE:
            _newest(run, status)
    if loaded is not None:
        with st.container(key="earlier"):
            past_map(run, loaded)


def _newest(run: Run, status: Status) -> None:
    changed, colours = changed_at(run.view_path), class_colours()
    shown = _view(run, changed)
    digits, scatter = _digits(run, changed, colours), _scatter(run, changed, colours)
    if shown is not None and digits is not None and scatter is not None:
        # They may be older than the progress above: after the first epoch they are written once an epoch.
        epoch = shown.step * run.config.epochs / max(status.total_steps, 1)
        st.caption(f"Pictures and map after epoch {epoch:.2f}.")
        left, right = st.columns([2, 1], gap="medium")
        with left:
            st.image(digits, width="stretch", alt="Ten test pictures, each over its reconstruction")
            st.html(PICTURES)
        with right:
            live_figure(scatter, key="drift", height=320, label=f"Latent map of {run.name}")
            st.html(MAP)


def curves_figure(runs: Sequence[Run], status: Status, scale: Scale, x: X) -> Spec:
    """The loss curves of the first run, whose status this is, with those of the others laid over them."""
    # Read before the files: lines that are appended meanwhile make another figure at the next poll.
    changed = [changed_at(run.metrics_path) for run in runs]
    return _curves(runs, changed, (status.learning_rate, status.beta), scale, x, status)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of})
def _curves(
    runs: Sequence[Run],
    changed: Sequence[int],  # noqa: ARG001 (the key)
    rates: tuple[float | None, ...],  # noqa: ARG001
    scale: Scale,
    x: X,
    _status: Status,
) -> Spec:
    lines = [Curve(run.name, run_data.losses(run)) for run in runs]
    references = all(run.config.dataset == "mnist" for run in runs)
    marks = rate_changes(lines[0].losses, _status)
    return figure_spec(loss_curves(lines, scale=scale, x=x, references=references, changes=marks))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of})
def _view(run: Run, changed: int) -> LiveView | None:  # noqa: ARG001 (the key)
    return load_view(run.view_path)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of})
def _digits(run: Run, changed: int, colours: tuple[str, ...]) -> str | None:
    """The live view's pictures over their reconstructions as a data URL; None if there is none yet."""
    shown = _view(run, changed)
    # A data URL, as Streamlit's media file may be gone at the next poll, before a slow browser fetches it.
    return shown and data_url(row_of_pairs(shown.pictures, shown.reconstructions, colours))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of})
def _scatter(run: Run, changed: int, colours: tuple[str, ...]) -> Spec | None:
    """The live view's latent map as a figure; None if there is no live view yet."""
    shown = _view(run, changed)
    axes = axis_names(run.config.latent_dim)
    return shown and figure_spec(latent_scatter(shown.points, shown.labels, axes, colours))
