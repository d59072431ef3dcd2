"""The run directory: its name, config, status, metrics and requests. It knows torch only by its files.

A run is a folder that holds a `config.json`. Nothing else holds state: who trains writes here, who
watches reads here, and neither needs the other to be alive. docs/ARCHITECTURE.md has the format.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import filelock
from pydantic import BaseModel, ConfigDict, ValidationError

from vae.config import TrainConfig, explain
from vae.errors import VaeError
from vae.files import write_whole

if TYPE_CHECKING:
    from vae.model import VAE

FORMAT = 1
# A trainer needs a few seconds from its start until it holds the lock; more on a busy machine.
STARTING_SECONDS = 30

State = Literal["starting", "running", "paused", "stopped", "finished", "failed", "interrupted"]
LIVE: frozenset[State] = frozenset({"starting", "running", "paused"})


class Status(BaseModel):
    """Where a run stands. `interrupted` is never written: it is what readers find of a dead trainer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    step: int = 0
    total_steps: int = 0
    epoch: float = 0
    seconds: float = 0  # of training so far
    images_per_second: float = 0
    eta_seconds: float | None = None
    threads: int | None = None
    device: str | None = None
    pid: int | None = None
    heartbeat: float = 0  # Unix time of the last write
    error: str | None = None


class Metrics(BaseModel):
    """One line of metrics.jsonl, in nats per image.

    A train line has the mean over the batches since the line before, a test line that over the whole set;
    the `_std` are standard deviations over batches. `seconds` count the training only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Literal["train", "test"]
    step: int
    epoch: float
    reconstruction: float
    reconstruction_std: float
    kl: float
    kl_std: float
    elbo: float
    learning_rate: float
    beta: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """A run directory. Reading it raises VaeError, with the file's name, where a file is damaged."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def config(self) -> TrainConfig:
        """What the run is made of."""
        try:
            stored = json.loads((self.path / "config.json").read_bytes())
            if stored.pop("format") != FORMAT:
                raise VaeError(f"{self.name} was written by another version; update the project.")
            return TrainConfig.model_validate(stored)
        except ValidationError as error:
            raise VaeError(f"{self.name}/config.json is no config. {explain(error)}") from error
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise VaeError(
                f"{self.name}/config.json cannot be read ({error}). Mend it or delete the run's folder."
            ) from error

    def write_config(self, config: TrainConfig) -> None:
        stored = {"format": FORMAT, **config.model_dump(mode="json")}
        write_whole(self.path / "config.json", json.dumps(stored, indent=2).encode() + b"\n")

    @property
    def model_path(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def training_path(self) -> Path:
        return self.path / "resume.safetensors"

    def snapshot_path(self, step: int) -> Path:
        return self.path / "snapshots" / f"{step:08d}.safetensors"

    def load_model(self) -> "VAE":
        """The newest weights as a `VAE` in eval mode on the CPU. Raises VaeError if there are none."""
        # torch takes seconds to import, and those who only watch a run do without.
        from vae.checkpoints import load_model

        return load_model(self.model_path, self.config)

    def status(self) -> Status:
        """Where the run stands now, `interrupted` if its trainer died without a word."""
        try:
            status = Status.model_validate_json((self.path / "status.json").read_bytes())
        except FileNotFoundError:
            return Status(state="interrupted")
        except (OSError, ValidationError) as error:
            raise VaeError(
                f"{self.name}/status.json is damaged. Put it back, or delete the run and train it anew."
            ) from error
        if status.state not in LIVE or self.is_held():
            return status
        if status.state == "starting" and time.time() - status.heartbeat < STARTING_SECONDS:
            return status
        return status.model_copy(update={"state": "interrupted"})

    def write_status(self, status: Status) -> None:
        stamped = status.model_copy(update={"heartbeat": time.time(), "pid": os.getpid()})
        write_whole(
            self.path / "status.json",
            stamped.model_dump_json(exclude_none=True).encode(),
            durable=status.state not in LIVE,
        )

    def metrics(self, offset: int = 0) -> tuple[list[Metrics], int]:
        """The metrics from byte `offset` on, and the offset to go on from. A torn last line waits."""
        try:
            with (self.path / "metrics.jsonl").open("rb") as file:
                file.seek(offset)
                content = file.read()
        except FileNotFoundError:
            return [], 0
        whole = content[: content.rfind(b"\n") + 1]
        try:
            lines = [Metrics.model_validate_json(line) for line in whole.splitlines()]
        except ValidationError as error:
            raise VaeError(
                f"{self.name}/metrics.jsonl is damaged. Delete that file; the weights are not touched."
            ) from error
        return lines, offset + len(whole)

    def append_metrics(self, metrics: Metrics) -> None:
        with (self.path / "metrics.jsonl").open("ab") as file:
            file.write(metrics.model_dump_json().encode() + b"\n")

    def forget_metrics_after(self, step: int) -> None:
        """Repairs a torn last line, and drops what a resumed run is about to write again."""
        kept = [line for line in self.metrics()[0] if line.step <= step]
        content = "".join(line.model_dump_json() + "\n" for line in kept)
        write_whole(self.path / "metrics.jsonl", content.encode())

    def ask_to_stop(self) -> None:
        """Asks the trainer, whoever it is, to stop after the batch it is at."""
        write_whole(self.path / "request.json", b'{"order": "stop"}', durable=False)

    def stop_is_asked(self) -> bool:
        return (self.path / "request.json").exists()

    def forget_requests(self) -> None:
        (self.path / "request.json").unlink(missing_ok=True)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps every other trainer out; the operating system lets go when this process dies.

        Raises VaeError if another holds it.
        """
        try:
            # A reader that looks whether the lock is held holds it for an instant itself.
            with filelock.FileLock(self.path / "lock", timeout=2):
                yield
        except filelock.Timeout as error:
            raise VaeError(
                f"{self.name} is being trained by another process. Watch it, or stop it first."
            ) from error

    def is_held(self) -> bool:
        """Whether a living trainer holds the run."""
        try:
            # Another reader may be asking the same at this instant.
            with filelock.FileLock(self.path / "lock", timeout=0.1, poll_interval=0.01):
                return False
        except filelock.Timeout:
            return True

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for file in self.path.rglob("*"):
            with suppress(FileNotFoundError):  # a file that was being written has its own name now
                total += file.stat().st_size if file.is_file() else 0
        return total
