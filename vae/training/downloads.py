"""Downloads of data sets, each in a process of its own. Imports no torch.

Its progress and its error are kept only in this process.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

from vae import VaeError
from vae.storage.folders import data_dir
from vae.training.processes import run_process

# How the sentences begin that `vae.datasets.download` yields.
ACTIVITIES = ("Downloading ", "Unpacking ", "Waiting ")
_MAX_LINE = 500  # characters of a line that the process printed


@dataclass
class DownloadJob:
    """A download that was begun.

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
    """The download of a data set that this process began last, if there is one."""
    return _jobs.get((dataset, data_dir()))


def begin_download(dataset: str) -> None:
    """Downloads a data set, unless this process does already."""
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
        else:  # why the download failed
            last = line[:_MAX_LINE]

    try:
        if run_process("download", dataset, hear=hear):
            job.error = last or f"The download of {dataset} ended by itself."
    except (OSError, VaeError) as error:
        why = f"{error.strerror}." if isinstance(error, OSError) else error
        job.error = f"{dataset} could not be downloaded: {why}"
    finally:
        job.ended = True
