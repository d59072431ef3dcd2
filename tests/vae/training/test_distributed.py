"""Several processes that train one run; `make soak` also starts them by torchrun itself."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.processes import VaeProcess
from tests.support.small_runs import small_config
from vae import VaeError
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.training.distributed import WorkerGroup
from vae.training.loop import fit

CONFIG = small_config(epochs=4)  # of 12 steps each, the last batch as large as the others
FIRST = 36


@contextmanager
def started(run: Run, rank: int, count: int, port: int) -> Iterator[VaeProcess]:
    """One of `count` workers, as torchrun starts it."""
    ranks = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
    environment = {**os.environ, **{name: str(value) for name, value in {**ranks, **place}.items()}}
    command = [sys.executable, "-m", "vae", "resume", str(run.path)]
    with VaeProcess(command, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def same_losses(run: Run, other: Run, until: int) -> None:
    ours, theirs = ([line for line in each.metrics()[0] if line.step <= until] for each in (run, other))
    assert [line.step for line in ours] == [line.step for line in theirs]
    for line, expected in zip(ours, theirs, strict=True):
        assert line.elbo == pytest.approx(expected.elbo, rel=1e-4)
        assert line.kl == pytest.approx(expected.kl, rel=1e-4)


def test_two_workers_learn_what_one_does_and_any_number_goes_on(small: Path) -> None:
    alone = new_run(CONFIG, small, "alone")
    for _ in fit(alone):
        pass

    run = new_run(CONFIG, small, "together")
    run.update_request(pause_at=FIRST)
    port = free_port()
    with started(run, 0, 2, port) as leader, started(run, 1, 2, port) as other:
        while (run.status().state, run.status().step) != ("paused", FIRST):
            assert leader.poll() is other.poll() is None
            time.sleep(0.01)
        assert run.status().workers == 2
        other.kill()
        other.wait()
        run.update_request(pause_at=None)
        assert leader.wait() == 1
    status = run.status()
    assert status.state == "failed"
    assert status.error is not None
    assert "One of the 2 workers is gone. Resume goes on" in status.error
    same_losses(run, alone, FIRST)

    port = free_port()
    if os.environ.get("SOAK"):
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "3"]
        command = [*torchrun, "--master-port", str(port), "-m", "vae", "resume", str(run.path)]
        subprocess.run(command, check=True)
    else:
        with ExitStack() as stack:
            workers = [stack.enter_context(started(run, rank, 3, port)) for rank in range(3)]
            assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert (run.status().state, run.status().workers) == ("finished", 3)
    same_losses(run, alone, run.status().step)


def test_a_batch_is_divided_without_a_gap() -> None:
    group = WorkerGroup()
    for count in (1, 2, 3, 7):
        group.count = count
        parts = []
        for rank in range(count):
            group.rank = rank
            parts.append(group.shard(slice(100, 132)))
        assert (parts[0].start, parts[-1].stop) == (100, 132)
        assert all(one.stop == other.start for one, other in pairwise(parts))
        sizes = [part.stop - part.start for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_a_lost_worker_is_told_as_a_sentence() -> None:
    group = WorkerGroup()
    with pytest.raises(VaeError, match="One of the 1 workers is gone"), group._worker_errors():
        raise RuntimeError("Connection closed by peer [127.0.0.1]:1234")
