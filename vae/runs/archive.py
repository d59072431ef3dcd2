"""A run as one zip: what goes in, and what is let in.

A zip comes from anybody. Nothing it says of itself is trusted: its names are compared with those that a run's
files have, its sizes with those that its config implies, and what is really unpacked is counted.
"""

import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vae import VaeError
from vae.config import TrainConfig
from vae.runs import live_view
from vae.runs.catalogue import NAME, latest_negative_elbo, numbered_paths
from vae.runs.evaluation_record import evaluation_path, load_evaluation
from vae.runs.records import LIVE
from vae.runs.run import MAX_METRICS, Run
from vae.storage.atomic import move_atomic, temporary_path
from vae.storage.untrusted import MAX_JSON, open_limited, safetensors_limit, shortened

MAX_ZIP = 200  # megabytes: a page holds it in memory
MAX_BYTES = 256_000_000  # unpacked; 3 x 1024 units with all that they are resumed from have 170 MB
MAX_ENTRIES = 500  # a training keeps forty snapshots, one that went on ten times more
MEMBER = re.compile(
    r"(?:(?!\.\.?/)(?P<folder>[^/\\]+)/)??"
    r"(?P<file>(?:config|status|evaluation)\.json|metrics\.jsonl|(?:model|view|resume)\.safetensors"
    r"|snapshots/[0-9]{8,16}\.safetensors)"
)
# What else is in folders that people pack by hand. Locks and what a process printed belong to the machine, an
# order to those who watched.
PASSED_OVER = re.compile(r"(?:.+/)?(?:lock|request\.lock|request\.json|log\.txt|\.DS_Store|)|__MACOSX/.*")
_CHUNK = 1_000_000  # bytes copied at once
_NAMELESS = "zip"  # what a run is called until its config says how
_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's directory
# Where an entry has the mode of a file, and the kind within that.
_MODE, _KIND, _PLAIN = 16, 0o170000, 0o100000
_ENCRYPTED = 1  # among an entry's flags


def pack(run: Run, file: BinaryIO) -> None:
    """Writes `run` into `file` as a zip, the same bytes for the same files. Raises VaeError, OSError.

    A finished run is not resumed, and goes without `resume.safetensors`, which is three times its weights.
    """
    _ = run.config  # a folder with links in it is refused there
    finished = run.status().state == "finished"
    if run.size() > MAX_BYTES:
        raise VaeError(
            f"{run.name} has {run.size() / 1e6:.0f} MB, more than a zip takes along. Copy its folder instead."
        )
    # While it is trained: a status that is older than the rest does no harm, nor do metrics that are newer.
    paths = [run.path / "config.json", run.path / "status.json", run.resume_path, run.model_path]
    paths += [*run.snapshots(), run.view_path, run.metrics_path, evaluation_path(run)]
    with zipfile.ZipFile(file, "w") as archive:
        for path in paths:
            if path == run.resume_path and finished:
                continue
            entry = zipfile.ZipInfo((run.name / path.relative_to(run.path)).as_posix())  # of 1980, always
            entry.create_system, entry.external_attr = 3, (_PLAIN | 0o644) << _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            try:
                with open_limited(path, MAX_BYTES) as source, archive.open(entry, "w") as member:
                    shutil.copyfileobj(source, member, _CHUNK)
            except FileNotFoundError:
                continue  # not there yet
            except ValueError as error:
                raise VaeError(f"{entry.filename} cannot be packed: {error}.") from error


def unpack(file: BinaryIO, runs_dir: Path) -> Run:
    """The run that the zip `file` holds, now in `runs_dir`: beside those that are there, and checked before.

    It has its own name, or that with a number; a training that was going on where it was packed is stopped
    here. Raises VaeError if anything in it is not as it must be, and OSError.
    """
    runs_dir.mkdir(parents=True, exist_ok=True)
    place = temporary_path(runs_dir / "zip")
    place.mkdir()
    try:
        with _readable(file) as archive:
            run = _unpacked(archive, place)
        check_run(run)
        status = run.status()
        if status.state in LIVE | {"interrupted"}:
            run.write_status(status.model_copy(update={"state": "stopped"}))
        name = run.config.run_name if run.name == _NAMELESS else run.name
        return next(Run(path) for path in numbered_paths(runs_dir, name) if move_atomic(run.path, path))
    finally:
        shutil.rmtree(place)


def check_run(run: Run) -> None:
    """Reads every file of `run`. Raises VaeError, with the name of the first that is damaged."""
    from vae.runs import checkpoints

    _ = run.config, run.status(), run.request(), latest_negative_elbo(run), live_view.load_view(run.view_path)
    load_evaluation(run)
    if run.model_path.exists():
        run.load_model()
        checkpoints.read_position(run.model_path)
    if run.resume_path.exists():
        checkpoints.check_training(run.resume_path, run.config)
    for path in run.snapshots():
        checkpoints.load_snapshot(path, run.config)


@contextmanager
def _readable(file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """`file` as a zip, every way in which that can fail, in the block too, made a sentence."""
    try:
        if file.seek(0, 2) > MAX_ZIP * 1e6:
            raise VaeError(f"The zip has more than {MAX_ZIP} MB. Copy the run's folder instead.")
        # Before `zipfile` makes an object of each entry: a small zip can hold millions.
        if _count(file, _ENTRY) > MAX_ENTRIES:
            raise VaeError(f"The zip holds more than {MAX_ENTRIES} files, which no run has.")
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (
        *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError),
        *(ValueError, OverflowError),
    ) as error:
        why = shortened(str(error) or type(error).__name__)
        raise VaeError(f"The zip cannot be unpacked ({why}). Pack the run's folder again.") from error


def _count(file: BinaryIO, mark: bytes) -> int:
    found, seam = 0, b""
    file.seek(0)
    while content := file.read(_CHUNK):
        found += (seam + content).count(mark)
        seam = content[1 - len(mark) :]
    return found


def _unpacked(archive: zipfile.ZipFile, place: Path) -> Run:
    """The files in `archive`, in a folder of their own in `place`. Raises VaeError."""
    folder, members = _members(archive)
    run = Run(place / (folder if NAME.fullmatch(folder) else _NAMELESS))
    run.path.mkdir()
    left = MAX_BYTES - _extract(archive, members.pop("config.json"), run.path / "config.json", MAX_JSON)
    most = _most(run.config)
    for name, entry in members.items():
        path = run.path / name
        path.parent.mkdir(exist_ok=True)
        left -= _extract(archive, entry, path, min(most[name.split("/")[0]], left))
    return run


def _members(archive: zipfile.ZipFile) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The folder in which the zip has the run, or "", and the entries by the names of the run's files."""
    folders: set[str] = set()
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        if PASSED_OVER.fullmatch(entry.filename):
            continue
        name, found = shortened(repr(entry.filename)), MEMBER.fullmatch(entry.filename)
        if not found:
            raise VaeError(f"The zip holds {name}, which is no file of a run. Pack the run's folder alone.")
        kind = entry.external_attr >> _MODE & _KIND
        if kind not in (0, _PLAIN) or entry.flag_bits & _ENCRYPTED:
            raise VaeError(f"In the zip {name} is a link or encrypted. Pack plain files.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others take memory
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


def _most(config: TrainConfig) -> dict[str, int]:
    """How many bytes each file of a run may have, and each in a folder."""
    from vae.runs import checkpoints

    sizes = checkpoints.size_limits(config)
    return {
        "status.json": MAX_JSON,
        "evaluation.json": MAX_JSON,
        "metrics.jsonl": MAX_METRICS,
        "view.safetensors": safetensors_limit(live_view.MAX_BYTES),
        "model.safetensors": sizes.model,
        "resume.safetensors": sizes.training,
        "snapshots": sizes.snapshot,
    }


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, most: int) -> int:
    """Unpacks `entry` to `path`, and returns its bytes. Raises VaeError if these are more than `most`."""
    count = 0
    with archive.open(entry) as member, path.open("xb") as copy:
        while content := member.read(_CHUNK):
            count += len(content)
            if count > most:
                name = shortened(repr(entry.filename))
                raise VaeError(f"In the zip {name} has more than the {most:,} bytes that it may have.")
            copy.write(content)
    return count
