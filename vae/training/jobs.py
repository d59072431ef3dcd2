"""Starts and finds training processes: one at a time, each independent of this process.

They share only the run directory with this process; `Run.request_stop` stops one. Imports no torch.
"""

import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import filelock

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.catalogue import list_runs, new_run, run_of_config
from vae.runs.records import LIVE
from vae.runs.run import Run
from vae.training.processes import start_process, was_ended_by_signal


class BusyError(VaeError):
    """Another training is running."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"{run.name} is being trained. Watch it, or stop it before you start another.")
        self.run = run


def start(config: TrainConfig, runs_dir: Path, *, again: bool = False, origin: Run | None = None) -> Run:
    """Trains `config` in a process of its own, which outlives this one, and returns its run.

    The `run_of_config`, if it is finished or being trained, is returned as it is, unless `again` is set,
    which makes a further one. A new run continues from the end of `origin`. Raises BusyError if another
    training runs: two at once are both slow.
    """
    with _one_start_at_a_time(runs_dir):
        same = None if again else run_of_config(config, runs_dir)
        if same is not None and same.status().state in LIVE | {"finished"}:
            return same
        _refuse_if_busy(runs_dir)
        run = new_run(config, runs_dir, again=again, origin=origin)
        _spawn(run)
        return run


def start_all(configs: Sequence[TrainConfig], runs_dir: Path) -> list[Run]:
    """Trains those of `configs` that are not finished, one after the other, and returns the runs of all.

    One process trains them. Those that wait have the state "stopped", and keep it if one before them is
    stopped or fails. Raises BusyError as `start` does, if there is anything to train.
    """
    with _one_start_at_a_time(runs_dir):
        if any(unfinished(config, runs_dir) for config in configs):
            _refuse_if_busy(runs_dir)
        return _train_in_turn([new_run(config, runs_dir) for config in configs])


def start_named(configs: Mapping[str, TrainConfig], runs_dir: Path) -> list[Run]:
    """As `start_all`, with runs of these names; raises BusyError also if there is nothing to train.

    Raises VaeError for the name of a run of another config.
    """
    with _one_start_at_a_time(runs_dir):
        _refuse_if_busy(runs_dir)
        return _train_in_turn([new_run(config, runs_dir, name) for name, config in configs.items()])


def _train_in_turn(runs: list[Run]) -> list[Run]:
    missing = [run for run in runs if run.status().state != "finished"]
    for run in missing:
        run.write_status(run.status().model_copy(update={"state": "stopped"}))
    if missing:
        _spawn(*missing)
    return runs


def unfinished(config: TrainConfig, runs_dir: Path) -> bool:
    """Whether `runs_dir` has no finished run of `config`."""
    run = run_of_config(config, runs_dir)
    return run is None or run.status().state != "finished"


def train_longer(run: Run, epochs: int) -> Run:
    """Trains a new run that continues `run` by `epochs` epochs, and returns it; `run` stays as it is.

    Raises VaeError if `run` is not finished, BusyError as `start` does, and `pydantic.ValidationError` if
    there are too many epochs.
    """
    if run.status().state != "finished":
        raise VaeError(f"{run.name} is not finished. Resume it first; then it can be trained longer.")
    # If the config alone determines `run`, it also determines its continuation, which may exist already.
    status = run.status()
    again = run.is_steered() or run.name != run.config.run_name
    rates = {name: getattr(status, name) for name in run.config.rates if getattr(status, name) is not None}
    config = run.config.model_copy(update=rates).extended(epochs)
    return start(config, run.path.parent, again=again, origin=run)


def resume(run: Run) -> None:
    """Resumes `run` in a process of its own, unless it is being trained. Raises BusyError as `start` does."""
    with _one_start_at_a_time(run.path.parent):
        if run.status().state not in LIVE:
            _refuse_if_busy(run.path.parent)
            _spawn(run)


def _one_start_at_a_time(runs_dir: Path) -> filelock.BaseFileLock:
    """A lock for starts in `runs_dir`: two pages may start a training at the same instant."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(runs_dir / ".start.lock")


def live_run(runs_dir: Path) -> Run | None:
    """The run in `runs_dir` that is being trained, if one is."""
    for run in list_runs(runs_dir):
        try:
            if run.status().state in LIVE:
                return run
        except VaeError:
            continue  # a damaged run is not being trained
    return None


def _refuse_if_busy(runs_dir: Path) -> None:
    busy = live_run(runs_dir)
    if busy is not None:
        raise BusyError(busy)


def _spawn(*runs: Run) -> None:
    for run in runs:
        if run.request() is not None:
            # Stops and pauses are from before this start; new rates are meant for it.
            run.update_request(stop=False, pause_at=None)
    run = runs[0]
    # What an earlier start wrote would say that a trainer holds the lock already.
    begun = {"state": "starting", "error": None, "activity": None, "notice": None}
    run.write_status(run.status().model_copy(update=begun))
    heartbeat = run.status().heartbeat
    log_path = run.path / "log.txt"
    if log_path.is_symlink() or not log_path.is_file():  # an imported run may hold a link to elsewhere
        log_path.unlink(missing_ok=True)
    with log_path.open("ab") as log:
        try:
            process = start_process(
                "resume", *(str(each.path.resolve()) for each in runs), stdout=log, stderr=log
            )
        except (OSError, VaeError) as error:
            why = f"The training could not be started: {error}"
            run.write_status(run.status().model_copy(update={"state": "failed", "error": why}))
            raise
    threading.Thread(target=_wait_for_end, args=(run, heartbeat, process), daemon=True).start()


def _wait_for_end(run: Run, heartbeat: float, process: subprocess.Popen[bytes]) -> None:
    """Waits for a trainer, so that no zombie is left; if it never began, the run has failed."""
    process.wait()
    with suppress(VaeError, OSError):  # the run may be deleted by now
        status = run.status()
        # Another heartbeat is from a later start, made before this process ended.
        if status.state == "starting" and status.heartbeat == heartbeat and not run.is_locked():
            if was_ended_by_signal(process.returncode):  # before it could write that itself
                run.write_status(status.model_copy(update={"state": "stopped"}))
                return
            error = "The training process ended before it began. See log.txt in the run's folder."
            run.write_status(status.model_copy(update={"state": "failed", "error": error}))
