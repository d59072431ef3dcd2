"""What people ask for by a button: carried out, or a sentence that says why not.

What starts, changes or deletes a run leaves the pages here, and is the host's alone where these are
read-only; a test reads the sources for that.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.components.runs import run_data, run_moments
from pages.components.runs.run_picker import forget_run, select_pair, select_run
from pages.components.shell.access import host_only
from pages.components.shell.messages import USER_ERRORS, error_text, escape_markdown, show_errors
from vae import VaeError
from vae.config import TrainConfig
from vae.evaluation.queue import begin_evaluation
from vae.runs.catalogue import default_runs_dir, delete_run, find_run
from vae.runs.records import LIVE, Request
from vae.runs.run import Run
from vae.training import jobs

STARTS = "starts_in_this_tab"
_REFUSED = "refused_order"
_BUSY = "busy_run"
REFUSED_SECONDS = 8  # how long a sentence stands, though the page is polled
ANSWER_SECONDS = 0.4  # a trainer looks after each batch; one that loads or saves takes longer


def perform(order: Callable[[], object]) -> None:
    """Carries out what a button asks, and shows the page anew; or says why it cannot be done."""
    st.session_state.pop(_BUSY, None)
    with show_errors():
        try:
            order()
        except jobs.BusyError as error:
            st.session_state[_BUSY] = error.run.name
        run_data.status.clear()  # what was true a moment ago is so no more
        st.rerun()


@host_only
def start(config: TrainConfig, *, again: bool = False) -> None:
    """Starts a training of `config` and selects its run; one that is finished is only shown."""
    run = jobs.start(config, default_runs_dir(), again=again)
    select_run(run)
    st.session_state[STARTS] = st.session_state.get(STARTS, 0) + 1
    if run.status().state == "finished":
        name = escape_markdown(run.name)
        st.toast(f"{name} is finished already. **Train again** trains another, **Train longer** goes on.")


@host_only
def start_all(configs: Sequence[TrainConfig]) -> None:
    """Trains those of several runs that are not finished, one after the other, and compares the first two."""
    first, second, *_ = jobs.start_all(configs, default_runs_dir())
    select_pair(first, second)


@host_only
def evaluate(runs: Sequence[Run]) -> None:
    """Evaluates runs, one after the other."""
    for run in runs:
        begin_evaluation(run)


@host_only
def resume(run: Run) -> None:
    """Goes on with a run that was stopped."""
    jobs.resume(run)


@host_only
def train_longer(run: Run, epochs: int) -> None:
    """Starts a training that goes on where `run` ended, and selects its run."""
    select_run(jobs.train_longer(run, epochs))


@host_only
def delete(run: Run) -> None:
    """Removes a run for good, and takes back its choice."""
    delete_run(run)
    run_moments.forget(run)
    forget_run(run)


@host_only
def request(run: Run, **wishes: Any) -> Request:
    """Asks the trainer of a run for something."""
    return run.update_request(**wishes)


def request_and_wait(run: Run, **wishes: Any) -> None:
    """A button's callback: asks the trainer, and waits a moment for it to hear.

    What hinders it is shown by `refusal`.
    """
    st.session_state.pop(_REFUSED, None)
    try:
        sent = request(run, **wishes)
        end = time.monotonic() + ANSWER_SECONDS
        while (status := run.status()).state in LIVE and status.heard != sent.number:
            if time.monotonic() > end:
                break
            time.sleep(0.01)
    except USER_ERRORS as error:
        st.session_state[_REFUSED] = error_text(error), time.monotonic()


def request_steps(run: Run, steps: int) -> None:
    """A button's callback: goes on to the next step that `steps` divides, then pauses."""
    try:
        # Not what was seen when the button was drawn. Two quick clicks are two orders.
        status, request = run.status(), run.request()
    except VaeError as error:
        st.session_state[_REFUSED] = error_text(error), time.monotonic()
        return
    at = max(status.step, (request and request.pause_at) or 0)
    request_and_wait(run, pause_at=(at // steps + 1) * steps)


def show_refusal() -> None:
    """Shows for a while why the last thing that was asked for cannot be done."""
    text, since = st.session_state.get(_REFUSED, ("", 0.0))
    if text and time.monotonic() - since < REFUSED_SECONDS:
        st.error(text)


def show_busy_run() -> None:
    """While another training hinders a start, says so and offers to watch or to stop it."""
    name = st.session_state.get(_BUSY)
    if name is None:
        return
    try:
        run = find_run(default_runs_dir(), name)
        live = run.status().state in LIVE
    except VaeError:
        live = False
    if not live:
        del st.session_state[_BUSY]
        return
    text, watch, stop = st.columns([4, 1, 1], vertical_alignment="center")
    text.warning(f"{escape_markdown(name)} is being trained, and two trainings at once would both crawl.")
    if watch.button("Watch it", width="stretch"):
        perform(lambda: select_run(run))
    if stop.button("Stop it", width="stretch", help="Saves after this batch; it can be resumed."):
        perform(lambda: request(run, stop=True))
