"""`python -m benchmarks.kill`: trainers cut off at any instant, and what is left of their runs.

Two ways, both on a short training that saves every few steps:

- `kill -9` at random moments: each run is killed, looked at and resumed until it comes to its end.
- a fault at each call that changes a file, one after the other: the process dies there, the power fails (all
  that was not flushed to the disk is gone, too), or the disk is full from there on.

Whatever happens, the run's folder must open, what is there must fit together, and the resumed run must end
with the weights and the test metrics of one that was never interrupted, to the bit.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any, Literal, get_args
from unittest import mock

from safetensors import safe_open
from safetensors.numpy import load_file

from tests.conftest import small_config, write_small_mnist
from vae import VaeError
from vae.runs.archive import check_run
from vae.runs.catalogue import new_run, open_run
from vae.runs.run import Run
from vae.training.loop import fit

Kind = Literal["death", "power cut", "full disk"]
# 120 steps
CONFIG = small_config(batch_size=15)
# After which there is a train line whatever happens: in the first epoch each, then ten an epoch. Where it is
# saved by the clock there is one more.
LOGGED = {*range(1, 41), *range(44, 121, 4)}
SAVE_SECONDS = 0.02
NO_FAULT = -1
# Forked from one process that has torch already, a trainer is there in milliseconds.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["vae.training.loop", "tests.conftest"])


@dataclass
class Faults:
    """Counts the calls that change files, and strikes at one of them.

    A write that is struck has written half of what it was given. `durable` is what a power cut leaves of a
    file: its size when it was last flushed.
    """

    kind: Kind
    strike_at: int
    calls: int = 0
    durable: dict[Path, int] = field(default_factory=dict)

    def happens(self) -> bool:
        """Whether the next call is struck: one of them dies, on a full disk all that follow fail."""
        self.calls += 1
        full = self.kind == "full disk" and self.strike_at != NO_FAULT
        return self.calls > self.strike_at if full else self.calls - 1 == self.strike_at

    def strike(self) -> None:
        """Ends this process, or raises what a full disk does."""
        if self.kind == "full disk":
            raise OSError(28, "No space left on device")
        if self.kind == "power cut":
            for path, size in self.durable.items():
                if path.exists():
                    os.truncate(path, size)
        os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def injected(self) -> Iterator[None]:
        """All writes of this process pass through here."""
        opened, synced, replaced = Path.open, os.fsync, os.replace
        files: dict[int, Path] = {}

        def open_file(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> IO[Any]:
            if mode not in ("xb", "ab"):
                return opened(path, mode, *args, **kwargs)
            if self.happens():
                self.strike()
            self.durable.setdefault(path, path.stat().st_size if path.exists() else 0)
            file = opened(path, mode, *args, **kwargs)
            files[file.fileno()] = path
            write = file.write

            def write_some(data: bytes) -> int:
                if self.happens():
                    write(data[: len(data) // 2])
                    file.flush()
                    self.strike()
                return write(data)

            proxy = mock.Mock(wraps=file, write=write_some)
            proxy.__enter__ = lambda _: proxy
            proxy.__exit__ = lambda _, *error: file.__exit__(*error)
            return proxy

        def fsync(descriptor: int) -> None:
            if self.happens():
                self.strike()
            synced(descriptor)
            if descriptor in files:
                self.durable[files[descriptor]] = os.fstat(descriptor).st_size

        def replace(source: Path, target: Path) -> None:
            if self.happens():
                self.strike()
            replaced(source, target)
            self.durable[target] = self.durable.pop(source, 0)

        with (
            mock.patch.object(Path, "open", open_file),
            mock.patch("os.fsync", fsync),
            mock.patch("os.replace", replace),
        ):
            yield


def train_here(path: Path, data: Path, faults: Faults, calls: Connection) -> None:
    """In a process of its own: goes on with a run to its end, and says how many calls that took."""
    os.environ["VAE_DATA_DIR"] = str(data)
    with (
        mock.patch("vae.training.loop.SAVE_SECONDS", SAVE_SECONDS),
        faults.injected(),
        suppress(VaeError) if faults.kind == "full disk" else nullcontext(),
    ):
        for _ in fit(Run(path)):
            pass
    calls.send(faults.calls)


def saved_step(run: Run) -> int:
    """The step that a resumed training would go on from."""
    if not run.resume_path.exists():
        return 0
    with safe_open(run.resume_path, framework="numpy") as file:
        return int(file.metadata()["step"])


class Experiment:
    """Runs of one config under `folder`, the first never interrupted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, write_small_mnist(folder / "data")
        self.reference = self.fresh()
        self.calls = self.finish(self.reference)
        started = time.monotonic()  # the first one had to start the process that all are forked from
        self.finish(self.fresh())
        self.seconds = time.monotonic() - started

    def fresh(self) -> Run:
        return new_run(CONFIG, self.folder / "runs", again=True)

    def start(self, run: Run, faults: Faults) -> tuple[BaseProcess, Connection]:
        """A trainer of `run`, and where it says how many calls it made."""
        here, there = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=train_here, args=(run.path, self.data, faults, there))
        process.start()
        there.close()
        return process, here

    def finish(self, run: Run, kind: Kind = "death", strike_at: int = NO_FAULT) -> int:
        """Trains `run` to its end, or to the fault; returns the calls it made, 0 if it died."""
        process, calls = self.start(run, Faults(kind, strike_at))
        try:
            return int(calls.recv())
        except EOFError:
            return 0
        finally:
            process.join()

    def kill(self, run: Run, seconds: float) -> bool:
        """Trains `run` and kills its trainer so many seconds later; False if that was too late."""
        process, _ = self.start(run, Faults("death", NO_FAULT))
        process.join(seconds)
        process.kill()
        process.join()
        return process.exitcode != 0

    def look_at(self, run: Run) -> None:
        """Raises AssertionError or VaeError unless what an interruption left fits together."""
        again = open_run(run.path)
        assert again.config == CONFIG
        assert again.status().state in ("interrupted", "starting", "failed", "finished"), again.status()
        lines, _ = again.metrics()
        for split in ("train", "test"):
            steps = [line.step for line in lines if line.split == split]
            assert steps == sorted(set(steps)), f"{split} lines at {steps}"
        check_run(again)
        saved = saved_step(again)
        reached = max((line.step for line in lines if line.split == "train"), default=0)
        assert reached >= saved, f"metrics end at step {reached}, the weights are of {saved}"

    def compare(self, run: Run) -> None:
        """Raises AssertionError unless a finished run is the one that was never interrupted."""
        self.look_at(run)
        assert run.status().state == "finished", run.status()
        ours, theirs = (load_file(each.model_path) for each in (run, self.reference))
        assert all((ours[name] == theirs[name]).all() for name in theirs), "other weights"
        tests, expected = (
            {line.step: line.elbo for line in each.metrics()[0] if line.split == "test"}
            for each in (run, self.reference)
        )
        assert tests == expected, "other test lines"
        missing = LOGGED - {line.step for line in run.metrics()[0] if line.split == "train"}
        assert not missing, f"no train lines at {sorted(missing)}"
        left = [path.name for path in run.path.rglob(".*")]
        assert not left, f"left behind: {left}"


def kills(folder: Path, times: int, seed: int) -> int:
    """Kills trainers at `times` random moments; returns how many runs came to their end nevertheless."""
    experiment, chance = Experiment(folder), random.Random(seed)
    done = finished = 0
    while done < times:
        run = experiment.fresh()
        while done < times and experiment.kill(run, chance.uniform(0, experiment.seconds)):
            done += 1
            experiment.look_at(run)
        experiment.finish(run)
        experiment.compare(run)
        finished += 1
        shutil.rmtree(run.path)
    return finished


def faults(folder: Path, kinds: tuple[Kind, ...], every: int, tell: Callable[[str], None] = print) -> int:
    """A fault of each kind at each `every`-th call that changes a file; returns how many there were."""
    experiment, count = Experiment(folder), 0
    for kind in kinds:
        places = range(0, experiment.calls, every)
        for strike_at in places:
            run = experiment.fresh()
            experiment.finish(run, kind, strike_at)
            experiment.look_at(run)
            experiment.finish(run)
            experiment.compare(run)
            shutil.rmtree(run.path)
        count += len(places)
        tell(f"  {kind}: {len(places)} of {len(places)} survived")
    return count


def main() -> None:
    """Kills, strikes, and prints how many survived; ends with an error at the first that does not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=200, help="random kills")
    parser.add_argument("--every", type=int, default=1, help="a fault at each so many-th call")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = kills(Path(folder) / "kills", asked.times, asked.seed)
        print(f"  kill -9: {asked.times} of {asked.times} survived, {runs} runs came to the same weights")
        faults(Path(folder) / "faults", get_args(Kind), asked.every)


if __name__ == "__main__":
    main()
