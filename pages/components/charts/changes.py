"""Where a training was steered. Nothing here knows Streamlit."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vae.runs.history import Losses
from vae.runs.records import Status


class Change(NamedTuple):
    """A place in a training, and what was changed there."""

    step: int
    epoch: float
    seconds: float
    text: str


def changes(losses: Losses, status: Status | None) -> list[Change]:
    """Where the learning rate (the peak of its schedule) or beta changed, in the order of the steps.

    A line is written at the moment of a change: the mark is at the last line with the old value. A change
    that no line shows yet, as a paused run's, is where `status` says that the run stands.
    """
    rows = losses.train
    values = np.stack((rows["peak_learning_rate"], rows["beta"]), axis=1)
    found = []
    for index in np.flatnonzero((values[1:] != values[:-1]).any(axis=1)):
        row = rows[index]
        place = int(row["step"]), float(row["epoch"]), float(row["seconds"])
        found.append(Change(*place, _difference(values[index], values[index + 1])))
    if status is not None and len(rows):
        steered = (status.learning_rate, status.beta)
        now = np.array([old if new is None else new for old, new in zip(values[-1], steered, strict=True)])
        if (now != values[-1]).any():
            found.append(Change(status.step, status.epoch, status.seconds, _difference(values[-1], now)))
    return found


def _difference(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> str:
    pairs = zip(("learning rate", "beta"), old, new, strict=True)
    return ", ".join(f"{name} {before:.3g} → {after:.3g}" for name, before, after in pairs if before != after)
