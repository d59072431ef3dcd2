"""Reads the requests of viewers to the trainer: pause, stop, other rates, slow motion."""

import time
from contextlib import suppress

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.records import Request
from vae.runs.run import Run

POLL_SECONDS = 0.02  # between two checks of the file while the trainer waits


class Requests:
    """The newest request of a run. Polling costs microseconds, so it is done before each batch."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._seen: tuple[int, int] | None = None
        self.current = Request(number=0)

    def poll(self) -> bool:
        """Reads `current` again if the file changed since the last call; returns whether it did."""
        file = self._file()
        if file == self._seen:
            return False
        self._seen = file
        # A damaged request is ignored here; the next viewer who makes a request gets the error.
        with suppress(VaeError):
            self.current = self._run.request() or Request(number=0)
        return True

    def wait(self, seconds: float) -> None:
        """Sleeps for `seconds`, or until there is another request."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._file() == self._seen:
            time.sleep(min(left, POLL_SECONDS))

    def pauses_at(self, step: int) -> bool:
        """Whether the training is to pause before it takes step `step`, 0 for the first."""
        return self.current.pause_at is not None and step >= self.current.pause_at

    def apply_to(self, config: TrainConfig) -> TrainConfig:
        """`config` with the learning rate and beta that were requested, if any."""
        rates = self.current.model_dump(include={"learning_rate", "beta"}, exclude_none=True)
        return config.model_copy(update=rates)

    def _file(self) -> tuple[int, int] | None:
        """Inode and modification time of the request's file; None if there is none."""
        try:
            status = self._run.request_path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
