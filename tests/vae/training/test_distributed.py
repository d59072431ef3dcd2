"""Several processes that train one run; `make soak` also starts them by torchrun itself."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tests.support.browser import wait_until
from tests.support.processes import VaeProcess
from tests.support.small_runs import small_config
from vae import VaeError
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.training import distributed
from vae.training.distributed import WorkerGroup
from vae.training.loop import fit
from vae.training.worker_place import WorkerPlace

CONFIG = small_config(epochs=4)  # of 12 steps each, the last batch as large as the others
FIRST = 36


@contextmanager
def started(
    run: Run, rank: int, count: int, port: int, *, stderr: int | None = None, **others: str
) -> Iterator[VaeProcess]:
    """One of `count` workers, as torchrun starts it, with other variables beside its place."""
    ranks = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
    variables = {name: str(value) for name, value in {**ranks, **place, **others}.items()}
    environment = {**os.environ, **variables}
    command = [sys.executable, "-m", "vae", "resume", str(run.path)]
    with VaeProcess(command, env=environment, stderr=stderr, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def same_losses(run: Run, other: Run, until: int) -> None:
    ours, theirs = ([line for line in each.metric_lines()[0] if line.step <= until] for each in (run, other))
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


def test_workers_that_torchrun_starts_again_meet_in_the_store_of_the_first_attempt(small: Path) -> None:
    run = new_run(CONFIG, small)
    run.update_request(pause_at=FIRST)
    # As torchrun offers it, for all its attempts.
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    with ExitStack() as stack:
        for attempt in ("0", "1"):
            others = {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": attempt}
            workers = [
                stack.enter_context(started(run, rank, 2, store.port, stderr=None, **others))
                for rank in range(2)
            ]
            if attempt == "0":
                wait_until(lambda: run.status().state == "paused" and run.status().step == FIRST)
                workers[1].kill()
                run.update_request(pause_at=None)
                assert workers[0].wait() == 1
        assert [worker.wait() for worker in workers] == [0, 0]
    assert run.status().state == "finished"


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


def place(rank: int, count: int, port: int) -> WorkerPlace:
    return WorkerPlace(rank, count, rank, count, "127.0.0.1", port)


@pytest.mark.parametrize(("rank", "expected"), [(0, "workers 1, 2 of 3"), (2, "worker 0 of 3")])
def test_a_worker_says_for_whom_it_waits_and_not_for_ever(
    rank: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "MEETING_SECONDS", 0.2)
    monkeypatch.setattr(distributed, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(distributed, "ATTEMPT_SECONDS", 0.05)
    told: list[str] = []
    port = free_port()
    with (
        pytest.raises(
            VaeError, match=f"Worker {rank} waited 0 s for {expected}, at 127.0.0.1:{port}, in vain"
        ),
        distributed.worker_group(place(rank, 3, port), told.append),
    ):
        pass
    assert told == [f"Worker {rank} waits for {expected}, at 127.0.0.1:{port}, for 0 s at most."]


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with pytest.raises(VaeError, match=f"cannot listen at 127.0.0.1:{port} .*a port that is free"):
            distributed._meet(place(0, 2, port), print)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_server_that_never_answers_is_waited_for_no_longer_than_a_worker(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "MEETING_SECONDS", 0.2)
    with pytest.raises(VaeError, match=f"Worker 1 waited 0 s for worker 0 of 2, at 127.0.0.1:{silent}, in"):
        distributed._meet(place(1, 2, silent), print)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_look_up_of_a_host_is_waited_for_no_longer_than_a_worker(
    rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is torch that looks up the host of worker 0, and the module socket that does it for the others."""
    answer = threading.Event()

    def look_up(*_: object, **__: object) -> None:
        answer.wait()
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(distributed, "MEETING_SECONDS", 0.2)
    monkeypatch.setattr(socket, "create_connection", look_up)
    monkeypatch.setattr("torch.distributed.TCPStore", look_up)
    others = "worker 0 of 3" if rank else "workers 1, 2 of 3"
    try:
        with pytest.raises(VaeError, match=f"Worker {rank} waited 0 s for {others}, at .*, in vain"):
            distributed._meet(place(rank, 3, free_port()), print)
    finally:
        answer.set()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_ends_a_worker_whose_partner_never_answers(
    rank: int, number: signal.Signals, status: int, small: Path, silent: int
) -> None:
    """Worker 1 waits for a server that is none, worker 0 for one that has come, and does nothing more."""
    run = new_run(CONFIG, small)
    port = silent if rank == 1 else free_port()
    with started(run, rank, 2, port, stderr=subprocess.PIPE) as worker:
        if rank == 0:
            while (store := distributed._open_store(place(1, 2, port))) is None:
                time.sleep(0.01)
            before = store.num_keys()
            store.add("1", 1)
            wait_until(lambda: store.num_keys() > before + 1)  # it connects to what is no more than a number
        assert worker.stderr is not None
        assert worker.stderr.readline() == (
            f"Worker {rank} waits for worker {1 - rank} of 2, at 127.0.0.1:{port}, for 5 min at most.\n"
        )
        worker.send_signal(number)
        assert worker.wait() == status


def test_two_workers_of_one_number_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "MEETING_SECONDS", 0.2)
    port = free_port()
    store = distributed._open_store(place(0, 3, port))
    assert store is not None
    with pytest.raises(VaeError, match=r"in vain"):
        distributed._meet(place(1, 3, port), print)
    with pytest.raises(VaeError, match="There is another worker 1 already"):
        distributed._meet(place(1, 3, port), print)
    with pytest.raises(VaeError, match="workers 0, 1, 2, 3, 5 and 2 more of 8"):
        distributed._meet(place(4, 8, port), print)


def test_a_lost_worker_is_told_as_a_sentence() -> None:
    group = WorkerGroup()
    with pytest.raises(VaeError, match="One of the 1 workers is gone"), group._worker_errors():
        raise RuntimeError("Connection closed by peer [127.0.0.1]:1234")
