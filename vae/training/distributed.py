"""Several processes that train one model, each on its part of every batch, as `torchrun` starts them.

Worker 0 leads: it alone reads and writes the run, and broadcasts which step comes next. Gradients are summed
over all workers (all-reduce), and each takes the same step of the optimizer, so the weights stay identical to
the bit. The transport is `torch.distributed`: gloo between CPUs, nccl between GPUs.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, distributed

from vae import VaeError
from vae.storage.systems import WINDOWS
from vae.training.forecast import in_words
from vae.training.processes import stop_signals
from vae.training.worker_place import WorkerPlace

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

# A training may be paused for any time. The death of a worker is detected at once, because its connections
# close; the others wait only if a machine or a network fails without closing them.
TIMEOUT = timedelta(days=365)
MEETING_SECONDS = 300.0  # to wait for the other workers at the start
PATIENCE_SECONDS = 2.0  # until it is said for whom a worker waits
# To connect to worker 0, or to wait for its store; and between two looks at who has come.
ATTEMPT_SECONDS, POLL_SECONDS = 1.0, 0.1
MOST_NAMED = 5  # workers
_END = -1  # sent instead of a length or an epoch


class StepPlan(NamedTuple):
    """What a worker needs for a step, besides the config."""

    epoch: int
    batch: int  # of that epoch
    learning_rate: float
    beta: float


class WorkerGroup:
    """All workers of a training and this process's rank among them; a process on its own is rank 0 of 1."""

    def __init__(self) -> None:
        initialized = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if initialized else 0
        self.count = distributed.get_world_size() if initialized else 1

    def shard(self, batch: slice) -> slice:
        """This worker's images of a batch; the sizes of all shards differ by at most one."""
        size = batch.stop - batch.start
        return slice(*(batch.start + size * rank // self.count for rank in (self.rank, self.rank + 1)))

    def all_reduce(self, tensor: Tensor) -> None:
        """Replaces `tensor` by its sum over all workers. Raises VaeError if one is gone."""
        if self.count > 1:
            with self._worker_errors():
                distributed.all_reduce(tensor)

    def broadcast(self, tensor: Tensor) -> None:
        """Replaces `tensor` by that of worker 0. Raises VaeError if a worker is gone."""
        if self.count > 1:
            with self._worker_errors():
                distributed.broadcast(tensor, src=0)

    def send_text(self, text: str) -> None:
        """Sends `text` from worker 0 to all others, before the first step."""
        content = torch.tensor(list(text.encode()), dtype=torch.uint8)
        self._send((len(content), 0, 0, 0))
        self.broadcast(content)

    def receive_text(self) -> str | None:
        """The text that worker 0 sends; None if it ends before."""
        size, *_ = self._receive()
        if size == _END:
            return None
        content = torch.zeros(int(size), dtype=torch.uint8)
        self.broadcast(content)
        return bytes(content.tolist()).decode()

    def send_plan(self, plan: StepPlan) -> None:
        """Sends the next step from worker 0 to all others."""
        self._send(plan)

    def receive_plan(self) -> StepPlan | None:
        """The next step that worker 0 sends; None at the end."""
        epoch, batch, learning_rate, beta = self._receive()
        return None if epoch == _END else StepPlan(int(epoch), int(batch), learning_rate, beta)

    def send_end(self) -> None:
        """Sends the end of the training from worker 0 to all others."""
        self._send((_END, 0, 0, 0))

    def _send(self, message: tuple[float, ...]) -> None:
        if self.count > 1:
            self.broadcast(torch.tensor(message, dtype=torch.float64))

    def _receive(self) -> list[float]:
        message = torch.zeros(len(StepPlan._fields), dtype=torch.float64)
        self.broadcast(message)
        return message.tolist()

    @contextmanager
    def _worker_errors(self) -> Iterator[None]:
        """Turns the errors of a broken connection into VaeError."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise VaeError(
                f"One of the {self.count} workers is gone. Resume goes on from what was saved, with as "
                "many as there are then."
            ) from error


@contextmanager
def worker_group(place: WorkerPlace, report: Callable[[str], object]) -> Iterator[WorkerGroup]:
    """Joins the other workers, for as long as the block lasts.

    All but worker 0 ignore interrupts from then on: worker 0 stops after the current batch, and ends the
    others. `report` gets a sentence that says for whom this worker waits. Raises VaeError if they do not
    come.
    """
    _meet(place, report)
    group = WorkerGroup()
    if group.rank > 0:
        for number in stop_signals():
            signal.signal(number, signal.SIG_IGN)
    try:
        yield group
    finally:
        if group.rank == 0:
            with suppress(VaeError):
                group.send_end()
        distributed.destroy_process_group()


def _meet(place: WorkerPlace, report: Callable[[str], object]) -> None:
    """Waits until all workers are there and connected.

    Raises VaeError after MEETING_SECONDS, or if there are two workers of this number.
    """
    meeting = _Meeting(place)
    meeting.start()
    began = changed = time.monotonic()
    awaited, told = "", ""
    try:
        while True:
            meeting.join(POLL_SECONDS)
            if not meeting.is_alive():
                break
            now, before, limit = time.monotonic(), awaited, in_words(MEETING_SECONDS)
            awaited = f"{_workers(meeting.missing)} of {place.count}, at {place.address}:{place.port}"
            if awaited != before:
                changed = now
            if now - changed >= PATIENCE_SECONDS and awaited != told:
                told = awaited
                report(f"Worker {place.rank} waits for {awaited}, for {limit} at most.")
            if now - began > MEETING_SECONDS:
                raise VaeError(
                    f"Worker {place.rank} waited {limit} for {awaited}, in vain. Start all workers with the "
                    "same WORLD_SIZE, MASTER_ADDR and MASTER_PORT, best by torchrun."
                )
    finally:
        meeting.given_up.set()
    if meeting.error is not None:
        raise meeting.error


class _Meeting(threading.Thread):
    """The meeting of one worker with the others, in a thread that nothing can end but the process.

    torch and the look-up of a host wait in C, where Python hears no signal, and a server that is no worker
    may never answer.

    Attributes:
        missing: the numbers of the workers that have not come yet, or of all others while they are connected.
        error: why it failed.
        given_up: set by who no longer waits for it.
    """

    def __init__(self, place: WorkerPlace) -> None:
        super().__init__(daemon=True)
        self._place = place
        self._others = [rank for rank in range(place.count) if rank != place.rank]
        self.missing = self._others if place.rank == 0 else [0]
        self.error: Exception | None = None
        self.given_up = threading.Event()

    def run(self) -> None:
        """Waits for all workers, and connects them."""
        try:
            self._meet()
        except Exception as error:  # noqa: BLE001 (raised by the thread that waits)
            self.error = error

    def _meet(self) -> None:
        place = self._place
        while (store := _open_store(place)) is None:
            if self.given_up.wait(POLL_SECONDS):
                return
        try:
            if store.add(str(place.rank), 1) > 1:
                raise VaeError(f"There is another worker {place.rank} already. Give each its own RANK.")
            while missing := [rank for rank in self._others if not store.check([str(rank)])]:
                self.missing = missing
                if self.given_up.wait(POLL_SECONDS):
                    return
            self.missing = self._others
            store.set_timeout(TIMEOUT)
            distributed.init_process_group(
                store=store, rank=place.rank, world_size=place.count, timeout=TIMEOUT
            )
        except RuntimeError as error:
            raise VaeError(
                f"Worker {place.rank} lost the others, at {place.address}:{place.port}. Start all workers "
                "again."
            ) from error


def _open_store(place: WorkerPlace) -> "Store | None":
    """The store that worker 0 offers, or the process that started all; None if it is not there yet.

    Its keys are apart from those of workers that expect another number of workers, which do not meet, and of
    an earlier attempt: torchrun's store outlives the workers that it starts anew.
    """
    offers = place.rank == 0 and not _has_agent_store()
    try:
        store = _tcp_store(place.address, place.port, offers=offers)
    except (OSError, RuntimeError, ValueError) as error:
        if not offers:
            return None
        why = str(error).partition("\n")[0].rstrip(".")
        raise VaeError(
            f"Worker 0 cannot listen at {place.address}:{place.port} ({why}). Set MASTER_ADDR to a name of "
            "this machine, and MASTER_PORT to a port that is free."
        ) from error
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "")
    return distributed.PrefixStore(f"vae/{place.count}/{attempt}", store)  # type: ignore[attr-defined]


def agent_store() -> "Store | None":
    """The store that torchrun offers for all attempts of its command; None if there is none."""
    if not _has_agent_store():
        return None
    try:
        return _tcp_store(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), offers=False)
    except (KeyError, OSError, OverflowError, RuntimeError, ValueError):
        return None


def _has_agent_store() -> bool:
    """Whether torchrun offers the store, and not worker 0."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def _tcp_store(address: str, port: int, *, offers: bool) -> "Store":
    """A store at this address. Raises OSError, RuntimeError and ValueError."""
    if not offers:  # torch prints its own stack if nobody listens
        socket.create_connection((address, port), ATTEMPT_SECONDS).close()
    store: Store = distributed.TCPStore(  # type: ignore[attr-defined]
        address,
        port,
        is_master=offers,
        timeout=timedelta(seconds=ATTEMPT_SECONDS),
        wait_for_workers=False,
        multi_tenant=True,
        use_libuv=not WINDOWS,
    )
    return store


def _workers(ranks: list[int]) -> str:
    """Numbers of workers as text: worker 1; workers 1, 2; workers 0, 1, 2, 3, 4 and 7 more."""
    named = ", ".join(map(str, ranks[:MOST_NAMED]))
    more = f" and {len(ranks) - MOST_NAMED} more" * (len(ranks) > MOST_NAMED)
    return f"worker{'s' * (len(ranks) > 1)} {named}{more}"
