"""Packing a run into a zip, and unpacking an untrusted zip into the runs directory.

Nothing that a zip declares is trusted: it may hold only files of a run, each no larger than the run's config
implies, and the bytes are counted while they are unpacked.
"""

import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vae import VaeError
from vae.config import TrainConfig
from vae.runs import checkpoints, live_view
from vae.runs.catalogue import NAME, numbered_paths
from vae.runs.evaluation_record import evaluation_path, load_evaluation
from vae.runs.history import read_losses
from vae.runs.records import LIVE
from vae.runs.run import MAX_METRICS, Run
from vae.runs.titles import given_title, title_path
from vae.storage.atomic import move_atomic, temporary_path
from vae.storage.systems import is_reserved
from vae.storage.untrusted import MAX_JSON, open_limited, reason, safetensors_limit, shortened
from vae.storage.zips import (
    MODE_SHIFT,
    SYSTEM_FILES,
    UNREADABLE,
    count_entries,
    is_cut_off,
    is_encrypted,
    is_link,
    is_packed_usually,
)

MAX_ZIP = 200  # megabytes: a page holds it in memory
MAX_BYTES = 256_000_000  # unpacked; 3 x 1024 units with their training state have 170 MB
MAX_ENTRIES = 500  # a training keeps 40 snapshots, one that was continued ten times more
MEMBER = re.compile(
    r"(?:(?!\.\.?/)(?P<folder>[^/\\]+)/)??"
    r"(?P<file>(?:config|status|evaluation|title)\.json|metrics\.jsonl|(?:model|view|resume)\.safetensors"
    r"|snapshots/[0-9]{8,16}\.safetensors)"
)
# Other files in folders that were packed by hand: locks, logs and requests, which are of use on one machine
# only, files that a live run was just writing, and those of the system.
IGNORED = re.compile(
    r"(?:.+/)?(?:lock|request\.lock|request\.json|log\.txt|training_scores\.safetensors|)|"
    + SYSTEM_FILES.pattern
)
_CHUNK = 1_000_000  # bytes copied at once
_UNNAMED = "zip"  # the temporary folder of a run whose zip has no valid name; its config then names it


def pack(run: Run, file: BinaryIO) -> None:
    """Writes `run` into `file` as a zip, the same bytes for the same files.

    Leaves out the `resume.safetensors` of a finished run, which is three times the size of the weights and of
    no use. Raises VaeError if a file is damaged or the run too large, and OSError.
    """
    _ = run.config  # raises if there are links in the folder
    resumable = run.status().state != "finished"
    if run.size() > MAX_BYTES:
        raise VaeError(
            f"{run.name} has {run.size() / 1e6:.0f} MB, more than a zip takes along. Copy its folder instead."
        )
    # In this order, because the run may be training: an older status beside newer metrics does no harm.
    paths = [run.path / "config.json", run.path / "status.json", *([run.resume_path] if resumable else [])]
    paths += [run.model_path, *run.snapshots(), run.view_path, run.metrics_path]
    paths += [evaluation_path(run), title_path(run)]
    with zipfile.ZipFile(file, "w") as archive:
        for path in paths:
            entry = zipfile.ZipInfo((run.name / path.relative_to(run.path)).as_posix())  # its date is 1980
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << MODE_SHIFT  # 3: Unix
            entry.compress_type = zipfile.ZIP_DEFLATED
            try:
                with open_limited(path, MAX_BYTES) as source, archive.open(entry, "w") as member:
                    shutil.copyfileobj(source, member, _CHUNK)
            except FileNotFoundError:
                continue  # not written yet
            except ValueError as error:
                raise VaeError(f"{entry.filename} cannot be packed: {error}.") from error


def unpack(file: BinaryIO, runs_dir: Path) -> Run:
    """Unpacks the run in the zip `file`, checks all of its files, and moves it into `runs_dir`.

    It keeps its name, with a number if that is taken. A run that was training when it was packed is stopped.
    Raises VaeError if anything in the zip is invalid, and OSError.
    """
    runs_dir.mkdir(parents=True, exist_ok=True)
    folder = temporary_path(runs_dir / "zip")
    folder.mkdir()
    try:
        with _open_zip(file) as archive:
            run = _extract_run(archive, folder)
        check_run(run)
        status = run.status()
        if status.state in LIVE | {"interrupted"}:
            run.write_status(status.model_copy(update={"state": "stopped"}))
        name = run.config.run_name if run.name == _UNNAMED else run.name
        return next(Run(path) for path in numbered_paths(runs_dir, name) if move_atomic(run.path, path))
    finally:
        shutil.rmtree(folder)


def check_run(run: Run) -> None:
    """Reads every file of `run`. Raises VaeError with the name of the first damaged one."""
    _ = run.config, run.status(), run.request(), read_losses(run)
    _ = live_view.load_view(run.view_path, run.config), load_evaluation(run), given_title(run)
    if run.model_path.exists():
        run.saved_model()
    if run.resume_path.exists():
        checkpoints.load_training(run.resume_path, run.config)
    for path in run.snapshots():
        checkpoints.load_snapshot(path, run.config)


@contextmanager
def _open_zip(file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """Opens a zip of limited size; every error of opening it and of the block is raised as VaeError."""
    try:
        if file.seek(0, 2) > MAX_ZIP * 1e6:
            raise VaeError(f"The zip has more than {MAX_ZIP} MB. Copy the run's folder instead.")
        if count_entries(file) > MAX_ENTRIES:
            raise VaeError(f"The zip holds more than {MAX_ENTRIES} files, which no run has.")
        if is_cut_off(file):
            raise VaeError("The zip is cut off: its end is missing. Download or copy it again.")
        with zipfile.ZipFile(file) as archive:
            yield archive
    except UNREADABLE as error:
        raise VaeError(
            f"The zip cannot be unpacked ({shortened(reason(error))}). Download or copy it again; if "
            "that does not help, pack the run's folder again."
        ) from error


def _extract_run(archive: zipfile.ZipFile, folder: Path) -> Run:
    """Unpacks the run in `archive` into a new folder in `folder`. Raises VaeError."""
    name, members = _members(archive)
    run = Run(folder / (name if NAME.fullmatch(name) and not is_reserved(name) else _UNNAMED))
    run.path.mkdir()
    remaining = MAX_BYTES - _extract(archive, members.pop("config.json"), run.path / "config.json", MAX_JSON)
    limits = _size_limits(run.config)
    for name, entry in members.items():
        path = run.path / name
        path.parent.mkdir(exist_ok=True)
        remaining -= _extract(archive, entry, path, min(limits[name.split("/")[0]], remaining))
    return run


def _members(archive: zipfile.ZipFile) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The name of the run's folder in the zip, or "", and the entries by their names in the run.

    Raises VaeError if there is anything else in the zip.
    """
    folders: set[str] = set()
    members: dict[str, zipfile.ZipInfo] = {}
    entries = [entry for entry in archive.infolist() if not IGNORED.fullmatch(entry.filename)]
    strangers = [entry.filename for entry in entries if not MEMBER.fullmatch(entry.filename)]
    if strangers:
        others = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise VaeError(
            f"The zip holds {shortened(repr(strangers[0]))}{others}, which is no file of a run. Take that "
            "out of the zip, or pack the run's folder alone."
        )
    for entry in entries:
        name, found = shortened(repr(entry.filename)), MEMBER.fullmatch(entry.filename)
        assert found is not None
        if is_link(entry) or is_encrypted(entry):
            raise VaeError(f"In the zip {name} is a link or encrypted. Pack plain files.")
        if not is_packed_usually(entry):
            raise VaeError(f"In the zip {name} is packed in an unusual way. Pack it anew, with deflate.")
        if found["file"] in members:
            raise VaeError(f"The zip holds {shortened(found['file'])} twice. Pack one run's folder alone.")
        folders.add(found["folder"] or "")
        members[found["file"]] = entry
    if "config.json" not in members:
        raise VaeError("The zip holds no run: there is no config.json in it, or it lies too deep.")
    if len(folders) > 1:
        raise VaeError("The zip holds more than one folder. Pack one run's folder alone.")
    return folders.pop(), members


def _size_limits(config: TrainConfig) -> dict[str, int]:
    """The maximum bytes of each file of a run, or of each file in the folder of that name."""
    sizes = checkpoints.size_limits(config)
    return {
        "status.json": MAX_JSON,
        "evaluation.json": MAX_JSON,
        "title.json": MAX_JSON,
        "metrics.jsonl": MAX_METRICS,
        "view.safetensors": safetensors_limit(live_view.MAX_BYTES),
        "model.safetensors": sizes.model,
        "resume.safetensors": sizes.training,
        "snapshots": sizes.snapshot,
    }


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, most: int) -> int:
    """Unpacks `entry` to `path`; returns its size in bytes. Raises VaeError if that is more than `most`."""
    count = 0
    with archive.open(entry) as member, path.open("xb") as copy:
        while content := member.read(_CHUNK):
            count += len(content)
            if count > most:
                name = shortened(repr(entry.filename))
                raise VaeError(f"In the zip {name} has more than the {most:,} bytes that it may have.")
            copy.write(content)
    return count
