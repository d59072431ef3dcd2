"""What is seen of a training: its curves, its pictures, its latent map."""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import streamlit as st

from pages.components.charts.images import data_url, row_of_pairs
from pages.components.charts.live_figure import Cursor, Spec, figure_spec, live_figure
from pages.components.charts.loss_curves import Curve, Scale, X, loss_curves, rate_changes
from pages.components.charts.scatter import LABEL_COLOURS, latent_scatter
from pages.components.runs import run_data
from pages.components.runs.loaded_model import LoadedModel
from pages.components.runs.run_data import changed_at, path_of
from pages.components.runs.run_picker import select_run
from pages.components.runs.run_status import show_progress
from pages.components.runs.runs_table import chosen_runs
from pages.components.train.explanations import CURVES, MAP, PICTURES
from pages.components.train.past_view import TIME, past_map, slider
from vae import VaeError
from vae.inference.formatting import axis_names
from vae.runs.live_view import LiveView, load_view
from vae.runs.records import LIVE, Status
from vae.runs.run import Run

# Keys of the widgets, and so their names in the address.
OVER, LOG = "over", "log"
# A run that cannot be read, or has lost its trainer, may be on its way out, or be resumed elsewhere.
TROUBLE_SECONDS = 2


def poll_seconds(status: Status) -> float | None:
    """How often to look: not at all once it ended, and often while the pictures change all the time.

    So the chart lags by no more than a second.
    """
    if status.state not in LIVE:
        return None
    return 0.4 if status.epoch < 1 or status.delay > 0 else 0.75


def around(status: Status) -> tuple[object, ...]:
    """What the page shows around what is polled: once that is another, all of it is drawn anew."""
    return status.state, status.heard, status.error, poll_seconds(status)


class ChartOptions(NamedTuple):
    """How the curves are drawn."""

    scale: Scale
    x: X


def chart_options() -> ChartOptions:
    """Shows what can be chosen."""
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


def watch(run: Run, before: Status, options: ChartOptions, loaded: LoadedModel | None) -> None:
    """What changes by itself; polled while the run is being trained, and so kept small."""
    leave_if_gone(run)
    status = run_data.status(run)
    # What the page was drawn with may be newer than what all viewers share. One that is gone has no time.
    if 0 < status.heartbeat < before.heartbeat:
        status = before
    if around(status) != around(before):
        st.rerun()  # the whole page
    show_progress(run, status)
    panels(run, status, options, loaded)


def standing(run: Run) -> tuple[int, Status | None]:
    """What changes once the trouble with a run is another, or over; no status where it cannot be read."""
    made_at = run.created_at
    try:
        return made_at, run_data.status(run)
    except VaeError:
        return made_at, None


def look_again(run: Run, before: tuple[int, Status | None]) -> None:
    """Draws the page anew once a run stands otherwise than `before`; it shows nothing itself."""
    leave_if_gone(run)
    if standing(run) != before:
        st.rerun()


def leave_if_gone(run: Run) -> None:
    """Draws the page anew, with a sentence, once a run is no more; one is that has a config."""
    if not run.created_at:
        select_run(run)  # the box says so
        st.rerun()


def panels(run: Run, status: Status, options: ChartOptions, loaded: LoadedModel | None) -> None:
    """Shows all three as they are now, what they mean beneath each, and the slider that leads back; or, with
    what `load_past` has brought, as they were then; of a run that ended at its end as well, where a play
    ends."""
    runs = [run, *(other for other in chosen_runs() if other.name != run.name)]
    live_figure(
        curves_figure(runs, status, *options),
        key="curves",
        height=360,
        label=f"Reconstruction, KL and −ELBO of {run.name}",
        cursor=Cursor(TIME, options.x),
    )
    st.html(CURVES)
    slider(run, status, loaded)
    with st.container(key="newest"):
        if loaded is None or status.state in LIVE:
            _newest(run)
    if loaded is not None:
        with st.container(key="earlier"):
            past_map(run, loaded)


def _newest(run: Run) -> None:
    digits, scatter = _digits_url(run), _scatter_figure(run)
    if digits is not None and scatter is not None:
        left, right = st.columns([2, 1], gap="medium")
        with left:
            st.image(digits, width="stretch", alt="Ten test pictures, each over its reconstruction")
            st.html(PICTURES)
        with right:
            live_figure(scatter, key="drift", height=320, label=f"Latent map of {run.name}")
            st.html(MAP)


def _digits_url(run: Run) -> str | None:
    """The view's pictures over their reconstructions as a data URL, or None if there is no view yet."""
    return _digits(run, changed_at(run.view_path))


def _scatter_figure(run: Run) -> Spec | None:
    """The view's points as a figure, or None if there is no view yet."""
    return _scatter(run, changed_at(run.view_path))


def curves_figure(runs: Sequence[Run], status: Status, scale: Scale, x: X) -> Spec:
    """The losses of the first run, whose status this is, and of the others laid over it."""
    # Asked before they are read: what is appended meanwhile makes another figure at the next poll.
    changed = [changed_at(run.metrics_path) for run in runs]
    return _curves(runs, changed, (status.learning_rate, status.beta), scale, x, status)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Run: path_of})
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


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: path_of})
def _view(run: Run, changed: int) -> LiveView | None:  # noqa: ARG001 (the key)
    return load_view(run.view_path)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: path_of})
def _digits(run: Run, changed: int) -> str | None:
    shown = _view(run, changed)
    # Not a file of Streamlit's: at the next poll it may be gone before a slow browser asks for it.
    return shown and data_url(row_of_pairs(shown.pictures, shown.reconstructions, LABEL_COLOURS))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: path_of})
def _scatter(run: Run, changed: int) -> Spec | None:
    shown = _view(run, changed)
    axes = axis_names(run.config.latent_dim)
    return shown and figure_spec(latent_scatter(shown.points, shown.labels, axes))
