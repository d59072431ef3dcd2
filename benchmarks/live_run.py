"""A run that is trained in the background, and its speed."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.browser import wait_until
from vae.config import TrainConfig
from vae.runs.records import LIVE, Status
from vae.runs.run import Run
from vae.training import jobs


@contextmanager
def training(config: TrainConfig, runs_dir: Path) -> Iterator[Run]:
    """Trains a run in another process for as long as the block lasts."""
    run = jobs.start(config, runs_dir)
    try:
        yield run
    finally:
        stop(run)


def stop(run: Run) -> None:
    """Stops a run, and returns once its trainer has ended."""
    run.request_stop()
    wait_until(lambda: run.status().state not in LIVE)


def slow_config(**changes: object) -> TrainConfig:
    """The preset quick for 1,000 epochs, which no benchmark waits for, at a rate that does not diverge."""
    return TrainConfig.preset("quick", epochs=1000, learning_rate=1e-4, **changes)


def read_status(run: Run) -> Status:
    """The run's status without `run.status()`, which also tries the trainer's lock."""
    return Status.model_validate_json((run.path / "status.json").read_bytes())


def images_per_second(run: Run, before: Status, after: Status) -> float:
    """The speed of training between two statuses; 0 if none was written in between."""
    seconds = (after.seconds - before.seconds) or math.inf
    return (after.step - before.step) * run.config.batch_size / seconds
