"""What the pages keep of the moments of a training: which snapshots are sound, where browsers find them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from pages.components import cached
from pages.components.cached import Explored
from pages.components.description import weight_names
from pages.components.moments import Losses, Moment, Moments
from pages.components.served import serve_files
from vae.config import TrainConfig
from vae.errors import VaeError
from vae.journey import sound_snapshot
from vae.records import Metrics
from vae.runs import Run

Stamp = tuple[Path, int, int]  # a file, when it was written, and how large it is


def moments(run: Run, explored: Explored) -> Moments:
    """The moments of `run` up to these weights, their snapshots put where browsers fetch them.

    Raises VaeError if static/ cannot be written.
    """
    files = [_stamp(path) for path in run.snapshots()]
    earlier = [file for file in files if file and int(file[0].stem) < explored.step]
    found = _moments(run, explored.decoder.name, earlier, explored)
    folder = _folder(run)
    addresses = {moment.address for moment in found.moments}
    sound = {_name(file): file[0] for file in earlier if _address(folder, file) in addresses}
    serve_files(folder, sound)
    return found


def _stamp(path: Path) -> Stamp | None:
    """None where the file is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return path, found.st_mtime_ns, found.st_size


def _folder(run: Run) -> str:
    return f"moments-{hashlib.sha256(str(run.path.resolve()).encode()).hexdigest()[:16]}"


def _name(file: Stamp) -> str:
    path, changed, _ = file
    return f"{path.stem}-{changed:x}.safetensors"  # browsers must not take an old one for a new one


def _address(folder: str, file: Stamp) -> str:
    return f"app/static/{folder}/{_name(file)}"


# 20 kB each, as objects and as they travel.
@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Run: lambda run: str(run.path)})
def _moments(
    run: Run,
    weights: str,  # noqa: ARG001 (the key)
    files: Sequence[Stamp],
    _explored: Explored,
) -> Moments:
    test = _explored.test
    first = np.unique(test.labels, return_index=True)[1]
    found, missing = [], []
    for file in files:
        step = int(file[0].stem)
        try:
            metrics = _sound(*file, run.config, (len(test), len(first)))
        except VaeError:
            missing.append(step)
        else:
            found.append(_moment(run, step, _address(_folder(run), file), metrics))
    cost = Losses("test", float(test.reconstruction.mean()), float(test.kl.mean()))
    return Moments(
        run=run.name,
        moments=(*found, Moment(_explored.step, None, _explored.epoch, cost)),
        decoder=_explored.decoder.name,
        weights=weight_names(_explored.model),
        pictures=test.images[first],
        means=test.means[first],
        missing=missing,
    )


def _moment(run: Run, step: int, address: str, metrics: Metrics | None) -> Moment:
    """Its losses by the snapshot, or else, of a run of an older version, by the log."""
    if metrics is not None:
        cost = Losses(metrics.split, metrics.reconstruction, metrics.kl)
        return Moment(step, address, metrics.epoch, cost)
    tests = cached.losses(run).test
    (rows,) = np.nonzero(tests["step"] == step)
    if not len(rows):
        return Moment(step, address, None, None)
    epoch, reconstruction, kl = (float(tests[name][rows[0]]) for name in ("epoch", "reconstruction", "kl"))
    return Moment(step, address, epoch, Losses("test", reconstruction, kl))


# 1 kB each; a file is read once, and its tensors are not kept.
@st.cache_data(max_entries=1024, show_spinner=False, hash_funcs={TrainConfig: TrainConfig.model_dump_json})
def _sound(
    path: Path,
    changed: int,  # noqa: ARG001 (the key)
    size: int,  # noqa: ARG001
    config: TrainConfig,
    counts: tuple[int, int],
) -> Metrics | None:
    """The metrics of a snapshot of so many pictures and classes. Raises VaeError if it cannot be used."""
    return sound_snapshot(path, config, *counts).metrics
