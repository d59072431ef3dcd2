"""What is kept of runs' figures on their test sets: those of an evaluation, and those that cost little."""

import numpy as np
import streamlit as st

from pages.components.cached import Explored
from vae.evaluation.evaluate import neighbourhood
from vae.inference.scored_set import ScoredSet, mean_losses
from vae.runs.evaluation import Evaluation, evaluation_path, kept_evaluation
from vae.runs.run import Run

Figures = dict[str, float]  # by the names of the fields of `Evaluation`


def evaluation(run: Run) -> Evaluation | None:
    """The figures of the newest weights of `run`, if these were evaluated. Raises VaeError."""
    path = evaluation_path(run)
    written = path.stat().st_mtime_ns if path.exists() else 0
    weights = run.model_path.stat().st_mtime_ns if run.model_path.exists() else 0
    return _evaluation(run, written, weights)


def quick_figures(explored: Explored) -> Figures:
    """Those of its figures that the one pass over the test set gives, with z sampled once."""
    return _quick_figures(explored.decoder.name, explored.test)


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def _evaluation(run: Run, written: int, weights: int) -> Evaluation | None:  # noqa: ARG001 (the key)
    return kept_evaluation(run)


# Neighbours of 10,000 pictures in the latent space take a second.
@st.cache_data(max_entries=16, show_spinner="Comparing the figures ...")
def _quick_figures(weights: str, _test: ScoredSet) -> Figures:  # noqa: ARG001 (the key)
    reconstruction, kl, negative_elbo = mean_losses(_test, np.arange(len(_test))).values()
    losses = {"negative_elbo": negative_elbo, "reconstruction": reconstruction, "kl": kl}
    return losses | neighbourhood(_test.means, _test.labels)
