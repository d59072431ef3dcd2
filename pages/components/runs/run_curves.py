"""The loss curves of runs, encoded for browsers; cached for all tabs."""

from collections.abc import Sequence

import streamlit as st

from pages.components.charts.live_figure import Spec, figure_spec
from pages.components.charts.loss_curves import Curve, Scale, X, loss_curves, rate_changes
from pages.components.runs import run_data
from pages.components.runs.run_data import changed_at, path_of
from vae.runs.records import Status
from vae.runs.run import Run


def curves_figure(runs: Sequence[Run], status: Status, scale: Scale, x: X) -> Spec:
    """The loss curves of the first run, whose status this is, with those of the others laid over them."""
    # Read before the files: lines that are appended meanwhile make another figure at the next poll.
    changed = [changed_at(run.metrics_path) for run in runs]
    titles = [run_data.title(run) for run in runs]
    return _curves(runs, titles, changed, (status.learning_rate, status.beta), scale, x, status)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of})
def _curves(
    runs: Sequence[Run],
    titles: Sequence[str],
    changed: Sequence[int],  # noqa: ARG001 (the key)
    rates: tuple[float | None, ...],  # noqa: ARG001
    scale: Scale,
    x: X,
    _status: Status,
) -> Spec:
    lines = [
        Curve(title, run_data.losses(run), config.free_bits * config.latent_dim, config.density_values)
        for title, run, config in zip(titles, runs, (run.config for run in runs), strict=True)
    ]
    references = all((run.config.dataset, run.config.likelihood) == ("mnist", "bernoulli") for run in runs)
    marks = rate_changes(lines[0].losses, _status)
    return figure_spec(loss_curves(lines, scale=scale, x=x, references=references, changes=marks))
