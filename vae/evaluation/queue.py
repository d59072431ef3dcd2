"""Queues of evaluations and scorings of runs, each in a process of its own. Imports no torch.

The result is a file of the run; progress and errors are kept only in this process.
"""

import re
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from vae import VaeError
from vae.runs.run import Run
from vae.training.processes import run_process

Task = Literal["evaluate", "score"]  # commands of `python -m vae`

# Printed by `vae.cli.terminal.PercentLines`.
_PERCENT = {task: re.compile(rf"{task}d ([0-9]{{1,3}}) %") for task in ("evaluate", "score")}
_MAX_ERROR = 500  # characters of the last line that the process printed
# Of each task one at a time: two at once would share the cores, and each take twice as long.
_running: defaultdict[Task, threading.Lock] = defaultdict(threading.Lock)


@dataclass
class Job:
    """A requested task.

    Attributes:
        progress: the share done, 0 to 1.
        ended: whether it is over, with or without success.
        error: why it failed, a sentence; empty otherwise.
    """

    progress: float = 0.0
    ended: bool = False
    error: str = ""


# By folder and `created_at`: a deleted run's job is not that of a new run of the same name.
_jobs: dict[tuple[Task, str, int], Job] = {}
_lock = threading.Lock()  # each browser tab is a thread


def begin(task: Task, run: Run) -> None:
    """Begins a task of `run` after all that were requested before, unless it is one of these."""
    with _lock:
        known = latest_job(task, run)
        if known is not None and not known.ended:
            return
        job = _jobs[_key(task, run)] = Job()
        # A daemon thread does not delay the end of the server.
        threading.Thread(target=_perform, args=(task, run, job), daemon=True).start()


def latest_job(task: Task, run: Run) -> Job | None:
    """The task of `run` that this process began last, if there is one."""
    return _jobs.get(_key(task, run))


def _key(task: Task, run: Run) -> tuple[Task, str, int]:
    return task, str(run.path), run.created_at


def _perform(task: Task, run: Run, job: Job) -> None:
    """Performs a task in a process of its own, once no other of its kind runs."""
    last = ""

    def hear(line: str) -> None:
        nonlocal last
        if found := _PERCENT[task].fullmatch(line):
            job.progress = int(found[1]) / 100
        else:
            last = line[:_MAX_ERROR]

    try:
        with _running[task]:
            if run_process(task, str(run.path.resolve()), hear=hear):
                job.error = f"{run.name} could not be {task}d: {last or 'its process ended.'}"
    except (OSError, VaeError) as error:
        why = f"{error.strerror}." if isinstance(error, OSError) else error
        job.error = f"{run.name} could not be {task}d: {why}"
    finally:
        job.ended = True
