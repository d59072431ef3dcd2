"""The records in a run's JSON files and in the metadata of its tensor files, validated when they are read."""

import os
import time
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae import VaeError
from vae.config import Beta, LearningRate, TrainConfig, explain
from vae.storage.untrusted import parse_json

FORMAT = 4  # of a run's files; docs/RUN_DIRECTORY.md has the older ones
State = Literal["starting", "running", "paused", "stopped", "finished", "failed", "interrupted"]
LIVE: frozenset[State] = frozenset({"starting", "running", "paused"})
MAX_LINE = 10_000  # bytes; a line of metrics has about 330
CHUNK = 1_000_000  # bytes of metrics parsed at once, to limit the memory of their objects
TAIL = (
    8_000  # bytes of metrics read at once from the end; ten lines of a train epoch and a test line have 3,700
)
MAX_DELAY = 5.0  # seconds
# No training reaches larger values, and they cannot be formatted as durations or dates.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[float, Field(ge=0, le=1e15)]
Delay = Annotated[float, Field(ge=0, le=MAX_DELAY)]


class Record(BaseModel):
    """An immutable record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, content: bytes) -> Self:
        """The record in JSON `content`. Raises ValueError, which names what is wrong."""
        return cls.of(parse_json(content))

    @classmethod
    def of(cls, fields: dict[str, Any] | None) -> Self:
        """The record with these fields, None for no fields. Raises ValueError, which names what is wrong."""
        try:
            return cls.model_validate(fields or {})
        except ValidationError as error:
            raise ValueError(explain(error)) from error


class Status(Record):
    """The state and progress of a run. `interrupted` is never written: readers infer it from the lock."""

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
    # Values in force, where requests have changed those of the config.
    learning_rate: LearningRate | None = None  # the peak of its schedule
    beta: Beta | None = None
    steered: bool = False  # whether either has ever differed from the config's
    delay: Delay = 0
    heard: Count = 0  # the number of the newest request that was carried out
    pid: Count | None = None
    heartbeat: Amount = 0  # Unix time of the last write
    error: str | None = None
    notice: str | None = (
        None  # what of the config the machine lacks, and what is used instead; while it trains
    )
    activity: str | None = None  # what a trainer does that is starting, a sentence; None for the usual

    @property
    def share(self) -> float:
        """The share of the training that is done, 0 to 1."""
        return min(1.0, self.step / max(self.total_steps, 1))


class Metrics(Record):
    """One line of metrics.jsonl; losses in nats per image.

    A train line holds means over the batches since the previous line, computed during the training steps
    (with the config's pixel dropout); a test line means over the whole set. The `_std` are standard
    deviations over batches. `learning_rate` is that of the last step, `peak_learning_rate` the schedule's
    peak; `kl_weight` is that of the last step, `beta` what it rises to in a warm-up. `seconds`
    count only training.
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
    elbo_std: float | None = None  # in format 1
    learning_rate: Amount
    peak_learning_rate: Amount | None = None  # in format 1: that of the config
    beta: Amount
    kl_weight: Amount | None = None  # in older files: beta


class TensorMetadata(Record):
    """Metadata of every safetensors file: the step at which it was written."""

    step: Count


class ModelMetadata(TensorMetadata):
    """Metadata of the file of weights; it holds the config so that the file can be used alone."""

    epoch: Amount
    config: str


class Request(Record):
    """The viewers' current request to the trainer; each has all fields, so that only the newest counts.

    Attributes:
        number: identifies the request.
        pause_at: the step from which on training pauses, 0 for at once.
        delay: seconds to wait after each batch.
        learning_rate, beta: replace the values in force; `learning_rate` is the schedule's peak.
    """

    number: Count = Field(default_factory=time.time_ns)
    stop: bool = False
    pause_at: Count | None = None
    delay: Delay = 0
    learning_rate: LearningRate | None = None
    beta: Beta | None = None


def read_config(name: str, content: bytes) -> TrainConfig:
    """The config in `content`, the config.json of the run `name`.

    Raises VaeError if it is of a newer format or not a valid config, ValueError if it is not JSON.
    """
    stored = parse_json(content)
    version = stored.pop("format", None)
    if type(version) is not int or version < 1:
        raise ValueError("it names no format")
    if version > FORMAT:
        raise VaeError(f"{name}/config.json was written by a newer version; update the project.")
    try:
        return TrainConfig.model_validate(stored)
    except ValidationError as error:
        raise VaeError(f"{name}/config.json is no config. {explain(error)}") from error


def read_lines(file: BinaryIO, offset: int) -> Iterator[tuple[list[Metrics], int]]:
    """Lines of metrics from byte `offset` on, in chunks of about 3,000, each with the offset of its end.

    An incomplete last line is left for the next call. Raises ValueError for an invalid line.
    """
    file.seek(offset)
    incomplete = b""
    while content := file.read(CHUNK):
        whole, newline, incomplete = (incomplete + content).rpartition(b"\n")
        if len(incomplete) > MAX_LINE:
            raise ValueError(f"a line has more than {MAX_LINE:,} bytes")
        if newline:
            offset += len(whole) + 1
            yield [Metrics.read(line) for line in whole.split(b"\n")], offset


def newest_line(file: BinaryIO, split: str) -> Metrics | None:
    """The last complete line of a split, found from the end of the file; None if there is none.

    Raises ValueError for an invalid line among those that are read until then.
    """
    for line in _lines_backwards(file):
        metrics = Metrics.read(line)
        if metrics.split == split:
            return metrics
    return None


def _lines_backwards(file: BinaryIO) -> Iterator[bytes]:
    """The complete lines of a file, the last one first. Raises ValueError for one that is too long."""
    position = file.seek(0, os.SEEK_END)
    rest = b""  # of a line that begins before `position`
    incomplete = True  # what follows the last newline is no line yet
    while position:
        count = min(TAIL, position)
        position -= count
        file.seek(position)
        rest, *lines = (file.read(count) + rest).split(b"\n")
        if len(rest) > MAX_LINE:
            raise ValueError(f"a line has more than {MAX_LINE:,} bytes")
        for line in reversed(lines):
            if not incomplete:
                yield line
            incomplete = False
    if not incomplete:
        yield rest
