"""The run directory: its name, config, status, metrics and requests. It knows torch only by its files.

A run is a folder that holds a `config.json`. Nothing else holds state: who trains writes here, who
watches reads here, and neither needs the other to be alive. docs/RUN_DIRECTORY.md has the format.
"""

import json
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import filelock

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.records import FORMAT, LIVE, Metrics, Request, Status, read_config, read_lines
from vae.storage.atomic import write_atomic
from vae.storage.locks import locked
from vae.storage.untrusted import MAX_JSON, open_limited, read_limited, read_unsynced, refuse_links

if TYPE_CHECKING:
    from vae.models.network import VAE

# A trainer needs a few seconds from its start until it holds the lock; more on a busy machine.
STARTING_SECONDS = 30
MAX_METRICS = 64_000_000  # bytes; ten thousand epochs write 41 MB
SNAPSHOT = re.compile(r"[0-9]{8,16}\.safetensors")
_LOOKING = threading.Lock()


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
        """When its config was written, in nanoseconds: tells it from a later run of the same name. 0 once it
        is gone."""
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

    def snapshot_path(self, step: int) -> Path:
        return self.path / "snapshots" / f"{step:08d}.safetensors"

    def snapshots(self) -> list[Path]:
        """The snapshots' files, in the order of their steps."""
        found = (self.path / "snapshots").glob("*.safetensors")
        return sorted(path for path in found if SNAPSHOT.fullmatch(path.name))

    def load_model(self) -> "VAE":
        """The newest weights as a `VAE` in eval mode on the CPU. Raises VaeError if there are none."""
        # torch takes seconds to import, and those who only watch a run do without.
        from vae.runs.checkpoints import load_model

        return load_model(self.model_path, self.config)

    def status(self) -> Status:
        """Where the run stands now, `interrupted` if its trainer died without a word."""
        status = self._written_status()
        # Read again after the look at the lock: it may have come to its end, and let go, between the two.
        if (
            status.state not in LIVE
            or self.is_locked()
            or (status := self._written_status()).state not in LIVE
        ):
            return status
        # A heartbeat that is still to come is a stranger's, who would keep all others from starting.
        if status.state == "starting" and abs(time.time() - status.heartbeat) < STARTING_SECONDS:
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

    def write_status(self, status: Status) -> None:
        stamped = status.model_copy(update={"heartbeat": time.time(), "pid": os.getpid()})
        write_atomic(
            self.path / "status.json",
            stamped.model_dump_json(exclude_none=True).encode(),
            durable=status.state not in LIVE,
        )

    def metrics(self, offset: int = 0) -> tuple[list[Metrics], int]:
        """The metrics from byte `offset` on, and the offset to go on from. A torn last line waits."""
        lines: list[Metrics] = []
        with suppress(FileNotFoundError), self.open_metrics() as file:
            for more, end in self.read_metrics(file, offset):
                lines += more
                offset = end
        return lines, offset

    def open_metrics(self) -> BinaryIO:
        """`metrics.jsonl`, opened. Raises FileNotFoundError, and VaeError if it will not do."""
        try:
            return open_limited(self.metrics_path, MAX_METRICS)
        except ValueError as error:
            raise self._damaged_metrics(error) from error

    def read_metrics(self, file: BinaryIO, offset: int) -> Iterator[tuple[list[Metrics], int]]:
        """The same of the opened `metrics.jsonl`, some thousand lines at a time."""
        try:
            yield from read_lines(file, offset)
        except ValueError as error:
            raise self._damaged_metrics(error) from error

    def _damaged_metrics(self, why: object) -> VaeError:
        return VaeError(f"{self.name}/metrics.jsonl is damaged. Delete it; the weights stay. ({why})")

    def append_metrics(self, metrics: Metrics) -> None:
        with self.metrics_path.open("ab") as file:
            file.write(metrics.model_dump_json().encode() + b"\n")

    def truncate_metrics(self, step: int) -> list[Metrics]:
        """Drops a torn last line, and what a resumed run is about to write again; returns the rest."""
        kept = [line for line in self.metrics()[0] if line.step <= step]
        content = "".join(line.model_dump_json() + "\n" for line in kept)
        write_atomic(self.metrics_path, content.encode())
        return kept

    @property
    def request_path(self) -> Path:
        return self.path / "request.json"

    def request(self) -> Request | None:
        """What viewers want of the trainer now, if anything."""
        try:
            return Request.read(read_unsynced(self.request_path, MAX_JSON))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise VaeError(f"{self.name}/request.json is damaged. Delete that file. ({error})") from error

    def update_request(self, **wishes: Any) -> Request:
        """Changes what is wanted of the trainer, whoever it is; what is not named stays.

        The fields are those of `Request`; it raises `pydantic.ValidationError` for a value out of bounds.
        """
        # Of two viewers that ask for different things at the same instant both are heard.
        try:
            with self._lock("request.lock", timeout=2):
                before = self.request()
                kept = before.model_dump(exclude={"number"}) if before else {}
                request = Request.model_validate({**kept, **wishes})
                write_atomic(self.request_path, request.model_dump_json().encode(), durable=False)
        except filelock.Timeout as error:
            raise VaeError(f"{self.name} is being asked by somebody else. Ask again.") from error
        return request

    def request_stop(self) -> None:
        """Asks the trainer to stop after the batch it is at."""
        self.update_request(stop=True)

    def clear_request(self) -> None:
        self.request_path.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps every other trainer out; the operating system lets go when this process dies.

        Raises VaeError if another holds it.
        """
        try:
            # A reader that looks whether the lock is held holds it for an instant itself.
            with self._lock("lock", timeout=2):
                yield
        except filelock.Timeout as error:
            raise VaeError(
                f"{self.name} is being trained by another process. Watch it, or stop it first."
            ) from error

    def is_locked(self) -> bool:
        """Whether a living trainer holds the run."""
        try:
            # Who looks holds it for an instant: those of this process take turns, another gets a moment.
            with _LOOKING, self._lock("lock", timeout=0.004, poll_interval=0.002):
                return False
        except filelock.Timeout:
            return True

    def _lock(self, name: str, timeout: float, poll_interval: float = 0.05) -> AbstractContextManager[None]:
        """A lock in the run's folder. Raises VaeError if that is gone: it would be made anew."""
        if not (self.path / "config.json").exists():
            raise VaeError(f"{self.name} is gone: it was deleted.")
        return locked(self.path / name, timeout, poll_interval)

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for pattern in ("*", "snapshots/*"):
            for file in self.path.glob(pattern):
                with suppress(FileNotFoundError):  # a file that was being written has its own name now
                    found = file.lstat()
                    total += found.st_size if stat.S_ISREG(found.st_mode) else 0
        return total
