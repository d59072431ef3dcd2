"""A run's metrics as arrays, updated by reading only the lines that were appended since the last call."""

import os
import threading
from contextlib import closing, suppress
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from vae.runs.records import Metrics
from vae.runs.run import Run
from vae.storage import systems

FIELDS = tuple(name for name in Metrics.model_fields if name != "split")
ROW = np.dtype([(name, np.float64) for name in FIELDS])
# (lines,) of ROW; rows["kl"] is a column, in the units of `Metrics`; NaN for None
Rows = npt.NDArray[np.void]


class Losses(NamedTuple):
    """The metrics of each split, in the order of their steps."""

    train: Rows
    test: Rows


NO_LOSSES = Losses(np.empty(0, ROW), np.empty(0, ROW))


def read_losses(run: Run) -> Losses:
    """All metrics of a run. Raises VaeError if a line is damaged."""
    with closing(History(run)) as history:
        return history.read()


class History:
    """The metrics of one run; safe to use from several threads."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._read_file: os.stat_result | None = None  # the file that `_offset` and `_losses` are of
        self._offset = 0
        self._losses = NO_LOSSES

    def read(self) -> Losses:
        """All metrics up to now. Raises VaeError if a line is damaged."""
        with self._lock:
            if not self._is_open():
                self._open()
            if self._file is not None:
                for lines, offset in self._run.read_metrics(self._file, self._offset):
                    self._offset = offset
                    self._losses = Losses(*(self._append(split, lines) for split in Losses._fields))
            # It lets no training replace an open file, and does not use its file numbers again.
            if systems.WINDOWS:
                self._close_file()
            return self._losses

    def close(self) -> None:
        """Closes the file; `read` opens it again, and reads it from its start."""
        self._close_file()
        self._read_file = None

    def __del__(self) -> None:
        self.close()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_open(self) -> bool:
        """Whether the open file is still the one at its path, which a resumed training replaces.

        The file stays open, because the inode number of a closed and deleted file could be used again.
        """
        try:
            now = self._run.metrics_path.stat()
        except FileNotFoundError:
            return False
        return self._file is not None and os.path.samestat(os.fstat(self._file.fileno()), now)

    def _open(self) -> None:
        """Opens the file at its path, if there is one, and forgets what was read of another."""
        before, found = self._read_file, None
        self.close()
        with suppress(FileNotFoundError):
            self._file = self._run.open_metrics()
            found = self._read_file = os.fstat(self._file.fileno())
        if before is None or found is None or not os.path.samestat(before, found):
            self._offset, self._losses = 0, NO_LOSSES

    def _append(self, split: str, lines: list[Metrics]) -> Rows:
        rows: list[Any] = [
            tuple(getattr(line, name) for name in FIELDS) for line in lines if line.split == split
        ]
        added = np.array(rows, ROW)  # NaN for None
        peaks = added["peak_learning_rate"]
        if np.isnan(peaks).any():  # of format 1
            peaks[np.isnan(peaks)] = self._run.config.learning_rate
        weights = added["kl_weight"]
        if np.isnan(weights).any():
            weights[np.isnan(weights)] = added["beta"][np.isnan(weights)]
        return np.concatenate((getattr(self._losses, split), added))
