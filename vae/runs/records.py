"""What the files of a run hold, validated where it is read."""

import time
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae import VaeError
from vae.config import Beta, LearningRate, TrainConfig, explain
from vae.storage.untrusted import parse_json

FORMAT = 2  # of a run's files
State = Literal["starting", "running", "paused", "stopped", "finished", "failed", "interrupted"]
LIVE: frozenset[State] = frozenset({"starting", "running", "paused"})
MAX_LINE = 10_000  # bytes; a line of metrics has 330
CHUNK = 1_000_000  # bytes of metrics that are read at once, for the memory that they take as objects
MAX_DELAY = 5.0  # seconds; slower than that nobody watches
# What is beyond was never measured; ages and dates of it cannot be told.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[float, Field(ge=0, le=1e15)]
Delay = Annotated[float, Field(ge=0, le=MAX_DELAY)]


class Record(BaseModel):
    """Frozen, and without fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, content: bytes) -> Self:
        """The record that `content`, JSON, holds. Raises ValueError."""
        return cls.of(parse_json(content))

    @classmethod
    def of(cls, fields: dict[str, Any] | None) -> Self:
        """The record of these fields, of none if it is None. Raises ValueError, which names what is wrong."""
        try:
            return cls.model_validate(fields or {})
        except ValidationError as error:
            raise ValueError(explain(error)) from error


class Status(Record):
    """Where a run stands. `interrupted` is never written: it is what readers find of a dead trainer."""

    state: State
    step: Count = 0
    total_steps: Count = 0
    epoch: Amount = 0
    seconds: Amount = 0  # of training so far, pauses left out
    images_per_second: Amount = 0
    eta_seconds: Amount | None = None
    threads: Count | None = None
    workers: Count = 1  # processes that train together
    device: str | None = None
    # What is in force now, as far as it was steered: not what the config says.
    learning_rate: LearningRate | None = None  # the peak of its schedule
    beta: Beta | None = None
    steered: bool = False  # whether either ever was another than the config's
    delay: Delay = 0
    heard: Count = 0  # the number of the newest request that was obeyed
    pid: Count | None = None
    heartbeat: Amount = 0  # Unix time of the last write
    error: str | None = None


class Metrics(Record):
    """One line of metrics.jsonl, in nats per image.

    A train line has the mean over the batches since the line before, as they were learned from (with pixels
    hidden from the encoder, where the config says so), a test line that over the whole set;
    the `_std` are standard deviations over batches. `learning_rate` is that of the last step,
    `peak_learning_rate` what the schedule makes it of. `seconds` count the training only.
    """

    split: Literal["train", "test"]
    step: Count
    epoch: Amount
    seconds: Amount
    reconstruction: float
    reconstruction_std: float
    kl: float
    kl_std: float
    elbo: float
    elbo_std: float
    learning_rate: Amount
    peak_learning_rate: Amount
    beta: Amount


class TensorMetadata(Record):
    """What a file of tensors says of when it was written."""

    step: Count


class ModelMetadata(TensorMetadata):
    """The same of a file of weights; its config is there for those who find it alone."""

    epoch: Amount
    config: str


class Request(Record):
    """What viewers want of the trainer: the whole of it, so that the newest is always enough.

    `pause_at` is the step from which on it stands still, and 0 at once; `delay` the seconds it waits after
    each batch. `learning_rate` (the schedule's peak) and `beta` replace what is in force.
    """

    number: Count = Field(default_factory=time.time_ns)  # tells one request from the next
    stop: bool = False
    pause_at: Count | None = None
    delay: Delay = 0
    learning_rate: LearningRate | None = None
    beta: Beta | None = None


def read_config(name: str, content: bytes) -> TrainConfig:
    """The config that `content`, the config.json of the run `name`, holds.

    Raises VaeError if it is of another format or holds no config, ValueError if it is no JSON.
    """
    stored = parse_json(content)
    written = stored.pop("format", None)
    if type(written) is not int:
        raise ValueError("it names no format")
    if written != FORMAT:
        older = written < FORMAT
        advice = "an older version; train it anew" if older else "a newer version; update the project"
        raise VaeError(f"{name}/config.json was written by {advice}.")
    try:
        return TrainConfig.model_validate(stored)
    except ValidationError as error:
        raise VaeError(f"{name}/config.json is no config. {explain(error)}") from error


def read_lines(file: BinaryIO, offset: int) -> Iterator[tuple[list[Metrics], int]]:
    """The lines of metrics from byte `offset` of `file` on, some thousand at a time, and where they end.

    A torn last line waits. Raises ValueError for one that is no line.
    """
    file.seek(offset)
    torn = b""
    while content := file.read(CHUNK):
        whole, newline, torn = (torn + content).rpartition(b"\n")
        if len(torn) > MAX_LINE:
            raise ValueError(f"a line has more than {MAX_LINE:,} bytes")
        if newline:
            offset += len(whole) + 1
            yield [Metrics.read(line) for line in whole.split(b"\n")], offset
