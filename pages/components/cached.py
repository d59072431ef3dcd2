"""What the pages keep of runs, keyed by path and time of change, and bounded.

torch is imported by what needs it only: the Train page does without.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from pages.components.charts.images import data_url, row_of_pairs
from pages.components.charts.live_figure import Spec, figure_spec
from pages.components.charts.loss_curves import Curve, Scale, X, loss_curves, rate_changes
from pages.components.charts.scatter import LABEL_COLOURS, latent_scatter
from pages.components.stores.points import MapPoints, map_points
from vae import VaeError
from vae.inference.labels import axis_names
from vae.inference.planes import Dimensions, Directions, dimensions_of
from vae.inference.scored_set import ScoredSet
from vae.models.layers import DecoderSpec
from vae.runs import catalogue
from vae.runs.history import History, Losses
from vae.runs.live_view import View, load_view
from vae.runs.records import LIVE, Status
from vae.runs.run import Run
from vae.training import forecast

if TYPE_CHECKING:
    from vae.models.network import VAE


RESTING = 10  # seconds


class Explored(NamedTuple):
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


def explored(run: Run) -> Explored:
    """The weights of `run`, and the test set under these; VaeError if there are none.

    They are its newest; while it trains, those of `RESTING` seconds ago at the most: it saves every few
    seconds, and each time all who look at it would wait until the test set is scored.
    """
    if status(run).state not in LIVE:
        show_newest(run)  # nor may it go back to older ones once it is resumed
    return _explored(run, _resting(run, run.made_at) or _changed(run.model_path))


def show_newest(run: Run) -> None:
    """Has `explored` return the newest weights."""
    _resting.clear(run, run.made_at)


def training(run: Run, explored: Explored) -> ScoredSet:
    """The training set under the weights of `explored`, which are those of `run`; not decoded."""
    return _training_set(run, explored.decoder.name, explored.model)


def dimensions(run: Run, explored: Explored) -> Dimensions:
    """What each dimension of the latent space holds of the test set."""
    return _dimensions(run, explored.decoder.name, explored.test)


def points(run: Run, explored: Explored, directions: Directions, *, train: bool = False) -> MapPoints:
    """The test set, or the training set, on a map of these directions."""
    return _points(run, explored.decoder.name, directions, train, explored)


@st.cache_data(ttl=0.2, max_entries=32, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def status(run: Run) -> Status:
    """Where `run` stood a moment ago: enough for those who watch, and asked once for all of them."""
    return run.status()


def losses(run: Run) -> Losses:
    """The losses of `run` up to now; what one viewer has read the others need not."""
    return _history(run).read()


def digits(run: Run) -> str | None:
    """The view's pictures over their reconstructions as a data URL, or None if there is no view yet."""
    return _digits(run, _changed(run.view_path))


def scatter(run: Run) -> Spec | None:
    """The view's points as a figure, or None if there is no view yet."""
    return _scatter(run, _changed(run.view_path))


def curves(runs: Sequence[Run], status: Status, scale: Scale, x: X) -> Spec:
    """The losses of the first run, whose status this is, and of the others laid over it."""
    # Asked before they are read: what is appended meanwhile makes another figure at the next poll.
    changed = [_changed(run.metrics_path) for run in runs]
    return _curves(runs, changed, (status.learning_rate, status.beta), scale, x, status)


@st.cache_data(ttl=600, max_entries=1, show_spinner=False)
def core_speed() -> float:
    """`forecast.core_speed`, not measured anew at every click."""
    return forecast.core_speed()


def summary(run: Run) -> dict[str, Any]:
    """`catalogue.summary`, its −ELBO out of what is read already."""

    def negative_elbo(run: Run) -> float | None:
        tests = losses(run).test
        return -float(tests["elbo"][-1]) if len(tests) else None

    return catalogue.summary(run, negative_elbo)


def _changed(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 if it is not there, which reading it explains."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _path(run: Run) -> str:
    return str(run.path)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs={Run: _path})
def _history(run: Run) -> History:
    return History(run)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={Run: _path})
def _curves(
    runs: Sequence[Run],
    changed: Sequence[int],  # noqa: ARG001 (the key)
    rates: tuple[float | None, ...],  # noqa: ARG001
    scale: Scale,
    x: X,
    _status: Status,
) -> Spec:
    lines = [Curve(run.name, losses(run)) for run in runs]
    references = all(run.config.dataset == "mnist" for run in runs)
    marks = rate_changes(lines[0].losses, _status)
    return figure_spec(loss_curves(lines, scale=scale, x=x, references=references, changes=marks))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: _path})
def _view(run: Run, changed: int) -> View | None:  # noqa: ARG001 (the key)
    return load_view(run.view_path)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: _path})
def _digits(run: Run, changed: int) -> str | None:
    shown = _view(run, changed)
    # Not a file of Streamlit's: at the next poll it may be gone before a slow browser asks for it.
    return shown and data_url(row_of_pairs(shown.pictures, shown.reconstructions, LABEL_COLOURS))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: _path})
def _scatter(run: Run, changed: int) -> Spec | None:
    shown = _view(run, changed)
    axes = axis_names(run.config.latent_dim)
    return shown and figure_spec(latent_scatter(shown.points, shown.labels, axes))


@st.cache_data(ttl=RESTING, max_entries=32, show_spinner=False, hash_funcs={Run: _path})
def _resting(run: Run, made_at: int) -> int:  # noqa: ARG001 (of another run of that name)
    return _changed(run.model_path)


# A resource, not data: 20 MB that nobody changes, shared instead of copied for each tab.
@st.cache_resource(max_entries=4, show_spinner="Encoding the test set ...", hash_funcs={Run: _path})
def _explored(run: Run, changed: int) -> Explored:  # noqa: ARG001 (the key)
    from vae.datasets.registry import load
    from vae.inference.scoring import scored
    from vae.models.decoder_export import decoder_spec
    from vae.runs.checkpoints import read_position

    written = _changed(run.model_path)
    position = read_position(run.model_path)
    model = run.load_model()
    images, labels = load(run.config.dataset, train=False)
    test = scored(model, images.numpy(), labels.numpy())
    _refuse_diverged(test, "test", run)
    return Explored(model, test, decoder_spec(model), written, *position)


# The 47 MB of the pictures themselves are those that `load` keeps; beside them 1 MB, and 0.5 MB for each
# dimension. Decoded, it would be 47 MB more. Two: two tabs must not take turns.
@st.cache_resource(max_entries=2, show_spinner="Encoding the training set ...", hash_funcs={Run: _path})
def _training_set(run: Run, weights: str, _model: "VAE") -> ScoredSet:  # noqa: ARG001 (the key)
    from vae.datasets.registry import load
    from vae.inference.scoring import scored

    images, labels = load(run.config.dataset, train=True)
    shown = scored(_model, images.numpy(), labels.numpy(), decoding=False)
    _refuse_diverged(shown, "training", run)
    return shown


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Run: _path})
def _dimensions(run: Run, weights: str, _test: ScoredSet) -> Dimensions:  # noqa: ARG001 (the key)
    return dimensions_of(_test)


def _same_map(directions: Directions) -> str:
    return directions.name


# Of 60,000 points each is 5 MB, as arrays and as it travels.
@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: _path, Directions: _same_map})
def _points(
    run: Run,
    weights: str,  # noqa: ARG001 (the key)
    directions: Directions,
    train: bool,
    _explored: Explored,
) -> MapPoints:
    return map_points(training(run, _explored) if train else _explored.test, directions)


def _refuse_diverged(shown: ScoredSet, which: str, run: Run) -> None:
    if not np.isfinite(shown.reconstruction + shown.kl).all():
        raise VaeError(
            f"The loss of some {which} pictures is no number under the weights of {run.name}: they "
            "have diverged. "
            "Choose another run, or train it again with a third of its learning rate."
        )
