"""The newest model of a run and the test set as it scores it, kept for all tabs.

torch is imported by what needs it only: the Train page does without.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.components.runs.run_data import changed_at, path_of, status
from vae import VaeError
from vae.inference.planes import DimensionSummary, summarize_dimensions
from vae.inference.scored_set import ScoredSet
from vae.models.layers import DecoderSpec
from vae.runs.records import LIVE
from vae.runs.run import Run

if TYPE_CHECKING:
    from vae.models.network import VAE


RESTING = 10  # seconds


class LoadedModel(NamedTuple):
    """What the exploring pages show, all of it under the same weights; one object for all tabs.

    Attributes:
        written: when the weights were, in nanoseconds; what is written while they are read is newer.
        step, epoch: after which they were.
    """

    model: "VAE"
    test: ScoredSet
    decoder: DecoderSpec
    written: int
    step: int
    epoch: float


def load(run: Run) -> LoadedModel:
    """The weights of `run`, and the test set under these; VaeError if there are none.

    They are its newest; while it trains, those of `RESTING` seconds ago at the most: it saves every few
    seconds, and each time all who look at it would wait until the test set is scored.
    """
    if status(run).state not in LIVE:
        refresh(run)  # nor may it go back to older ones once it is resumed
    return _load(run, _resting(run, run.created_at) or changed_at(run.model_path))


def refresh(run: Run) -> None:
    """Has `loaded` return the newest weights."""
    _resting.clear(run, run.created_at)


def training_set(run: Run, loaded: LoadedModel) -> ScoredSet:
    """The training set under the weights of `loaded`, which are those of `run`; not decoded."""
    return _training_set(run, loaded.decoder.name, loaded.model)


def dimensions(run: Run, loaded: LoadedModel) -> DimensionSummary:
    """What each dimension of the latent space holds of the test set."""
    return _dimensions(run, loaded.decoder.name, loaded.test)


@st.cache_data(ttl=RESTING, max_entries=32, show_spinner=False, hash_funcs={Run: path_of})
def _resting(run: Run, made_at: int) -> int:  # noqa: ARG001 (of another run of that name)
    return changed_at(run.model_path)


# A resource, not data: 20 MB that nobody changes, shared instead of copied for each tab.
@st.cache_resource(max_entries=4, show_spinner="Encoding the test set ...", hash_funcs={Run: path_of})
def _load(run: Run, changed: int) -> LoadedModel:  # noqa: ARG001 (the key)
    from vae.datasets.registry import load
    from vae.inference.scoring import make_scored_set
    from vae.models.decoder_export import decoder_spec
    from vae.runs.checkpoints import read_position

    written = changed_at(run.model_path)
    position = read_position(run.model_path)
    model = run.load_model()
    images, labels = load(run.config.dataset, train=False)
    test = make_scored_set(model, images.numpy(), labels.numpy())
    _refuse_diverged(test, "test", run)
    return LoadedModel(model, test, decoder_spec(model), written, *position)


# The 47 MB of the pictures themselves are those that `load` keeps; beside them 1 MB, and 0.5 MB for each
# dimension. Decoded, it would be 47 MB more. Two: two tabs must not take turns.
@st.cache_resource(max_entries=2, show_spinner="Encoding the training set ...", hash_funcs={Run: path_of})
def _training_set(run: Run, weights: str, _model: "VAE") -> ScoredSet:  # noqa: ARG001 (the key)
    from vae.datasets.registry import load
    from vae.inference.scoring import make_scored_set

    images, labels = load(run.config.dataset, train=True)
    shown = make_scored_set(_model, images.numpy(), labels.numpy(), decoding=False)
    _refuse_diverged(shown, "training", run)
    return shown


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Run: path_of})
def _dimensions(run: Run, weights: str, _test: ScoredSet) -> DimensionSummary:  # noqa: ARG001 (the key)
    return summarize_dimensions(_test)


def _refuse_diverged(shown: ScoredSet, which: str, run: Run) -> None:
    if not np.isfinite(shown.reconstruction + shown.kl).all():
        raise VaeError(
            f"The loss of some {which} pictures is no number under the weights of {run.name}: they "
            "have diverged. "
            "Choose another run, or train it again with a third of its learning rate."
        )
