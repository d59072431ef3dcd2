"""Imports in the background: each in a thread of this process, and known to all of it.

An import goes on when the browser's tab that began it is closed. If this process ends meanwhile, nothing of
the data set is there.
"""

import logging
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from vae import VaeError
from vae.datasets.fitting import Form
from vae.datasets.folder import DatasetRecord
from vae.datasets.importing import TEST_SHARE, check_name, import_pictures
from vae.datasets.sources import Source
from vae.storage.folders import data_dir


@dataclass
class ImportJob:
    """An import that was begun.

    Attributes:
        name: of the data set.
        done, total: pictures.
        ended: whether it is over, with or without success.
        record: that of the data set, if it has succeeded.
        left_out: what was left out and why, in sentences.
        error: why it failed, a sentence; empty otherwise.
    """

    name: str
    total: int
    done: int = 0
    ended: bool = False
    record: DatasetRecord | None = None
    left_out: tuple[str, ...] = ()
    error: str = ""
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)

    def cancel(self) -> None:
        """Asks it to stop, soon; nothing of the data set stays."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancelled.is_set()


_running: dict[tuple[str, Path], ImportJob] = {}
_lock = threading.Lock()  # each browser tab is a thread


def running_imports() -> list[ImportJob]:
    """The imports into the data directory that this process is at."""
    root = data_dir()
    with _lock:
        return [job for (_, folder), job in _running.items() if folder == root]


def begin_import(source: Source, form: Form, name: str, test_share: float = TEST_SHARE) -> ImportJob:
    """Begins to import all pictures of an open source, as `import_pictures`; keeps the source until the end.

    Raises VaeError if the name is taken or invalid, also by an import that is not finished.
    """
    key = name, data_dir()
    with _lock:
        check_name(name)
        if key in _running:
            raise VaeError(f"A data set {name} is being imported already. Choose another name.")
        job = _running[key] = ImportJob(name, len(source))
    # A daemon thread does not delay the end of the server.
    threading.Thread(target=_import, args=(job, key, source, form, test_share), daemon=True).start()
    return job


def _import(job: ImportJob, key: tuple[str, Path], source: Source, form: Form, test_share: float) -> None:
    try:
        with closing(import_pictures(source, form, job.name, test_share)) as steps:
            for step in steps:
                job.done, job.left_out = step.done, tuple(step.left_out.sentences())
                job.record = step.record
                if job.cancelled:
                    break
    except VaeError as error:
        job.error = str(error)
    except Exception:  # the page must not wait for ever
        logging.getLogger(__name__).exception("The import of %s failed", job.name)
        job.error = f"{job.name} could not be imported, by a fault of this program. Its log says more."
    finally:
        with _lock:
            del _running[key]
        job.ended = True
