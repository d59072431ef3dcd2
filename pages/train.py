"""The Train page: start trainings, watch and control them."""

from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.runs import run_data
from pages.components.runs.loaded_model import show_missing
from pages.components.runs.run_actions import (
    STARTS,
    perform,
    show_busy_run,
    show_finished_run,
    start,
)
from pages.components.runs.run_heading import run_heading
from pages.components.runs.run_picker import run_picker
from pages.components.runs.runs_table import runs_table, take_overlay
from pages.components.shell.access import may_change, show_lock
from pages.components.shell.connection import watch_window
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.messages import show_errors
from pages.components.shell.page_layout import page_heading, view_switch
from pages.components.train import form
from pages.components.train.controls import controls
from pages.components.train.explanations import explanations
from pages.components.train.form import config_form, preset_choice
from pages.components.train.live_panels import (
    TROUBLE_SECONDS,
    PageState,
    chart_options,
    live_panels,
    poll_seconds,
    rerun_on_change,
    run_state,
)
from pages.components.train.moment_view import load_weights, newest_moment, send_weights
from vae import VaeError
from vae.config import PRESET_DESCRIPTIONS, TrainConfig
from vae.datasets.registry import classes_of
from vae.runs.records import LIVE, Status
from vae.runs.run import Run
from vae.training.forecast import in_words, training_seconds

TABLE_SECONDS = 10
WATCH, RUNS = "Watch", "Runs"  # the two views of the page, as its URL calls them
VIEW = "show"  # key of their switch, and its name in the URL
_STYLES = Path(__file__).parent / "components" / "train" / "page.css"


def main() -> None:
    """Shows the page. Its containers keep their order in every state, or the charts would be mounted anew."""
    st.html(_STYLES)
    page_heading("Train")
    run = run_picker(watching=True)
    status = before = None
    with show_errors():
        # Read first, so that a change during this run of the page is noticed at the next poll.
        before = run_state(run) if run else None
        status = run_data.status(run) if run else None  # cached, as that of the run picker: they must agree
    take_overlay()
    live = status is not None and status.state in LIVE
    # Without runs the form is all there is, and a sidebar may be hidden.
    with st.sidebar if run else st.container():
        show_lock()
        if may_change():
            # Each start closes the form, by a new key: otherwise it stays as the user left it.
            starts = st.session_state.setdefault(STARTS, int(live))
            if form.take_link():
                starts = st.session_state[STARTS] = 0
                if run:
                    st.toast("**New training** in the sidebar is filled in. Press **Start** there.")
            with st.expander("New training", expanded=not starts, key=f"new training {starts}"):
                new_training()
    title = st.container(key="title_row", horizontal=True, vertical_alignment="center")
    with title:
        view = view_switch([WATCH, RUNS], VIEW)
    troubled = run is not None
    with st.container(), show_errors():
        if view == WATCH and run and status:
            watch(run, status, title)
            troubled = status.state == "interrupted"
    if view == RUNS:
        st.fragment(show_errors()(runs_table), run_every=TABLE_SECONDS if live else None)()
    with st.container():
        if run and before and troubled:
            st.fragment(show_errors()(rerun_on_change), run_every=TROUBLE_SECONDS)(run, before)
    watch_window()


def watch(run: Run, status: Status, title: DeltaGenerator) -> None:
    """Shows the selected run: its heading in the container `title`, its controls and panels."""
    with title:
        run_heading(run, status)
        options = chart_options()
    st.fragment(show_errors()(controls))(run)
    weights = load_weights(run, status)
    if weights.loaded:
        show_missing(weights.loaded)
    newest = newest_moment(run, status, weights.loaded)
    page = PageState(status, weights, newest and newest.directions)
    st.fragment(show_errors()(live_panels), run_every=poll_seconds(status))(run, page, options)
    if weights.loaded and newest:
        send_weights(run, weights.loaded, newest.directions)
    classes = len(classes_of(run.config))
    st.html(explanations(run.config.dataset, run.config.latent_dim, classes=classes))


def new_training() -> None:
    """Shows the form of a new training, its duration, and the button that starts it."""
    preset = preset_choice()
    above = st.container()  # what the settings say and start stands above them, where it is seen
    config = config_form(preset)
    with above:
        if config is not None:
            st.caption(f"{PRESET_DESCRIPTIONS[preset]} {_forecast(config)}")
        if (
            st.button("Start", type="primary", disabled=config is None, width="stretch")
            and config is not None
        ):
            perform(partial(start, config))
        if config is not None:
            show_finished_run(config)
        show_busy_run()


def _forecast(config: TrainConfig) -> str:
    """What a start of `config` does, and how long that takes, in a sentence."""
    try:
        begun = run_data.begun(config)
    except VaeError:  # the run picker and the start show which file is damaged
        begun = None
    if begun is not None and begun.state in LIVE | {"finished"}:
        if begun.state == "finished":
            return "A run of these settings is finished already."
        return "A run of these settings is being trained; **Start** opens it."
    done = 0 if begun is None else begun.share
    duration = in_words(training_seconds(config, form.core_speed(), done=done))
    machine = "on this machine, when it is idle"
    if begun is not None and done:
        return (
            f"A run of these settings stands at epoch {begun.epoch:.2f} of {config.epochs}; **Start** goes "
            f"on with it, and the rest takes about {duration} {machine}."
        )
    return f"As set, it takes about {duration} {machine}."


if __name__ == "__main__":
    reenter_through_app()
