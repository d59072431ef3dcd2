"""Data of runs that pages read again and again: status, losses, summaries; cached for all tabs."""

from pathlib import Path

import streamlit as st

from vae.config import TrainConfig
from vae.runs.catalogue import default_runs_dir, list_runs, run_of_config
from vae.runs.history import History, Losses
from vae.runs.records import Status
from vae.runs.run import Run
from vae.runs.titles import titles_of


def path_of(run: Run) -> str:
    """The hash of a run in cache keys."""
    return str(run.path)


def changed_at(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


# For every run, as the run picker shows all of them.
@st.cache_data(ttl=0.2, max_entries=4096, show_spinner=False, hash_funcs={Run: path_of})
def status(run: Run) -> Status:
    """The status of `run`, up to 0.2 s old: read once for all tabs that poll it."""
    return run.status()


def title(run: Run) -> str:
    """The title of `run`, which no other in its folder has; up to 3 s old."""
    folder = str(run.path.parent)
    titles = _titles(folder)
    if run.name not in titles:  # a new one
        forget_titles()
        titles = _titles(folder)
    return titles.get(run.name, run.name)  # it was deleted


def forget_titles() -> None:
    """Makes `title` read what has been changed."""
    _titles.clear()


@st.cache_data(ttl=3, max_entries=16, show_spinner=False)
def _titles(folder: str) -> dict[str, str]:
    return titles_of(list_runs(Path(folder)))


def begun(config: TrainConfig) -> Status | None:
    """The status of the run that a start of `config` goes on with or opens, None if it makes a new one.

    Raises VaeError if that run is damaged.
    """
    run = run_of_config(config, default_runs_dir())
    return None if run is None else status(run)


def losses(run: Run) -> Losses:
    """The losses of `run` up to now; the file is read once for all tabs, and only what is new."""
    return _history(run).read()


# Each keeps its file open, and a process may open about a thousand.
@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs={Run: path_of})
def _history(run: Run) -> History:
    return History(run)
