"""The panels of a run on the Train page, polled while it trains: progress, curves, and the moment shown."""

from typing import NamedTuple, get_args

import streamlit as st

from pages.components.charts.live_figure import Cursor, live_figure
from pages.components.charts.loss_curves import Scale, X
from pages.components.runs import run_data
from pages.components.runs.run_curves import curves_figure
from pages.components.runs.run_heading import show_progress
from pages.components.runs.run_picker import select_run
from pages.components.runs.runs_table import overlaid_runs
from pages.components.shell.page_layout import screen_part
from pages.components.train.moment_view import TIME, Weights, has_newer_weights, moment_panels, newest_moment
from pages.components.train.notices import notices
from vae import VaeError
from vae.inference.planes import Directions
from vae.runs.records import LIVE, Status
from vae.runs.run import Run

# Keys of the widgets, which are also their names in the URL.
OVER, LOG = "over", "log"
# Between two looks at a run that cannot be read or was interrupted: it may be deleted or resumed elsewhere.
TROUBLE_SECONDS = 2
CURVES_HEIGHT = "var(--curves-height)"  # of page.css, where the map's height follows from it


def poll_seconds(status: Status) -> float | None:
    """The interval of polling: None for a run that has ended, shorter while the pictures change quickly.

    The curves lag by no more than a second.
    """
    if status.state not in LIVE:
        return None
    return 0.4 if status.epoch < 1 or status.delay > 0 else 0.75


def _outside_panels(status: Status) -> tuple[object, ...]:
    """What the page outside the polled panels depends on: when it changes, the whole page runs anew."""
    return status.state, status.heard, poll_seconds(status)


class ChartOptions(NamedTuple):
    """Scale of the curves' y axes, and quantity of their x axis."""

    scale: Scale
    x: X


class PageState(NamedTuple):
    """What the page has loaded, outside of the polled panels; once that is out of date, it reruns.

    Attributes:
        status: of the run.
        directions: of the map whose points are in the browser; None while there is nothing to show.
    """

    status: Status
    weights: Weights
    directions: Directions | None


def chart_options() -> ChartOptions:
    """Shows the options of the curves, and returns the chosen ones."""
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


def comparable(run: Run, other: Run) -> bool:
    """Whether the losses of both are of the same pictures and likelihood, so that they can share a chart."""
    try:
        one, two = run.config, other.config
    except VaeError:  # of a damaged run
        return False
    return all(getattr(one, name) == getattr(two, name) for name in ("dataset", "contents", "likelihood"))


def live_panels(run: Run, page: PageState, options: ChartOptions) -> None:
    """Shows progress and panels: the fragment that is polled while the run trains."""
    rerun_if_deleted(run)
    before, status = page.status, run_data.status(run)
    # `before` may be newer than the cached status. The status of a deleted run has no heartbeat.
    if 0 < status.heartbeat < before.heartbeat:
        status = before
    if _outside_panels(status) != _outside_panels(before) or has_newer_weights(run, status, page.weights):
        st.rerun()  # the whole page
    loaded = page.weights.loaded
    newest = newest_moment(run, status, loaded)
    if loaded and newest and page.directions and newest.directions.name != page.directions.name:
        st.rerun()  # the map needs other points
    with screen_part("progress"):
        show_progress(run, status)
    notices(run, status, newest)
    runs = [run, *(other for other in overlaid_runs() if other.name != run.name and comparable(run, other))]
    with screen_part("curves"):
        live_figure(
            curves_figure(runs, status, *options),
            key="curves",
            height=CURVES_HEIGHT,
            label=f"Reconstruction, KL and −ELBO of {run_data.title(run)}",
            cursor=Cursor(TIME, options.x),
        )
    moment_panels(run, status, loaded, newest)


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
