"""Several processes that train one model, each on its part of every batch, as `torchrun` starts them.

Worker 0 leads: it alone reads and writes the run, and broadcasts which step comes next. Gradients are summed
over all workers (all-reduce), and each takes the same step of the optimizer, so the weights stay identical to
the bit. The transport is `torch.distributed`: gloo between CPUs, nccl between GPUs.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

import torch
from torch import Tensor, distributed

from vae import VaeError
from vae.training.processes import stop_signals

# A training may be paused for any time. The death of a worker is detected at once, because its connections
# close; the others wait only if a machine or a network fails without closing them.
TIMEOUT = timedelta(days=365)
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
def worker_group() -> Iterator[WorkerGroup]:
    """Joins the workers that `torchrun` started, for as long as the block lasts.

    All but worker 0 ignore interrupts: worker 0 stops after the current batch, and ends the others.
    """
    distributed.init_process_group(timeout=TIMEOUT)
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
