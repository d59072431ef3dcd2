"""`python -m tests.support.interruptions`: trainers cut off at any instant, and what is left of their runs.

Two ways, both on a short training that saves every few steps:

- `kill -9` at random moments: each run is killed, checked and resumed until it comes to its end.
- a fault at calls that change a file: the process dies there, the power fails (all that was not flushed to
  the disk is gone, too), or the disk is full from there on.

Whatever happens, the run's folder must open, what is there must fit together, and the resumed run must end
with the weights and the test metrics of one that was never interrupted, to the bit.
"""

import argparse
import itertools
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any, Self
from unittest import mock

from safetensors import safe_open
from safetensors.numpy import load_file

from tests.support.processes import SERVER
from tests.support.small_runs import small_config, write_small_mnist
from vae import VaeError
from vae.config import TrainConfig
from vae.runs.archive import check_run
from vae.runs.catalogue import new_run, open_run
from vae.runs.checkpoints import load_training
from vae.runs.run import Run
from vae.training.loop import fit

SAVE_SECONDS = 0.02
# Where the calls of two trainings have to be the same: readings of the clock between two saves, a few steps.
SAVE_READINGS = 15


Call = tuple[str, str]  # a function, and the kind of file that it changes


class _WatchedFile:
    """A file, and a function that is called in the middle of each write."""

    def __init__(self, file: IO[Any], halfway: Callable[[], None]) -> None:
        self._file, self._halfway = file, halfway
        self.fileno, self.flush = file.fileno, file.flush

    def write(self, data: bytes) -> int:
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._halfway()
        return half + self._file.write(data[half:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@dataclass
class WatchedCalls:
    """Watches the calls of this process that change files in `folder`; `before` is run ahead of each of them.

    A write is watched in its middle, when half of it is in the file. `durable` is what a power cut leaves of
    a file: its size when it was last flushed. Nothing is really flushed, which would only cost time.
    """

    folder: Path
    before: Callable[[Self], None]
    made: list[Call] = field(default_factory=list)
    durable: dict[Path, int] = field(default_factory=dict)
    paused: bool = False

    def copy(self, kind: str) -> Run:
        """A copy of the run as it is left if the process dies now, or if there is a power cut."""
        path = self.folder.with_name(f"{self.folder.name}-{kind.replace(' ', '-')}-{len(self.made)}")
        shutil.copytree(self.folder, path)
        if kind == "power cut":
            for file, size in self.durable.items():
                if file.exists():
                    os.truncate(path / file.relative_to(self.folder), size)
        return Run(path)

    def _happens(self, what: str, path: Path | None) -> None:
        """Runs `before` ahead of a call that changes a file, None for a folder."""
        # A temporary file counts as the one whose place it takes.
        name = "folder" if path is None else re.sub(r"^\.(.+)\.[0-9a-f]{8}$", r"\1", path.name)
        self.made.append((what, "snapshot" if name[:8].isdigit() else name))
        self.paused = True
        try:
            self.before(self)
        finally:
            self.paused = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """All such calls within the block are watched."""
        opened, replaced = Path.open, os.replace
        files: dict[int, Path] = {}

        def open_file(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> IO[Any] | _WatchedFile:
            if self.paused or mode not in ("xb", "ab") or not path.is_relative_to(self.folder):
                return opened(path, mode, *args, **kwargs)
            self._happens("open", path)
            self.durable.setdefault(path, path.stat().st_size if path.exists() else 0)
            file = opened(path, mode, *args, **kwargs)
            files[file.fileno()] = path
            return _WatchedFile(file, lambda: self._happens("write", path))

        def fsync(descriptor: int) -> None:
            if self.paused:
                return
            path = files.get(descriptor)
            self._happens("fsync", path)
            if path is not None:
                self.durable[path] = os.fstat(descriptor).st_size

        def replace(source: Path, target: Path) -> None:
            if self.paused or not target.is_relative_to(self.folder):
                replaced(source, target)
                return
            self._happens("replace", target)
            replaced(source, target)
            self.durable[target] = self.durable.pop(source, 0)

        with (
            mock.patch.object(Path, "open", open_file),
            mock.patch("os.fsync", fsync),
            mock.patch("os.replace", replace),
        ):
            yield


def saved_step(run: Run) -> int:
    """The step that a resumed training would go on from."""
    if not run.resume_path.exists():
        return 0
    with safe_open(run.resume_path, framework="numpy") as file:
        return int(file.metadata()["step"])


def pending_batches(run: Run) -> int:
    """How many batches are saved with the training, as they are in no line of metrics yet."""
    if not run.resume_path.exists():
        return 0
    return len(load_training(run.resume_path, run.config)[1].pending)


def train_here(path: Path, data: Path) -> None:
    """Goes on with a run to its end."""
    os.environ["VAE_DATA_DIR"] = str(data)
    with mock.patch("vae.training.loop.SAVE_SECONDS", SAVE_SECONDS):
        for _ in fit(Run(path)):
            pass


def train_by_steady_clock(run: Run) -> None:
    """Goes on with a run to its end, by a clock that a reading sets forward by a second."""
    with (
        mock.patch("vae.training.state.Timer.__call__", side_effect=itertools.count()),
        mock.patch("vae.training.loop.SAVE_SECONDS", SAVE_READINGS),
    ):
        for _ in fit(run):
            pass


class Experiment:
    """Runs of one config under `folder`, the first of which is never interrupted.

    `logged` are the steps after which there is a train line whatever happens. Where it is saved by the clock
    there may be one more.
    """

    def __init__(self, folder: Path, config: TrainConfig, logged: set[int]) -> None:
        self.folder, self.config, self.logged = folder, config, logged
        self.data = write_small_mnist(folder / "data")
        self.reference = self.fresh()

    def fresh(self) -> Run:
        """A run that has not begun."""
        return new_run(self.config, self.folder / "runs", again=True)

    def look_at(self, run: Run) -> None:
        """Raises AssertionError or VaeError unless what an interruption left fits together."""
        again = open_run(run.path)
        assert again.config == self.config
        assert again.status().state in ("interrupted", "starting", "failed", "finished"), again.status()
        lines, _ = again.metric_lines()
        for split in ("train", "test"):
            steps = [line.step for line in lines if line.split == split]
            assert steps == sorted(set(steps)), f"{split} lines at {steps}"
        check_run(again)
        saved = saved_step(again)
        reached = max((line.step for line in lines if line.split == "train"), default=0)
        pending = pending_batches(again)
        assert reached + pending >= saved, f"lines end at {reached}, {pending} pending, weights of {saved}"

    def compare(self, run: Run) -> None:
        """Raises AssertionError unless a finished run is the one that was never interrupted."""
        self.look_at(run)
        assert run.status().state == "finished", run.status()
        ours, theirs = (load_file(each.model_path) for each in (run, self.reference))
        assert all((ours[name] == theirs[name]).all() for name in theirs), "other weights"
        tests, expected = (
            {line.step: line.elbo for line in each.metric_lines()[0] if line.split == "test"}
            for each in (run, self.reference)
        )
        assert tests == expected, "other test lines"
        missing = self.logged - {line.step for line in run.metric_lines()[0] if line.split == "train"}
        assert not missing, f"no train lines at {sorted(missing)}"
        left = [path.name for path in run.path.rglob(".*")]
        assert not left, f"left behind: {left}"


class Kills(Experiment):
    """Trainers that are killed at random moments."""

    def __init__(self, folder: Path, **changes: object) -> None:
        # 60 steps: each has a line in the first epoch, then there are ten lines an epoch.
        config = small_config(batch_size=30, **changes)
        super().__init__(folder, config, {*range(1, 21), *range(22, 61, 2)})
        self.finish(self.reference)
        started = time.monotonic()  # the first one had to start the process that all are forked from
        self.finish(self.fresh())
        self.seconds = time.monotonic() - started

    def start(self, run: Run) -> BaseProcess:
        """A trainer of `run`."""
        process = SERVER.Process(target=train_here, args=(run.path, self.data))
        process.start()
        return process

    def finish(self, run: Run) -> None:
        """Trains `run` to its end."""
        process = self.start(run)
        process.join()
        assert process.exitcode == 0, "the trainer failed"

    def kill(self, run: Run, seconds: float) -> bool:
        """Trains `run` and kills its trainer so many seconds later; False if that was too late."""
        process = self.start(run)
        process.join(seconds)
        process.kill()
        process.join()
        return process.exitcode != 0


def kills(folder: Path, times: int, seed: int, **changes: object) -> int:
    """Kills trainers at `times` random moments; returns how many runs came to their end nevertheless.

    Args:
        changes: of the config.
    """
    experiment, chance = Kills(folder, **changes), random.Random(seed)
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


class Faults(Experiment):
    """Trainings in this process that meet faults at calls that change files.

    What is left of a process that dies at a call is what its folder holds at that instant. So one training,
    whose folder is copied ahead of such calls, is enough for all deaths and power cuts.
    """

    def __init__(self, folder: Path) -> None:
        # 16 steps, each with a line
        super().__init__(folder, small_config(batch_size=75, epochs=2), set(range(1, 17)))
        self.train(self.reference)  # which unpacks the data set, too
        self.calls = self.train(self.fresh())

    def train(self, run: Run, before: Callable[[WatchedCalls], None] = lambda _: None) -> list[Call]:
        """Goes on with `run` to its end, `before` ahead of each call that changes a file; returns these."""
        calls = WatchedCalls(run.path, before)
        with mock.patch.dict(os.environ, VAE_DATA_DIR=str(self.data)), calls.watched():
            train_by_steady_clock(run)
        return calls.made

    def of_each_kind(self) -> dict[Call, list[int]]:
        """The numbers of all calls, by their kind."""
        numbers: dict[Call, list[int]] = {}
        for number, call in enumerate(self.calls):
            numbers.setdefault(call, []).append(number)
        return numbers

    def go_on(self, run: Run) -> None:
        """Checks what a fault has left of `run`, resumes it and compares it; then it is deleted."""
        self.look_at(run)
        self.train(run)
        self.compare(run)
        shutil.rmtree(run.path)

    def cut_off_at(self, deaths: Collection[int], power_cuts: Collection[int]) -> None:
        """The process dies, or the power fails, at calls of these numbers."""

        def before(calls: WatchedCalls) -> None:
            for kind, numbers in (("death", deaths), ("power cut", power_cuts)):
                if len(calls.made) - 1 in numbers:
                    self.go_on(calls.copy(kind))

        assert self.train(self.fresh(), before) == self.calls, "not the same calls as before"

    def full_disk_at(self, number: int) -> None:
        """A disk that is full from this call on, until the training is resumed."""

        def before(calls: WatchedCalls) -> None:
            if len(calls.made) > number:
                raise OSError(28, "No space left on device")

        run = self.fresh()
        with suppress(VaeError):
            self.train(run, before)
        self.go_on(run)


def faults(folder: Path, *, every_call: bool = False, progress: Callable[[str], None] = print) -> int:
    """Faults at a few calls of each kind, or at every call; returns how many kinds there are."""
    experiment = Faults(folder)
    kinds = experiment.of_each_kind()
    deaths = {number for numbers in kinds.values() for number in (numbers[0], numbers[-1])}
    others = {numbers[len(numbers) // 2] for numbers in kinds.values()}
    if every_call:
        deaths = others = set(range(len(experiment.calls)))
    experiment.cut_off_at(deaths, others)
    progress(f"  death: {len(deaths)} of {len(deaths)} survived")
    progress(f"  power cut: {len(others)} of {len(others)} survived")
    for number in others:
        experiment.full_disk_at(number)
    progress(f"  full disk: {len(others)} of {len(others)} survived")
    return len(kinds)


def main() -> None:
    """Kills trainers, lets faults happen, and prints how many survived; fails at the first that does not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=200, help="random kills")
    parser.add_argument("--few", action="store_true", help="faults at a few calls of each kind only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = kills(Path(folder) / "kills", options.times, options.seed)
        print(f"  kill -9: {options.times} of {options.times} survived, {runs} runs came to the same weights")
        faults(Path(folder) / "faults", every_call=not options.few)


if __name__ == "__main__":
    main()
