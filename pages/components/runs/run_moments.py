"""The moments of a run for the time slider: its usable snapshots, served to browsers, and their losses."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.runs import run_data
from pages.components.runs.loaded_model import LoadedModel, weights_of
from pages.components.runs.run_data import path_of
from pages.components.shell.assets import remove_files, serve_files
from pages.components.stores.moments import Cost, Moment, Moments
from vae import VaeError
from vae.config import TrainConfig
from vae.inference.scored_set import mean_losses
from vae.models.layers import decoder_shapes
from vae.runs.history import Rows
from vae.runs.records import Metrics
from vae.runs.run import Run
from vae.runs.snapshots import load_valid_snapshot

Stamp = tuple[Path, int, int]  # a file, when it was written, and how large it is


def load(run: Run, loaded: LoadedModel, *, live: bool = False) -> Moments:
    """The moments of `run`, with their snapshots served from static/.

    Without `live`: the snapshots before the loaded weights, then these weights. With `live`: all snapshots,
    then the training as it stands now. Raises VaeError if static/ cannot be written.
    """
    earlier = [file for file in map(_stamp, run.snapshots()) if live or _step(file[0]) < loaded.step]
    found = _moments(run, loaded, earlier, live)
    folder = _folder(run)
    urls = {moment.url for moment in found.moments}
    usable = {_name(file): file[0] for file in earlier if _url(folder, file) in urls}
    serve_files(folder, usable)
    return found


def without_weights(run: Run, *, live: bool) -> Moments:
    """The moments of a run that has no weights yet: only the training as it stands now."""
    return Moments(
        run=run.name,
        live=live,
        moments=(_live(()),),
        decoder=None,
        weights=(),
        pictures=np.empty((0, 0, 0), np.uint8),
        means=np.empty((0, 0), np.float32),
        missing=(),
    )


def at_step(run: Run, step: int) -> Moment:
    """A moment without a snapshot, with the losses that the log has at this step."""
    return _moment(run, step, None, None)


def forget(run: Run) -> None:
    """Removes the served snapshots of a deleted run: their links would keep them on the disk."""
    remove_files(_folder(run))


def _step(path: Path) -> int:
    return int(path.stem)


def _stamp(path: Path) -> Stamp:
    """A file's stamp, with zeros if there is none; of a symbolic link that of the link itself."""
    try:
        found = path.lstat()
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size


def _folder(run: Run) -> str:
    return f"moments-{hashlib.sha256(str(run.path.resolve()).encode()).hexdigest()[:16]}"


def _name(file: Stamp) -> str:
    path, changed, _ = file
    return f"{path.stem}-{changed:x}.safetensors"  # another name after a change, as browsers cache the file


def _url(folder: str, file: Stamp) -> str:
    return f"app/static/{folder}/{_name(file)}"


# 20 kB each.
@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Run: path_of, LoadedModel: weights_of})
def _moments(run: Run, loaded: LoadedModel, files: Sequence[Stamp], live: bool) -> Moments:
    test = loaded.test
    first = test.examples
    counts, found, missing = (len(test), len(first)), [], []
    for file in files:
        step, usable = _step(file[0]), _usable(*file, run.config, counts)
        if usable is None:
            missing.append(step)
        else:
            found.append(_moment(run, step, _url(_folder(run), file), usable.metrics))
    shown_examples = first[:0] if loaded.missing else first
    losses = mean_losses(test, np.arange(len(test)))
    cost = Cost(losses["reconstruction"], losses["KL"])
    step = loaded.step
    train = _cost(run_data.losses(run).train, step)
    seconds = _epoch_and_seconds(run, step)[1]
    shown = Moment(step, None, loaded.epoch, seconds, train, cost, run.config.density_values)
    return Moments(
        run=run.name,
        live=live,
        moments=(*found, _live(found) if live else shown),
        decoder=loaded.decoder.name,
        weights=[*decoder_shapes(run.config)],
        pictures=test.images[shown_examples],
        means=test.means[shown_examples],
        missing=missing,
    )


def _live(found: Sequence[Moment]) -> Moment:
    """The last moment of a live run: it changes all the time, so it has the step of the last snapshot."""
    return Moment(found[-1].step if found else 0, None, None, None, None, None)


def _moment(run: Run, step: int, url: str | None, metrics: Metrics | None) -> Moment:
    """A moment with its losses from the log, and from the snapshot's metrics, which are of one split."""
    losses = run_data.losses(run)
    costs = {split: _cost(rows, step) for split, rows in losses._asdict().items()}
    when = _epoch_and_seconds(run, step) if metrics is None else (metrics.epoch, metrics.seconds)
    if metrics is not None:
        costs[metrics.split] = Cost(metrics.reconstruction, metrics.kl)
    return Moment(step, url, *when, costs["train"], costs["test"], run.config.density_values)


def _cost(rows: Rows, step: int) -> Cost | None:
    """The losses that the log has at a step, or None."""
    (found,) = np.nonzero(rows["step"] == step)
    return Cost(*(float(rows[name][found[0]]) for name in Cost._fields)) if len(found) else None


def _epoch_and_seconds(run: Run, step: int) -> tuple[float | None, float | None]:
    """Epoch and seconds at a step, interpolated between lines of the log; None without a log."""
    train = run_data.losses(run).train
    if not len(train):
        return None, None
    at = np.concatenate(([0], train["step"]))
    epoch, seconds = (
        float(np.interp(step, at, np.concatenate(([0], train[name])))) for name in ("epoch", "seconds")
    )
    return epoch, seconds


class UsableSnapshot(NamedTuple):
    """What is cached of a snapshot that can be used: 1 kB, not its tensors."""

    metrics: Metrics | None


# Each file is read once; a run has up to 40, one that was continued more.
@st.cache_data(max_entries=8192, show_spinner=False, hash_funcs={TrainConfig: TrainConfig.model_dump_json})
def _usable(
    path: Path,
    changed: int,  # noqa: ARG001 (the key)
    size: int,  # noqa: ARG001
    config: TrainConfig,
    counts: tuple[int, int],
) -> UsableSnapshot | None:
    """A snapshot's metrics; None if it cannot be used with a test set of `counts` images and classes."""
    try:
        return UsableSnapshot(load_valid_snapshot(path, config, *counts).metrics)
    except (VaeError, OSError):
        return None
