"""The run directory: its config, status, metrics, requests, locks and paths.

A run is a folder with a `config.json` that holds all of the run's state: the trainer writes it, viewers read
it, and neither needs the other. docs/RUN_DIRECTORY.md has the format. Only `load_model` imports torch.
"""

import json
import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import filelock

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.records import FORMAT, LIVE, Metrics, Request, Status, newest_line, read_config, read_lines
from vae.storage.atomic import write_atomic
from vae.storage.locks import locked
from vae.storage.systems import retry_in_use
from vae.storage.untrusted import MAX_JSON, open_limited, read_limited, read_unsynced, refuse_links

if TYPE_CHECKING:
    from vae.models.network import VAE
    from vae.runs.checkpoints import SavedModel
    from vae.runs.history import Losses

# A trainer takes a few seconds from its start to the lock, more on a busy machine.
STARTING_SECONDS = 30
MAX_METRICS = 64_000_000  # bytes; ten thousand epochs write 41 MB
SNAPSHOT = re.compile(r"[0-9]{8,16}\.safetensors")
_LOCK_CHECK = threading.Lock()


@dataclass(frozen=True)
class Run:
    """A run directory. Reading a damaged file raises VaeError with the file's name."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def config(self) -> TrainConfig:
        """The run's configuration. Raises VaeError if it is damaged or of another format."""
        try:
            refuse_links(self.path)
            return read_config(self.name, read_limited(self.path / "config.json", MAX_JSON))
        except (OSError, ValueError) as error:
            raise VaeError(
                f"{self.name}/config.json cannot be read ({error}). Mend it or delete the run's folder."
            ) from error

    def write_config(self, config: TrainConfig) -> None:
        stored = {"format": FORMAT, **config.model_dump(mode="json")}
        write_atomic(self.path / "config.json", json.dumps(stored, indent=2).encode() + b"\n")

    @property
    def created_at(self) -> int:
        """When its config was written, in nanoseconds: distinguishes runs of one name. 0 if it is deleted."""
        try:
            return (self.path / "config.json").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    @property
    def model_path(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def view_path(self) -> Path:
        return self.path / "view.safetensors"

    @property
    def resume_path(self) -> Path:
        return self.path / "resume.safetensors"

    @property
    def training_scores_path(self) -> Path:
        return self.path / "training_scores.safetensors"

    def snapshot_path(self, step: int) -> Path:
        return self.path / "snapshots" / f"{step:08d}.safetensors"

    def snapshots(self) -> list[Path]:
        """The files of the snapshots, in the order of their steps."""
        found = (self.path / "snapshots").glob("*.safetensors")
        return sorted(path for path in found if SNAPSHOT.fullmatch(path.name))

    def load_model(self) -> "VAE":
        """The newest weights as a `VAE` in eval mode on the CPU. Raises VaeError if there are none yet."""
        # Imported here because torch takes seconds, and all else does without.
        from vae.models.network import load_vae

        return load_vae(self.config, self.saved_model().model.weights)

    def saved_model(self) -> "SavedModel":
        """The newest weights for NumPy, with their scores. Raises VaeError if there are none yet."""
        from vae.runs.checkpoints import load_model  # which imports this module

        return load_model(self.model_path, self.config)

    def why_no_weights(self, title: str | None = None) -> str:
        """Why this run has no file of weights, and what to do, in sentences. Raises VaeError if damaged.

        `title`: what the sentences call the run; by default its name.
        """
        called = title or self.name
        if not (self.path / "config.json").exists():
            return f"{called} is gone: it was deleted. Choose another run."
        status = self.status()
        if status.state in LIVE:
            return f"{called} has no weights yet: the first come after an epoch, or at a pause."
        if status.state == "finished":
            return (
                f"The weights of {called} are missing, although it is finished. Put model.safetensors "
                "back into its folder, or train it again."
            )
        if status.state == "stopped" and status.step == 0:
            return (
                f"{called} has no weights yet: it waits for trainings before it, or was stopped before "
                "its first batch. Wait for them, resume it, or choose another run."
            )
        how = {"failed": "it failed", "stopped": "it was stopped", "interrupted": "its training ended"}
        error = f" {status.error}" if status.error else ""
        return (
            f"{called} has no weights: {how[status.state]} before the first were saved.{error} Resume it, "
            "or choose another run."
        )

    def status(self) -> Status:
        """The run's status now; `interrupted` if its trainer ended without writing a final one."""
        status, before = self._written_status(), None
        # Where the lock is free, a status counts only if it stays: between the two looks a trainer may have
        # taken the lock and begun, or finished and released it.
        while status.state in LIVE and status != before:
            if self.is_locked():
                return status
            status, before = self._written_status(), status
        if status.state not in LIVE:
            return status
        # `abs`, because otherwise a forged heartbeat in the future would block the run for ever.
        # A trainer that holds the lock writes its activity: without the lock it was interrupted.
        if (
            status.state == "starting"
            and status.activity is None
            and abs(time.time() - status.heartbeat) < STARTING_SECONDS
        ):
            return status
        return status.model_copy(update={"state": "interrupted"})

    def _written_status(self) -> Status:
        try:
            return Status.read(read_unsynced(self.path / "status.json", MAX_JSON))
        except FileNotFoundError:
            return Status(state="interrupted")
        except ValueError as error:
            raise VaeError(
                f"{self.name}/status.json is damaged. Put it back, or delete the run and train it anew. "
                f"({error})"
            ) from error

    def is_steered(self) -> bool:
        """Whether its learning rate or beta are, were, or by a request will be, others than its config's.

        Such a run is not what its config says. No request changes a finished one. Raises VaeError if it is
        damaged.
        """
        status = self.status()
        request = None if status.state == "finished" else self.request()
        return status.steered or any(
            getattr(of, name) not in (None, rate)
            for of in (status, request)
            if of is not None
            for name, rate in self.config.rates.items()
        )

    def write_status(self, status: Status) -> None:
        stamped = status.model_copy(update={"heartbeat": time.time(), "pid": os.getpid()})
        write_atomic(
            self.path / "status.json",
            stamped.model_dump_json(exclude_none=True).encode(),
            durable=status.state not in LIVE,
        )

    def metrics(self) -> "Losses":
        """All metrics as arrays: `metrics().test["elbo"]` is (L,) float64, one value for each test so far.

        The columns are the fields of `vae.runs.records.Metrics`, losses in nats per image; what older files
        lack is filled in. Raises VaeError if a line is damaged.
        """
        from vae.runs.history import read_losses  # which imports this module

        return read_losses(self)

    def metric_lines(self, offset: int = 0) -> tuple[list[Metrics], int]:
        """The metrics from byte `offset` on, and the offset for the next call; see `read_lines`."""
        lines: list[Metrics] = []
        with suppress(FileNotFoundError), self.open_metrics() as file:
            for more, end in self.read_metrics(file, offset):
                lines += more
                offset = end
        return lines, offset

    def open_metrics(self) -> BinaryIO:
        """Opens `metrics.jsonl`. Raises FileNotFoundError, and VaeError if it is too large or no file."""
        try:
            return open_limited(self.metrics_path, MAX_METRICS)
        except ValueError as error:
            raise self._damaged_metrics(error) from error

    def read_metrics(self, file: BinaryIO, offset: int) -> Iterator[tuple[list[Metrics], int]]:
        """The metrics in the open `metrics.jsonl` in chunks; see `read_lines`. Raises VaeError if damaged."""
        try:
            yield from read_lines(file, offset)
        except ValueError as error:
            raise self._damaged_metrics(error) from error

    def newest_test_metrics(self) -> Metrics | None:
        """The newest line of test metrics, None if there is none; reads only the end of the file.

        Raises VaeError if a line among those that are read is damaged.
        """
        try:
            with self.open_metrics() as file:
                return newest_line(file, "test")
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise self._damaged_metrics(error) from error

    def _damaged_metrics(self, why: object) -> VaeError:
        return VaeError(f"{self.name}/metrics.jsonl is damaged. Delete it; the weights stay. ({why})")

    def append_metrics(self, metrics: Metrics) -> None:
        with self.metrics_path.open("ab") as file:
            file.write(metrics.model_dump_json().encode() + b"\n")

    def truncate_metrics(self, step: int) -> list[Metrics]:
        """Removes the metrics after `step`, which a resumed run writes again; returns the rest."""
        kept = [line for line in self.metric_lines()[0] if line.step <= step]
        self.write_metrics(kept)
        return kept

    def write_metrics(self, lines: Sequence[Metrics]) -> None:
        """Replaces all metrics. Raises OSError."""
        content = "".join(line.model_dump_json() + "\n" for line in lines)
        write_atomic(self.metrics_path, content.encode())

    @property
    def request_path(self) -> Path:
        return self.path / "request.json"

    def request(self) -> Request | None:
        """The viewers' current request to the trainer; None if there is none."""
        try:
            return Request.read(read_unsynced(self.request_path, MAX_JSON))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise VaeError(f"{self.name}/request.json is damaged. Delete that file. ({error})") from error

    def update_request(self, **changes: Any) -> Request:
        """Changes some fields of the request to the trainer; the others stay.

        Args:
            changes: fields of `Request`.

        Raises `pydantic.ValidationError` for a value out of bounds, VaeError if the run is gone or busy.
        """
        # Locked, so that two simultaneous changes of different fields both take effect.
        try:
            with self._lock("request.lock", timeout=2):
                before = self.request()
                kept = before.model_dump(exclude={"number"}) if before else {}
                request = Request.model_validate({**kept, **changes})
                write_atomic(self.request_path, request.model_dump_json().encode(), durable=False)
        except filelock.Timeout as error:
            raise VaeError(
                f"Another tab or command is changing a request to {self.name}. Try again."
            ) from error
        return request

    def request_stop(self) -> None:
        """Requests that the trainer stop after the current batch."""
        self.update_request(stop=True)

    def clear_request(self) -> None:
        retry_in_use(lambda: self.request_path.unlink(missing_ok=True))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the trainer's lock, which the operating system releases when this process ends.

        Raises VaeError if another trainer holds it, or the run is gone.
        """
        try:
            # With a timeout, because `is_locked` in another process holds the lock for an instant.
            with self._lock("lock", timeout=2):
                yield
        except filelock.Timeout as error:
            raise VaeError(
                f"{self.name} is being trained by another process. Watch it, or stop it first."
            ) from error

    def is_locked(self) -> bool:
        """Whether a running trainer holds the lock."""
        try:
            # Checking takes the lock for an instant, so threads take turns, and other processes get 4 ms.
            with _LOCK_CHECK, self._lock("lock", timeout=0.004, poll_interval=0.002):
                return False
        except filelock.Timeout:
            return True

    def _lock(self, name: str, timeout: float, poll_interval: float = 0.05) -> AbstractContextManager[None]:
        """A lock file in the run's folder. Raises VaeError if the run is gone."""
        if not (self.path / "config.json").exists():
            raise VaeError(f"{self.name} is gone: it was deleted.")
        return locked(self.path / name, timeout, poll_interval)

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for folder in (self.path, self.path / "snapshots"):
            with suppress(OSError), os.scandir(folder) as entries:  # there may be no snapshots
                for entry in entries:
                    with suppress(FileNotFoundError):  # a temporary file that has been renamed
                        found = entry.stat(follow_symlinks=False)
                        total += found.st_size if stat.S_ISREG(found.st_mode) else 0
        return total
