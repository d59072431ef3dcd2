"""The newest model of a run, with the scored test set; cached for all tabs."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.runs.run_data import changed_at, path_of, status
from pages.components.shell.messages import message_markdown
from vae import VaeError
from vae.datasets import registry as datasets
from vae.inference.forward import Model
from vae.inference.planes import DimensionSummary, summarize_dimensions
from vae.inference.scored_set import ScoredSet
from vae.inference.scoring import diverged, scored_set, scores_match, valid_scores
from vae.models.layers import DecoderSpec
from vae.runs.checkpoints import SavedModel, load_scores
from vae.runs.records import LIVE
from vae.runs.run import Run

REFRESH_SECONDS = 10  # at least, between two reads of the weights of a live run


class LoadedModel(NamedTuple):
    """A model and what it makes of the test set, all with the same weights; one object for all tabs.

    Attributes:
        written: when the weights' file was written, in nanoseconds, read before the weights.
        step, epoch: of the training, when they were written.
        classes: the names of the test set's classes; a single one where there are none.
        missing: why the run's data set cannot be used, and what to do; empty if it can. Without it the test
            set has the stored posteriors and losses, black images, and no classes.
    """

    model: Model
    test: ScoredSet
    written: int
    step: int
    epoch: float
    classes: tuple[str, ...] = datasets.UNLABELLED
    missing: str = ""

    @property
    def has_classes(self) -> bool:
        """Whether there are classes to tell apart."""
        return len(self.classes) > 1

    def image_title(self, index: int) -> str:
        """What a test image is called: its class, if there are classes, and its index."""
        number = f"#{index}"
        return f"{self.classes[self.test.labels[index]]} · {number}" if self.has_classes else number

    @property
    def decoder(self) -> DecoderSpec:
        """The decoder as it is sent to browsers."""
        return self.model.decoder


def weights_of(loaded: LoadedModel) -> str:
    """The hash of a loaded model in cache keys: the name of its decoder, which is a hash of the weights, and
    whether its images are there."""
    return loaded.decoder.name + " without images" * bool(loaded.missing)


def load(run: Run) -> LoadedModel:
    """The newest weights of `run`, and the test set scored with them; raises VaeError if there are none.

    Raises MissingDataError if the run's data set is not here but can be downloaded or drawn. Of a live run
    the weights may be `REFRESH_SECONDS` old: its epochs may take a second each, and after each one all tabs
    would fetch decoder and points anew.
    """
    changed = written(run)
    return _load(run, changed, _why_missing(run) if changed else "")


def _why_missing(run: Run) -> str:
    """Why the data set of `run` cannot be used, and what to do; empty if it can."""
    try:
        datasets.load_for(run.config, train=False)  # the same arrays at each call
    except datasets.MissingDataError as error:
        if error.obtainable:
            raise
        return str(error)
    except VaeError as error:
        return str(error)
    return ""


def show_missing(*models: LoadedModel) -> None:
    """Says, for each data set that cannot be used, why, and what to do."""
    for missing in dict.fromkeys(loaded.missing for loaded in models if loaded.missing):
        said = f"{message_markdown(missing)} Until then only what needs no images is shown."
        with st.container(key=f"missing_data_{len(missing)}"):  # whose height app.css knows
            st.caption(f":material/warning: {said}")


def written(run: Run) -> int:
    """When the weights that `load` returns were written, in nanoseconds; 0 if there are none."""
    if status(run).state not in LIVE:
        refresh(run)  # so that a resumed run does not go back to older weights
    return _cached_change(run, run.created_at) or changed_at(run.model_path)


def refresh(run: Run) -> None:
    """Makes `load` return the newest weights, also of a live run."""
    _cached_change.clear(run, run.created_at)


@st.cache_data(ttl=REFRESH_SECONDS, max_entries=4096, show_spinner=False, hash_funcs={Run: path_of})
def _cached_change(run: Run, created_at: int) -> int:  # noqa: ARG001 (distinguishes runs of the same name)
    return changed_at(run.model_path)


# A resource, not data: 5 MB that no page changes, shared by all tabs instead of copied for each.
@st.cache_resource(max_entries=16, show_spinner="Loading the model ...", hash_funcs={Run: path_of})
def _load(run: Run, changed: int, missing: str) -> LoadedModel:  # noqa: ARG001 (the key)
    written = changed_at(run.model_path)
    saved = run.saved_model()
    if missing:
        test = _without_images(saved, missing)
        return LoadedModel(saved.model, test, written, saved.step, saved.epoch, missing=missing)
    images, labels = datasets.load_for(run.config, train=False)
    scores = valid_scores(saved.model, images, saved.scores)
    if not scores.finite:
        raise diverged(run.name, "test")
    test = scored_set(images, labels, scores)
    classes = datasets.classes_of(run.config)
    return LoadedModel(saved.model, test, written, saved.step, saved.epoch, classes)


def _without_images(saved: SavedModel, missing: str) -> ScoredSet:
    """The test set as the stored scores tell of it: black images, and all of one class."""
    scores, config = saved.scores, saved.model.config
    if scores is None:
        raise VaeError(
            f"{missing} Without it nothing can be shown: the weights of this older run have no scores."
        )
    shape = (len(scores.kl), config.side, config.side, *((3,) if config.channels == 3 else ()))
    images = np.broadcast_to(np.uint8(0), shape)  # takes no memory
    return scored_set(images, np.zeros(len(scores.kl), np.int64), scores)


def training_set(run: Run, loaded: LoadedModel) -> ScoredSet | None:
    """The training set of `run` with the scores of `loaded`; None if it is not scored with these weights."""
    return _training_set(run, loaded, changed_at(run.training_scores_path))


# 1 MB, and 0.5 MB for each dimension; the images are a file that is read where they are needed. Four entries,
# so that tabs with different runs do not evict each other's.
@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Run: path_of, LoadedModel: weights_of})
def _training_set(run: Run, loaded: LoadedModel, written: int) -> ScoredSet | None:  # noqa: ARG001 (the key)
    images, labels = datasets.load_for(run.config, train=True)
    scores = load_scores(run.training_scores_path, run.config, len(images))
    if scores is None or not scores_match(scores, loaded.model, images):
        return None
    return scored_set(images, labels, scores)


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs={Run: path_of, LoadedModel: weights_of})
def dimensions(run: Run, loaded: LoadedModel) -> DimensionSummary:  # noqa: ARG001 (part of the key)
    """What each latent dimension encodes of the test set."""
    return summarize_dimensions(loaded.test)
