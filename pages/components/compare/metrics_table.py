"""Tables of what differs between two runs: their settings, and the metrics of their evaluations."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from pages.components.charts.tables import better, comparison, number_table
from pages.components.compare.pair import Pair
from pages.components.runs import run_data
from pages.components.runs.config_text import differing_fields
from pages.components.runs.loaded_model import LoadedModel, weights_of
from pages.components.runs.run_actions import evaluate, perform
from pages.components.runs.run_data import changed_at, path_of
from pages.components.shell.access import may_change
from pages.components.shell.messages import escape_markdown, show_errors
from vae.evaluation.queue import latest_job
from vae.inference.formatting import bits_per_dimension
from vae.inference.neighbours import neighbourhood
from vae.inference.scored_set import mean_losses
from vae.runs.evaluation_record import Evaluation, evaluation_path, load_evaluation
from vae.runs.records import LIVE
from vae.runs.run import Run

POLL = 1.0  # seconds, while something is evaluated
MISSING = "–"
BITS = "bits_per_dimension"  # of Gaussian runs, whose losses are densities of pictures' levels
# The row's name, the field of `Evaluation`, the factor of its unit, the digits, and whether less is better
# (None: neither).
METRICS: tuple[tuple[str, str, float, int, bool | None], ...] = (
    ("−ELBO, nats", "negative_elbo", 1, 2, True),
    ("−ELBO, bits per dimension", BITS, 1, 3, True),
    ("−ELBO refined, nats", "refined_negative_elbo", 1, 2, True),
    ("NLL, nats", "nll", 1, 2, True),
    ("reconstruction, nats", "reconstruction", 1, 2, True),
    ("KL, nats", "kl", 1, 2, None),
    ("active units", "active_units", 1, 0, None),
    ("1-NN accuracy, %", "knn_1", 100, 2, False),
    ("5-NN accuracy, %", "knn_5", 100, 2, False),
    ("20-NN accuracy, %", "knn_20", 100, 2, False),
)
ACCURACY = "knn_"  # how the fields of these begin
OF_LIKELIHOOD = {"negative_elbo", BITS, "refined_negative_elbo", "nll", "reconstruction"}
ERRORS = {"negative_elbo": "standard_error", "refined_negative_elbo": "refined_standard_error"}
COUNTS = ("images", "elbo_samples", "importance_samples")  # what the metrics are means over
UNLIKE = (
    "They were evaluated with different numbers of images or samples, so neither figure is the better one. "
    "Evaluate both anew: `python -m vae evaluate` and the run's name."
)
ABOUT = (
    "Means over all test images, losses in [nats](learn?term=nat); ± is the standard error: how far a figure "
    "would move with other test images. Two runs on the same ones compare more sharply. The better one is "
    "bold; less [KL](learn?term=kl) or fewer [active units](learn?term=active-dimension) are not better or "
    "worse by themselves."
)
ABOUT_ACCURACY = (
    " [k-NN accuracy](learn?term=knn): the share of images whose class is that of most of their k nearest in "
    "the latent space."
)
QUICK = "An evaluation adds the refined −[ELBO](learn?term=elbo) and the [NLL](learn?term=nll)."
NATS = ", nats"
SETTINGS = 3  # that differ, in the small table
FIRST = ("−ELBO, nats", "reconstruction, nats", "KL, nats", "5-NN accuracy, %")  # rows of the small table
Metrics = dict[str, float]  # by the names of the fields of `Evaluation`


def first_figures(pair: Pair, loaded: tuple[LoadedModel, LoadedModel]) -> None:
    """A small table: at most `SETTINGS` settings that differ, and first metrics of the newest weights."""
    fields = differing_fields(*(run.config for run in pair))
    shown = dict(list(fields.items())[:SETTINGS])
    metrics, bold = metric_rows(
        *map(quick_metrics, loaded), comparable=pair.same_set, same_likelihood=pair.same_likelihood
    )
    rows = {name: (*values, "") for name, values in shown.items()}
    rows["after epoch"] = (*_epochs(pair, loaded), "")
    rows |= {name.removesuffix(NATS): metrics[name] for name in FIRST if name in metrics}
    bold = {name.removesuffix(NATS): column for name, column in bold.items()}
    st.html(_comparison_table("losses in nats", rows, bold))


def _comparison_table(title: str, rows: Mapping[str, tuple[str, str, str]], bold: dict[str, int]) -> str:
    """HTML of rows as `metric_rows` has them, with a column of differences where there are any."""
    columns = 3 if any(difference for *_, difference in rows.values()) else 2
    heading = (title, "left", "right", "right − left")[: 1 + columns]
    return number_table(heading, {name: cells[:columns] for name, cells in rows.items()}, bold)


def _epochs(pair: Pair, loaded: tuple[LoadedModel, LoadedModel]) -> tuple[str, str]:
    """After which epoch each model is, of how many."""
    left, right = (
        f"{round(shown.epoch, 2):g} of {run.config.epochs}" for run, shown in zip(pair, loaded, strict=True)
    )
    return left, right


def metrics_table(pair: Pair, loaded: tuple[LoadedModel, LoadedModel]) -> None:
    """Both tables, and a button that evaluates the runs that are not evaluated yet."""
    st.subheader("What differs", anchor=False)
    settings, metrics = st.container(key="pair_beside_tables").columns([2, 3], gap="medium")
    with settings:
        fields = differing_fields(*(run.config for run in pair))
        if fields:
            st.html(number_table(("setting", "left", "right"), fields))
        else:
            st.caption("Both were made of the same settings.")
        steered = [escape_markdown(run_data.title(run)) for run in pair if run.is_steered()]
        if steered:
            st.caption(f"The rates of {' and '.join(steered)} were changed while it trained.")
    with metrics, show_errors():
        _metrics(pair, loaded)


def _metrics(pair: Pair, loaded: tuple[LoadedModel, LoadedModel]) -> None:
    evaluations = [_evaluation_of(run, shown) for run, shown in zip(pair, loaded, strict=True)]
    kept = [_figures(*each) for each in zip(loaded, evaluations, strict=True)]
    same_counts = not all(evaluations) or equal_counts(kept[0], kept[1])
    rows, bold = metric_rows(
        *kept, comparable=pair.same_set and same_counts, same_likelihood=pair.same_likelihood
    )
    rows = {"after epoch": (*_epochs(pair, loaded), "")} | rows
    st.html(_comparison_table("figure", rows, bold))
    if pair.same_set and not same_counts:
        st.caption(UNLIKE)
    st.caption(ABOUT + ABOUT_ACCURACY * any(shown.has_classes for shown in loaded))
    missing = [
        run
        for run, shown, each in zip(pair, loaded, evaluations, strict=True)
        if each is None and not shown.missing
    ]
    if missing:
        running = _running(missing)
        polled = show_errors()(_evaluate_missing)
        st.fragment(polled, run_every=POLL if running else None)(missing, running)


def equal_counts(left: Metrics, right: Metrics) -> bool:
    """Whether the metrics of two evaluations are means over equally many pictures and samples."""
    return all(left[name] == right[name] for name in COUNTS)


def metric_rows(
    left: Metrics, right: Metrics, *, comparable: bool, same_likelihood: bool = True
) -> tuple[dict[str, tuple[str, str, str]], dict[str, int]]:
    """The table's rows, and for each row with a better value that value's column.

    The difference is empty where one value is missing, or the runs are not `comparable`; that of losses also
    where the likelihoods are not the same. Accuracies and bits are left out where neither run has any.
    """
    rows, bold = {}, {}
    for name, field, unit, digits, lower in METRICS:
        values = [None if field not in each else unit * each[field] for each in (left, right)]
        if values == [None, None] and field.startswith((ACCURACY, BITS)):
            continue
        alike = comparable and (same_likelihood or field not in OF_LIKELIHOOD)
        cells = [MISSING if value is None else f"{value:.{digits}f}" for value in values]
        difference = ""
        if alike and values[0] is not None and values[1] is not None:
            cells[0], cells[1], difference = comparison(values[0], values[1], digits)
            best = None if lower is None else better(values[0], values[1], digits, lower=lower)
            if best is not None:
                bold[name] = best
        errors = [each.get(ERRORS.get(field, "")) for each in (left, right)]
        shown = [
            cell if error is None else f"{cell} ± {error:.2f}"
            for cell, error in zip(cells, errors, strict=True)
        ]
        rows[name] = (shown[0], shown[1], difference)
    return rows, bold


def _evaluation_of(run: Run, shown: LoadedModel) -> Evaluation | None:
    """The evaluation of the weights that are shown, None if others were evaluated. Raises VaeError."""
    found = evaluation(run)
    return found if found is not None and found.step == shown.step else None


def _figures(shown: LoadedModel, evaluation: Evaluation | None) -> Metrics:
    """The metrics of its evaluation, or else those of a single pass over the test set."""
    if evaluation is None:
        return quick_metrics(shown)
    fields = evaluation.model_dump().items()
    # The losses are those of all pages: earlier versions evaluated them with more samples of z.
    return {name: value for name, value in fields if isinstance(value, int | float)} | _losses(shown)


def _running(runs: Sequence[Run]) -> list[Run]:
    """The runs that are being evaluated, or wait for it."""
    known = [(run, latest_job("evaluate", run)) for run in runs]
    return [run for run, evaluating in known if evaluating is not None and not evaluating.ended]


def _evaluate_missing(missing: Sequence[Run], running: Sequence[Run]) -> None:
    """The progress of evaluations that were `running` when the page was shown; a button for the others."""
    if _running(missing) != running:
        st.rerun()
    st.caption(QUICK)
    ready = []
    for run in missing:
        latest = latest_job("evaluate", run)
        if run in running and latest is not None:
            st.progress(
                latest.progress,
                text=f"{escape_markdown(run_data.title(run))} is evaluated: {latest.progress:.0%}",
            )
        elif run.status().state in LIVE:
            st.caption(
                f"{escape_markdown(run_data.title(run))} can be evaluated once its training has ended."
            )
        else:
            ready.append(run)
            if latest is not None and latest.error:
                st.warning(escape_markdown(latest.error))
    if ready and may_change():
        what = "both" if len(ready) > 1 else escape_markdown(run_data.title(ready[0]))
        if st.button(f"Evaluate {what}", help="About a minute for each, on two cores."):
            perform(lambda: evaluate(ready))


def evaluation(run: Run) -> Evaluation | None:
    """The evaluation of the newest weights of `run`, if they were evaluated. Raises VaeError."""
    return _evaluation(run, changed_at(evaluation_path(run)), changed_at(run.model_path))


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={Run: path_of})
def _evaluation(run: Run, written: int, weights: int) -> Evaluation | None:  # noqa: ARG001 (the key)
    return load_evaluation(run)


# Finding the neighbours of 10,000 pictures in the latent space takes a second.
@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={LoadedModel: weights_of})
def quick_metrics(loaded: LoadedModel) -> Metrics:
    """The metrics that a single pass over the test set gives, with z sampled once."""
    return _losses(loaded) | neighbourhood(loaded.test.means, loaded.test.labels)


def _losses(loaded: LoadedModel) -> Metrics:
    reconstruction, kl, negative_elbo = mean_losses(loaded.test, np.arange(len(loaded.test))).values()
    losses = {"negative_elbo": negative_elbo, "reconstruction": reconstruction, "kl": kl}
    if (values := loaded.model.config.density_values) is not None:
        losses[BITS] = bits_per_dimension(negative_elbo, values)
    return losses
