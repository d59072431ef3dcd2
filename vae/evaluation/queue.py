"""Evaluations in processes of their own, one after the other, as seen from outside.

An evaluation is `python -m vae`, as a training is, and its result a file of the run; only how far it is, and
why it failed, is known here alone. Nothing here imports torch.
"""

import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from vae.runs.run import Run
from vae.training.jobs import PROJECT, give_way

_PERCENT = re.compile(r"evaluated ([0-9]{1,3}) %")
_LONGEST = 500  # characters of what a process said last
_one_at_a_time = threading.Lock()  # two would share the cores, and both take twice as long


@dataclass
class Going:
    """An evaluation that was asked for.

    Attributes:
        share: how much of it is done, 0 to 1.
        ended: whether it is over, one way or another.
        error: why it failed, a sentence; empty while it has not.
    """

    share: float = 0.0
    ended: bool = False
    error: str = ""


_asked: dict[Path, Going] = {}
_asking = threading.Lock()  # each tab is a thread


def percent_line(share: float) -> str:
    """What an evaluation prints of its progress, 0 to 1, where nobody sees a bar."""
    return f"evaluated {int(100 * share)} %"


def begin_evaluation(run: Run) -> None:
    """Evaluates `run` once those that were asked for before are done, unless it is one of these."""
    with _asking:
        known = _asked.get(run.path)
        if known is not None and not known.ended:
            return
        going = _asked[run.path] = Going()
        # A daemon: who ends the server does not wait for it.
        threading.Thread(target=_evaluate, args=(run, going), daemon=True).start()


def evaluation_of(run: Run) -> Going | None:
    """How far the evaluation of `run` is that this process began last, if there is one."""
    return _asked.get(run.path)


def _evaluate(run: Run, going: Going) -> None:
    last = ""
    try:
        with _one_at_a_time:
            process = subprocess.Popen(
                [sys.executable, "-m", "vae", "evaluate", str(run.path.resolve()), "--json"],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is the server's; without a reader it ends by itself
            )
            give_way(process)
            assert process.stderr is not None
            with process, process.stderr as lines:
                for line in lines:
                    if found := _PERCENT.fullmatch(line.strip()):
                        going.share = int(found[1]) / 100
                    elif line.strip():
                        last = line.strip()
            if process.returncode:
                going.error = f"{run.name} could not be evaluated: {last[:_LONGEST] or 'its process ended.'}"
    except OSError as error:
        going.error = f"{run.name} could not be evaluated: {error.strerror}."
    finally:
        going.ended = True
