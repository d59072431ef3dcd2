"""A queue of evaluations, each in a process of its own. Imports no torch.

The result of an evaluation is a file of the run; its progress and its error are kept only in this process.
"""

import re
import subprocess
import threading
from dataclasses import dataclass

from vae import VaeError
from vae.runs.run import Run
from vae.training.processes import start_process

_PERCENT = re.compile(r"evaluated ([0-9]{1,3}) %")  # printed by `vae.cli.terminal.PercentLines`
_MAX_ERROR = 500  # characters of the last line that the process printed
_one_at_a_time = threading.Lock()  # two at once would share the cores, and each take twice as long


@dataclass
class EvaluationJob:
    """A requested evaluation.

    Attributes:
        progress: the share done, 0 to 1.
        ended: whether it is over, with or without success.
        error: why it failed, a sentence; empty otherwise.
    """

    progress: float = 0.0
    ended: bool = False
    error: str = ""


# By folder and `created_at`: a deleted run's job is not that of a new run of the same name.
_jobs: dict[tuple[str, int], EvaluationJob] = {}
_lock = threading.Lock()  # each browser tab is a thread


def begin_evaluation(run: Run) -> None:
    """Evaluates `run` after all that were requested before, unless it is one of these."""
    with _lock:
        known = evaluation_job(run)
        if known is not None and not known.ended:
            return
        job = _jobs[_key(run)] = EvaluationJob()
        # A daemon thread does not delay the end of the server.
        threading.Thread(target=_evaluate, args=(run, job), daemon=True).start()


def evaluation_job(run: Run) -> EvaluationJob | None:
    """The evaluation of `run` that this process began last, if there is one."""
    return _jobs.get(_key(run))


def _key(run: Run) -> tuple[str, int]:
    return str(run.path), run.created_at


def _evaluate(run: Run, job: EvaluationJob) -> None:
    """Evaluates `run` in a process of its own, once no other evaluation runs."""
    last = ""
    try:
        with _one_at_a_time:
            # When the server has ended, the process ends as it prints.
            process = start_process(
                "evaluate",
                str(run.path.resolve()),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
            assert process.stderr is not None
            with process, process.stderr as lines:
                for line in lines:
                    if found := _PERCENT.fullmatch(line.strip()):
                        job.progress = int(found[1]) / 100
                    elif line.strip():
                        last = line.strip()
            if process.returncode:
                job.error = f"{run.name} could not be evaluated: {last[:_MAX_ERROR] or 'its process ended.'}"
    except (OSError, VaeError) as error:
        why = f"{error.strerror}." if isinstance(error, OSError) else error
        job.error = f"{run.name} could not be evaluated: {why}"
    finally:
        job.ended = True
