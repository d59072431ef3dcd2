"""What viewers want of a trainer, as the trainer hears it."""

import time
from contextlib import suppress

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.records import Request
from vae.runs.run import Run

LOOK_SECONDS = 0.02  # between two looks of a trainer that waits


class Orders:
    """The newest request of a run. To look for one costs microseconds, so each batch does."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._heard: tuple[int, int] | None = None
        self.now = Request(number=0)

    def changed(self) -> bool:
        """Whether there is another request than at the last call; `now` is then the new one."""
        file = self._file()
        if file == self._heard:
            return False
        self._heard = file
        # A damaged request is told to whoever asks next; the training goes on as it was.
        with suppress(VaeError):
            self.now = self._run.request() or Request(number=0)
        return True

    def wait(self, seconds: float) -> None:
        """Waits, at most until there is another request."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._file() == self._heard:
            time.sleep(min(left, LOOK_SECONDS))

    def pauses(self, step: int) -> bool:
        """Whether the training shall stand still before it takes step `step`, 0 the first."""
        return self.now.pause_at is not None and step >= self.now.pause_at

    def steered(self, config: TrainConfig) -> TrainConfig:
        """`config` with the rates that are asked for."""
        rates = self.now.model_dump(include={"learning_rate", "beta"}, exclude_none=True)
        return config.model_copy(update=rates)

    def _file(self) -> tuple[int, int] | None:
        try:
            status = self._run.request_path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
