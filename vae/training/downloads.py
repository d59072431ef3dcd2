"""Downloads and drawings of built-in data sets, each in a process of its own. Imports no torch.

Its progress and its error are kept only in this process.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

from vae import VaeError
from vae.storage.folders import data_dir
from vae.training.processes import run_process

# How the sentences begin that `vae.datasets.obtain` yields.
ACTIVITIES = ("Downloading ", "Drawing ", "Unpacking ", "Waiting ")
_MAX_LINE = 500  # characters of a line that the process printed


@dataclass
class DownloadJob:
    """A download, or drawing, that was begun.

    Attributes:
        activity: what is being done, a sentence; empty at first.
        ended: whether it is over, with or without success.
        error: why it failed, a sentence; empty otherwise.
    """

    activity: str = ""
    ended: bool = False
    error: str = ""


_jobs: dict[tuple[str, Path], DownloadJob] = {}
_lock = threading.Lock()  # each browser tab is a thread


def download_job(dataset: str) -> DownloadJob | None:
    """The download or drawing of a data set that this process began last, if there is one."""
    return _jobs.get((dataset, data_dir()))


def begin_download(dataset: str) -> None:
    """Downloads or draws a built-in data set, unless this process does already."""
    with _lock:
        known = download_job(dataset)
        if known is not None and not known.ended:
            return
        job = _jobs[dataset, data_dir()] = DownloadJob()
        # A daemon thread does not delay the end of the server.
        threading.Thread(target=_download, args=(dataset, job), daemon=True).start()


def _download(dataset: str, job: DownloadJob) -> None:
    last = ""

    def hear(line: str) -> None:
        nonlocal last
        if line.startswith(ACTIVITIES):
            job.activity = line[:_MAX_LINE]
        else:  # why it failed
            last = line[:_MAX_LINE]

    try:
        if run_process("download", dataset, hear=hear):
            job.error = last or f"The process that gets {dataset} ended by itself."
    except (OSError, VaeError) as error:
        why = f"{error.strerror}." if isinstance(error, OSError) else error
        job.error = f"The process that gets {dataset} could not be started: {why}"
    finally:
        job.ended = True
