"""Actions of buttons: run them and rerun the page, or show why that failed.

All actions that start, change or delete a run are here, behind `host_only`; a test checks the sources.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components.runs import run_data, run_moments
from pages.components.runs.run_picker import forget_run, select_pair, select_run
from pages.components.shell.access import host_only
from pages.components.shell.messages import USER_ERRORS, error_text, escape_markdown, show_errors
from vae import VaeError
from vae.config import TrainConfig
from vae.evaluation import queue
from vae.runs.catalogue import default_runs_dir, delete_run, find_run, run_of_config
from vae.runs.records import LIVE, Request
from vae.runs.run import Run
from vae.runs.titles import give_title
from vae.training import jobs

STARTS = "starts_in_this_tab"
_REFUSED = "refused_action"
_BUSY = "busy_run"
_FINISHED = "finished_run"
REFUSED_SECONDS = 8  # how long an error message is shown, although the page is polled
ANSWER_SECONDS = 0.4  # a trainer reads requests after each batch; loading or saving takes longer


def perform(action: Callable[[], object]) -> None:
    """Runs an action and then the page again; shows an error message if it fails."""
    st.session_state.pop(_BUSY, None)
    st.session_state.pop(_FINISHED, None)
    with show_errors():
        try:
            action()
        except jobs.BusyError as error:
            st.session_state[_BUSY] = error.run.name
        run_data.status.clear()  # the cached status is out of date
        st.rerun()


@host_only
def start(config: TrainConfig, *, again: bool = False) -> None:
    """Starts a training of `config` and selects its run; of a finished one `show_finished_run` tells."""
    run = jobs.start(config, default_runs_dir(), again=again)
    if run.status().state == "finished":
        st.session_state[_FINISHED] = run.name
        return
    select_run(run)
    st.session_state[STARTS] = st.session_state.get(STARTS, 0) + 1


@host_only
def start_all(configs: Sequence[TrainConfig]) -> None:
    """Trains unfinished configs, one after the other, and selects the first two runs for comparison."""
    first, second, *_ = jobs.start_all(configs, default_runs_dir())
    select_pair(first, second)


@host_only
def start_named(configs: Mapping[str, TrainConfig]) -> None:
    """Trains the runs of these names that are not finished, one after the other."""
    jobs.start_named(configs, default_runs_dir())


@host_only
def evaluate(runs: Sequence[Run]) -> None:
    """Evaluates runs, one after the other."""
    for run in runs:
        queue.begin("evaluate", run)


@host_only
def resume(run: Run) -> None:
    """Resumes a run that was stopped."""
    jobs.resume(run)


@host_only
def train_longer(run: Run, epochs: int) -> None:
    """Continues a finished `run` as a new run, and selects that."""
    select_run(jobs.train_longer(run, epochs))


@host_only
def rename(run: Run, title: str) -> None:
    """Gives a run a title; an empty one takes it away."""
    give_title(run, title)
    run_data.forget_titles()


@host_only
def delete(run: Run) -> None:
    """Deletes a run for good, and deselects it."""
    delete_run(run)
    run_moments.forget(run)
    forget_run(run)


@host_only
def request(run: Run, **changes: Any) -> Request:
    """Sends a request to the trainer of a run."""
    return run.update_request(**changes)


def request_and_wait(run: Run, **changes: Any) -> None:
    """A widget's callback: sends a request, and waits a moment for the trainer to acknowledge it.

    `show_refusal` shows an error.
    """
    st.session_state.pop(_REFUSED, None)
    try:
        sent = request(run, **changes)
        end = time.monotonic() + ANSWER_SECONDS
        while (status := run.status()).state in LIVE and status.heard != sent.number:
            if time.monotonic() > end:
                break
            time.sleep(0.01)
    except USER_ERRORS as error:
        st.session_state[_REFUSED] = error_text(error), time.monotonic()


def request_steps(run: Run, steps: int) -> None:
    """A button's callback: requests to train to the next multiple of `steps`, then to pause."""
    try:
        # Read now, not when the button was drawn: two quick clicks are two requests.
        status, request = run.status(), run.request()
    except VaeError as error:
        st.session_state[_REFUSED] = error_text(error), time.monotonic()
        return
    at = max(status.step, (request and request.pause_at) or 0)
    request_and_wait(run, pause_at=(at // steps + 1) * steps)


def show_refusal() -> None:
    """Shows for a while why the last request failed."""
    text, since = st.session_state.get(_REFUSED, ("", 0.0))
    if text and time.monotonic() - since < REFUSED_SECONDS:
        st.error(text)


def show_finished_run(config: TrainConfig) -> None:
    """Shows, after a start of `config` that found its run finished, what can be done instead."""
    name = st.session_state.get(_FINISHED)
    run = name and run_of_config(config, default_runs_dir())
    if not run or run.name != name:
        return
    st.info(f"{escape_markdown(run_data.title(run))} has these settings, and is finished.")
    if st.button("Open", width="stretch", help="Shows that run."):
        perform(lambda: select_run(run))
    seed = _free_seed(config)
    if st.button("Another seed", width="stretch", help=f"Trains the same with seed {seed}."):
        perform(lambda: start(config.model_copy(update={"seed": seed})))
    more = f"A run of its own goes on from its weights for {config.epochs} more epochs."
    if st.button("Train longer", width="stretch", help=more, key="train_finished_longer"):
        perform(lambda: train_longer(run, config.epochs))


def _free_seed(config: TrainConfig) -> int:
    """The first seed after that of `config` of which there is no run."""
    seed = config.seed + 1
    while run_of_config(config.model_copy(update={"seed": seed}), default_runs_dir()) is not None:
        seed += 1
    return seed % 2**32


def show_busy_run() -> None:
    """Shows, after a start that a running training prevented, buttons to watch or stop that one."""
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
    title = escape_markdown(run_data.title(run))
    st.warning(f"{title} is being trained, and two trainings at once would both crawl.")
    if st.button("Watch it", width="stretch"):
        perform(lambda: select_run(run))
    if st.button("Stop it", width="stretch", help="Saves after this batch; it can be resumed."):
        perform(lambda: request(run, stop=True))
