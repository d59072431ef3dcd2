"""A run's losses as arrays, kept up to date by reading only what was appended."""

import threading
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vae.errors import VaeError
from vae.records import Metrics
from vae.runs import Run

FIELDS = tuple(name for name in Metrics.model_fields if name != "split")
ROW = np.dtype([(name, np.float64) for name in FIELDS])
Rows = npt.NDArray[np.void]  # (lines,) of ROW: rows["kl"] is a column, in the units of `Metrics`


class Losses(NamedTuple):
    """The lines of either split, in the order of their steps."""

    train: Rows
    test: Rows


NOTHING = Losses(np.empty(0, ROW), np.empty(0, ROW))


class History:
    """The losses of one run, for any number of readers at once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._file: int | None = None
        self._offset = 0
        self._losses = NOTHING

    def read(self) -> Losses:
        """All losses up to now. Raises VaeError if a line is damaged."""
        with self._lock:
            while True:
                file = self._file_now()
                # A resumed training replaces the file, without what it is about to write again.
                if file != self._file:
                    self._file, self._offset, self._losses = file, 0, NOTHING
                try:
                    lines, self._offset = self._run.metrics(self._offset)
                except VaeError:
                    if self._file_now() == file:
                        raise
                    continue
                if self._file_now() == file:
                    break
            if lines:
                self._losses = Losses(*(self._extended(split, lines) for split in Losses._fields))
            return self._losses

    def _file_now(self) -> int | None:
        try:
            return self._run.metrics_path.stat().st_ino
        except FileNotFoundError:
            return None

    def _extended(self, split: str, lines: list[Metrics]) -> Rows:
        rows: list[Any] = [
            tuple(getattr(line, name) for name in FIELDS) for line in lines if line.split == split
        ]
        return np.concatenate((getattr(self._losses, split), np.array(rows, ROW)))
