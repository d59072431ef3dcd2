"""Reads the requests of viewers to the trainer: pause, stop, other rates, slow motion."""

import threading
import time
from contextlib import suppress

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.records import Request
from vae.runs.run import Run

POLL_SECONDS = 0.02  # between two checks of the file while the trainer waits


class StopRequestedError(Exception):
    """A stop was requested while the training prepares, or evaluates the test set."""


class Requests:
    """The newest request of a run. Polling costs microseconds, so it is done before each batch.

    Args:
        stop: set when this process is asked to stop, by a signal.
    """

    def __init__(self, run: Run, stop: threading.Event | None = None) -> None:
        self._run, self._stop = run, stop or threading.Event()
        self._seen: tuple[int, int] | None = None  # by `poll`
        self._checked: tuple[int, int] | None = None  # by `raise_if_stopped`
        self.current = Request(number=0)

    def poll(self) -> bool:
        """Reads `current` again if there is a new request since the last call; returns whether there is."""
        file = self._file()
        if file == self._seen and not self._has_new_signal():
            return False
        self._seen = file
        self._read()
        return True

    def raise_if_stopped(self) -> None:
        """Raises StopRequestedError if a stop is requested; `poll` still finds all other requests."""
        file = self._file()
        if file != self._checked or self._has_new_signal():
            self._checked = file
            before = self.current
            self._read()
            if self.current.stop:
                raise StopRequestedError
            self.current = before

    def wait(self, seconds: float) -> None:
        """Sleeps for `seconds`, or until there is another request."""
        end = time.monotonic() + seconds
        while (
            (left := end - time.monotonic()) > 0 and self._file() == self._seen and not self._has_new_signal()
        ):
            time.sleep(min(left, POLL_SECONDS))

    def pauses_at(self, step: int) -> bool:
        """Whether the training is to pause before it takes step `step`, 0 for the first."""
        return self.current.pause_at is not None and step >= self.current.pause_at

    def apply_to(self, config: TrainConfig) -> TrainConfig:
        """`config` with the learning rate and beta that were requested, if any."""
        rates = self.current.model_dump(include={"learning_rate", "beta"}, exclude_none=True)
        return config.model_copy(update=rates)

    def _has_new_signal(self) -> bool:
        return self._stop.is_set() and not self.current.stop

    def _read(self) -> None:
        """Reads `current` from the file; a signal counts as a request to stop."""
        # A damaged request is ignored here; the next viewer who makes a request gets the error.
        with suppress(VaeError):
            self.current = self._run.request() or Request(number=0)
        if self._stop.is_set():
            self.current = self.current.model_copy(update={"stop": True})

    def _file(self) -> tuple[int, int] | None:
        """Inode and modification time of the request's file; None if there is none."""
        try:
            status = self._run.request_path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
