"""Pictures that were chosen to be imported, while one looks at them: the files, opened, and a sample.

What was uploaded lies in a temporary folder, which is removed with the source: when the person has chosen
other pictures, when the tab is closed, or at the end of an import that goes on after that.
"""

import os
import re
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import BinaryIO

from vae import VaeError
from vae.config import MAX_DATASET_NAME
from vae.datasets.array_pictures import Layout, UnclearShapeError
from vae.datasets.importing import Sample, check_name, open_source
from vae.datasets.picture_files import SUFFIXES
from vae.datasets.sources import Source
from vae.storage.systems import is_reserved

PREFIX = "vae-upload-"  # of the temporary folders
DAY = 24 * 3600  # seconds
_numbers = count()
_kept: set[Path] = set()  # temporary folders that this server uses


class Files:
    """Files on this machine that are to be looked at; those in `folder` are removed with this object."""

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self.path = path
        if folder is not None:
            _kept.add(folder)
        self.remove = weakref.finalize(self, _remove, folder)


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        _kept.discard(folder)


def stored(uploads: Sequence[BinaryIO]) -> Files:
    """Uploads in a temporary folder. Several files, or a single picture, count as a folder of pictures.

    Raises OSError, such as of a full disk.
    """
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        alone = len(uploads) == 1 and Path(uploads[0].name).suffix.lower() not in SUFFIXES
        inner = folder if alone else folder / "pictures"
        inner.mkdir(exist_ok=True)
        for upload in uploads:
            path = _unused(inner / _file_name(upload.name))
            upload.seek(0)
            with path.open("xb") as file:
                shutil.copyfileobj(upload, file)
    except BaseException:
        _remove(folder)
        raise
    return Files(path if alone else inner, folder)


def _remove_leftovers() -> None:
    """Removes what a killed server has left, a day later; what is in use stays, also from another server."""
    for folder in _kept.copy():
        with suppress(OSError):
            os.utime(folder)
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.stat().st_mtime < time.time() - DAY:
                _remove(folder)


def _file_name(name: str) -> str:
    """A stranger's file name as one that every system can have."""
    safe = re.sub(r"[^\w .()-]", "_", re.split(r"[/\\]", name)[-1])[-100:].strip(" .")
    return f"_{safe}" if not safe or is_reserved(safe) else safe


def _unused(path: Path) -> Path:
    """The path, with a number if there is such a file: pictures of two folders can have one name."""
    numbered = (path.with_name(f"{path.stem} ({number}){path.suffix}") for number in count(2))
    return next(numbered) if path.exists() else path


@dataclass(eq=False)
class Draft:
    """An opened source with a sample of its pictures.

    Attributes:
        number: tells drafts of all tabs apart.
        name: the name that is proposed for the data set.
    """

    files: Files
    source: Source
    sample: Sample
    name: str
    number: int = field(default_factory=lambda: next(_numbers))


class Look:
    """The opening of files by a thread, as a large table takes a minute.

    Attributes:
        share: how much of a large table was read, 0 to 1.
        draft: what comes of it, or why nothing does; raises as `opened`.
    """

    def __init__(self, files: Files, layout: Layout | None = None) -> None:
        self.files, self.share = files, 0.0
        self.draft: Future[Draft] = Future()
        self._layout, self._cancelled = layout, threading.Event()
        # A daemon thread does not delay the end of the server.
        threading.Thread(target=self._open, daemon=True).start()

    def cancel(self) -> None:
        """Ends it, soon, if a large table is read; nothing of it stays."""
        self._cancelled.set()

    def _open(self) -> None:
        try:
            self.draft.set_result(opened(self.files, self._layout, self._report))
        except Exception as error:  # noqa: BLE001 (raised for who takes the draft)
            if not isinstance(error, UnclearShapeError):  # else they are opened once more
                self.files.remove()
            self.draft.set_exception(error)

    def _report(self, share: float) -> None:
        self.share = share
        if self._cancelled.is_set():
            raise CancelledError


def opened(
    files: Files, layout: Layout | None = None, report: Callable[[float], object] | None = None
) -> Draft:
    """Opens files and looks at a sample.

    Raises VaeError if they cannot be imported, UnclearShapeError if a layout has to say what they mean, and
    what `report`, which is called with the share of a large table that is read, raises.
    """
    source = open_source(files.path, layout, report)
    # The open files are closed, and the temporary ones removed, when nothing uses the source any more, which
    # a thread may do that imports it.
    weakref.finalize(source, _close, source.files, files)
    return Draft(files, source, Sample(source), _proposed_name(files.path))


def _close(open_files: ExitStack, files: Files) -> None:
    """Closes a source's files; `files` is only kept until then."""
    del files
    with suppress(OSError):
        open_files.close()


def _proposed_name(path: Path) -> str:
    """A name for a data set, after that of a file or folder."""
    words = re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].lower()).strip("-")
    base = words[:MAX_DATASET_NAME].strip("-") or "pictures"
    for number in ("", *map(str, range(2, 10))):
        name = f"{base[: MAX_DATASET_NAME - 2].rstrip('-')}-{number}" if number else base
        with suppress(VaeError):
            check_name(name)
            return name
    return base
