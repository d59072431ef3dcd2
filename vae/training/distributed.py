"""Several processes that train one model, each on its part of every batch, as `torchrun` starts them.

Worker 0 leads: it alone touches the run, and tells the others before each step which one it is. All add up
their gradients and take the same step, so their weights stay the same to the bit. PyTorch's own engine
carries it: gloo between CPUs, nccl between GPUs.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

import torch
from torch import Tensor, distributed

from vae import VaeError

# A training may stand still for as long as its viewers like. A worker that died is noticed at once, as its
# connections close; one whose machine or network is gone without a word is waited for.
PATIENCE = timedelta(days=365)


class Plan(NamedTuple):
    """What the others must know of a step."""

    epoch: int
    batch: int  # of that epoch
    learning_rate: float
    beta: float


class Workers:
    """All workers of a training, as one of them sees them; a process on its own is worker 0 of 1."""

    def __init__(self) -> None:
        together = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if together else 0
        self.count = distributed.get_world_size() if together else 1

    def part(self, batch: slice) -> slice:
        """This worker's images of a batch: as many as the others have, or one more."""
        size = batch.stop - batch.start
        return slice(*(batch.start + size * worker // self.count for worker in (self.rank, self.rank + 1)))

    def add_up(self, sums: Tensor) -> None:
        """Puts the sum over all workers in the place of `sums`."""
        if self.count > 1:
            with self._complete():
                distributed.all_reduce(sums)

    def share(self, tensor: Tensor) -> None:
        """Puts worker 0's in the place of `tensor`."""
        if self.count > 1:
            with self._complete():
                distributed.broadcast(tensor, src=0)

    def tell(self, text: str) -> None:
        """What the others `hear`, before the first step."""
        content = torch.tensor(list(text.encode()), dtype=torch.uint8)
        self._announce((len(content), 0, 0, 0))
        self.share(content)

    def hear(self) -> str | None:
        """What worker 0 tells; None if there is nothing to do."""
        size, *_ = self._announced()
        if size < 0:
            return None
        content = torch.zeros(int(size), dtype=torch.uint8)
        self.share(content)
        return bytes(content.tolist()).decode()

    def announce(self, plan: Plan) -> None:
        """Tells the others the `next` step."""
        self._announce(plan)

    def next(self) -> Plan | None:
        """The step that worker 0 announces; None at the end."""
        epoch, batch, learning_rate, beta = self._announced()
        return Plan(int(epoch), int(batch), learning_rate, beta) if epoch >= 0 else None

    def dismiss(self) -> None:
        """Tells the others that this was all."""
        self._announce((-1, 0, 0, 0))

    def _announce(self, numbers: tuple[float, ...]) -> None:
        if self.count > 1:
            self.share(torch.tensor(numbers, dtype=torch.float64))

    def _announced(self) -> list[float]:
        numbers = torch.zeros(4, dtype=torch.float64)
        self.share(numbers)
        return numbers.tolist()

    @contextmanager
    def _complete(self) -> Iterator[None]:
        """Raises VaeError if a worker is gone."""
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
def joined() -> Iterator[Workers]:
    """The workers that `torchrun` started, this process among them, until the training ends.

    Those that worker 0 leads leave interrupts to it: it stops after a batch, and tells them.
    """
    distributed.init_process_group(timeout=PATIENCE)
    workers = Workers()
    if workers.rank > 0:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    try:
        yield workers
    finally:
        if workers.rank == 0:
            with suppress(VaeError):
                workers.dismiss()
        distributed.destroy_process_group()
