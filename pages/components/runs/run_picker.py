"""The selected run: a box in the sidebar, and `?run=` in the URL."""

import time
from collections.abc import Mapping

import streamlit as st

from pages.components.runs import run_data
from pages.components.shell.access import may_change
from pages.components.shell.links import link
from pages.components.shell.messages import WORD_JOINER, escape_markdown
from vae import VaeError
from vae.runs.catalogue import default_runs_dir, list_runs, resolve_run, why_no_runs
from vae.runs.records import LIVE
from vae.runs.run import Run
from vae.training.jobs import live_run

_KEY, _BOX = "selected_run", "selected_run_box"
# Of the run that is compared with it: session key, key of the box, query parameter.
_OTHER, _OTHER_BOX, _WITH = "compared_run", "compared_run_box", "with"
_EXPLAINED = "explained_run"
EXPLAINED_SECONDS = 3.0


def select_run(run: Run) -> None:
    """Selects `run` on all pages of this tab, from the next run of the script on."""
    st.session_state[_KEY] = st.query_params["run"] = run.name


def select_pair(run: Run, other: Run) -> None:
    """Selects two runs to compare, as `select_run`."""
    select_run(run)
    st.session_state[_OTHER] = st.query_params[_WITH] = other.name


def forget_run(run: Run) -> None:
    """Deselects a run that was deleted."""
    if st.session_state.get(_KEY) == run.name:
        del st.session_state[_KEY]
    if st.query_params.get("run") == run.name:
        del st.query_params["run"]


def run_picker(*, watching: bool = False) -> Run | None:
    """Shows the box and returns the selected run; None, with a note on what to do, if there are no runs.

    The URL has priority over the choice made earlier in this tab; then come, for a page that is `watching`,
    the run in training, and the newest run with weights. For a URL that names no run, a message is shown.
    """
    runs_dir = default_runs_dir()
    runs = {run.name: run for run in list_runs(runs_dir)}
    requested = st.query_params.get("run")
    if requested in runs:
        st.session_state[_KEY] = requested
    elif requested is not None:
        _explain("run", requested, others=bool(runs))
        requested = None
        del st.query_params["run"]
    _show_explained("run")
    if not runs:
        where = "below" if watching else "on the Train page"
        st.info(
            f"{escape_markdown(why_no_runs(runs_dir))} Choose a preset {where} and press Start."
            if may_change()
            else "There are no runs yet. Those that the host starts appear here."
        )
        if may_change() and not watching:
            link("Open the Train page", "train", {}, key="train_link")
        return None
    live = live_run(runs_dir) if watching else None
    candidates = (st.session_state.get(_KEY), live and live.name, _newest(runs), next(iter(runs)))
    name = next(name for name in candidates if name in runs)
    # Written again because a change of page clears it; and because an explored run must stay selected when
    # another becomes the newest, also for those who get the link. The Train page instead shows the next
    # training.
    if requested is None and (_KEY in st.session_state or not watching):
        st.query_params["run"] = name
    st.session_state[_BOX] = name
    where = f" in {runs_dir}" if may_change() else ""  # the paths of the server are not for visitors
    st.sidebar.selectbox(
        "Run",
        list(runs),
        key=_BOX,
        on_change=_remember,
        args=(_KEY, "run", _BOX),
        format_func=_labels(runs).__getitem__,
        help=f"This one is the folder {escape_markdown(name + where)}.",
    )
    return runs[name]


def newest_run() -> Run | None:
    """The run that a visitor sees who has chosen none: the newest with weights."""
    runs = {run.name: run for run in list_runs(default_runs_dir())}
    name = _newest(runs)
    return None if name is None else runs[name]


def other_picker(run: Run) -> Run | None:
    """Shows the box of the run to compare `run` with and returns that; None if there is no other.

    Priorities are those of `run_picker`.
    """
    runs = {other.name: other for other in list_runs(default_runs_dir()) if other != run}
    requested = st.query_params.get(_WITH)
    if requested in runs:
        st.session_state[_OTHER] = requested
    elif requested is not None:
        if requested != run.name:
            _explain(_WITH, requested, others=bool(runs))
        del st.query_params[_WITH]
    _show_explained(_WITH)
    if not runs:
        return None
    candidates = (st.session_state.get(_OTHER), _newest(runs), next(iter(runs)))
    name = next(name for name in candidates if name in runs)
    # Only if it changes: this sends the whole URL as it was when this run of the page was requested, and what
    # the browser has written since, such as a map's window, would be lost.
    if requested != name:
        st.query_params[_WITH] = name
    st.session_state[_OTHER_BOX] = name
    st.sidebar.selectbox(
        "Compare with",
        list(runs),
        key=_OTHER_BOX,
        on_change=_remember,
        args=(_OTHER, _WITH, _OTHER_BOX),
        format_func=_labels(runs).__getitem__,
    )
    return runs[name]


def _newest(runs: Mapping[str, Run]) -> str | None:
    """The newest run with weights."""
    usable = (name for name, run in runs.items() if _state(run) != "damaged" and run.model_path.exists())
    return next(usable, None)


def _labels(runs: Mapping[str, Run]) -> dict[str, str]:
    """The names in the box; Streamlit asks for them again later, when a state may have changed."""
    return {name: _label(run) for name, run in runs.items()}


def _label(run: Run) -> str:
    state = _state(run)
    title = run_data.title(run)
    # By the character that is not printable, which a title cannot have, no label is the title of another run.
    return title if state == "finished" else f"{title} · {state}{WORD_JOINER}"


def _state(run: Run) -> str:
    try:
        _ = run.config
        # The cached status: reading it takes the run's lock, for each run in the box.
        state = run_data.status(run).state
        # The box is not polled: "starting" would stay beside a heading that has become "running".
        return "live" if state in LIVE else state
    except VaeError:
        return "damaged"


def _remember(key: str, parameter: str, box: str) -> None:
    st.session_state[key] = st.query_params[parameter] = st.session_state[box]


def _explain(parameter: str, requested: str, *, others: bool) -> None:
    """Keeps the sentence on a URL parameter that names no run, which is removed from the URL."""
    try:
        resolve_run(default_runs_dir(), requested)
        what = f"There is no run called {requested}."
    except VaeError as error:
        what = str(error)
    instead = " Another run is shown; the box at the left has them all." if others else ""
    st.session_state[f"{_EXPLAINED} {parameter}"] = escape_markdown(f"{what}{instead}"), time.monotonic()


def _show_explained(parameter: str) -> None:
    """Shows that sentence; also when the page runs again at once, as where a watched run is deleted."""
    sentence, since = st.session_state.get(f"{_EXPLAINED} {parameter}", ("", 0.0))
    if sentence and time.monotonic() - since < EXPLAINED_SECONDS:
        st.warning(sentence)
