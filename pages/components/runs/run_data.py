"""What pages read of runs again and again, kept for all tabs: states, losses, summaries."""

from pathlib import Path
from typing import Any

import streamlit as st

from vae.runs import catalogue
from vae.runs.history import History, Losses
from vae.runs.records import Status
from vae.runs.run import Run


def path_of(run: Run) -> str:
    """The key of a run in a cache."""
    return str(run.path)


def changed_at(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 if it is not there, which reading it explains."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@st.cache_data(ttl=0.2, max_entries=32, show_spinner=False, hash_funcs={Run: path_of})
def status(run: Run) -> Status:
    """Where `run` stood a moment ago: enough for those who watch, and asked once for all of them."""
    return run.status()


def losses(run: Run) -> Losses:
    """The losses of `run` up to now; what one viewer has read the others need not."""
    return _history(run).read()


def summary(run: Run) -> dict[str, Any]:
    """`catalogue.summary`, its −ELBO out of what is read already."""

    def negative_elbo(run: Run) -> float | None:
        tests = losses(run).test
        return -float(tests["elbo"][-1]) if len(tests) else None

    return catalogue.summary(run, negative_elbo)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs={Run: path_of})
def _history(run: Run) -> History:
    return History(run)
