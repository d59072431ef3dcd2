"""What the files of a run hold, validated where it is read."""

import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from vae.config import Beta, LearningRate

State = Literal["starting", "running", "paused", "stopped", "finished", "failed", "interrupted"]
LIVE: frozenset[State] = frozenset({"starting", "running", "paused"})
LONGEST_DELAY = 5.0  # seconds; slower than that nobody watches


class Record(BaseModel):
    """Frozen, and without fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(Record):
    """Where a run stands. `interrupted` is never written: it is what readers find of a dead trainer."""

    state: State
    step: int = 0
    total_steps: int = 0
    epoch: float = 0
    seconds: float = 0  # of training so far, pauses left out
    images_per_second: float = 0
    eta_seconds: float | None = None
    threads: int | None = None
    workers: int = 1  # processes that train together
    device: str | None = None
    # What is in force now, as far as it was steered: not what the config says.
    learning_rate: float | None = None  # the peak of its schedule
    beta: float | None = None
    steered: bool = False  # whether either ever was another than the config's
    delay: float = 0
    heard: int = 0  # the number of the newest request that was obeyed
    pid: int | None = None
    heartbeat: float = 0  # Unix time of the last write
    error: str | None = None


class Metrics(Record):
    """One line of metrics.jsonl, in nats per image.

    A train line has the mean over the batches since the line before, as they were learned from (with pixels
    hidden from the encoder, where the config says so), a test line that over the whole set;
    the `_std` are standard deviations over batches. `learning_rate` is that of the last step,
    `peak_learning_rate` what the schedule makes it of. `seconds` count the training only.
    """

    split: Literal["train", "test"]
    step: int
    epoch: float
    seconds: float
    reconstruction: float
    reconstruction_std: float
    kl: float
    kl_std: float
    elbo: float
    elbo_std: float
    learning_rate: float
    peak_learning_rate: float
    beta: float


class Request(Record):
    """What viewers want of the trainer: the whole of it, so that the newest is always enough.

    `pause_at` is the step from which on it stands still, and 0 at once; `delay` the seconds it waits after
    each batch. `learning_rate` (the schedule's peak) and `beta` replace what is in force.
    """

    number: int = Field(default_factory=time.time_ns)  # tells one request from the next
    stop: bool = False
    pause_at: int | None = None
    delay: Annotated[float, Field(ge=0, le=LONGEST_DELAY)] = 0
    learning_rate: LearningRate | None = None
    beta: Beta | None = None
