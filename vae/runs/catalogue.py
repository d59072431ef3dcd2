"""The runs directory: listing, naming, creating and deleting runs.

Run names come from people and URLs. They are validated and resolved here, and nowhere else.
"""

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from vae import VaeError
from vae.config import EXECUTION_FIELDS, TrainConfig
from vae.datasets.registry import with_data
from vae.inference.formatting import bits_per_dimension
from vae.runs.records import Status
from vae.runs.run import Run
from vae.storage import systems
from vae.storage.atomic import move_atomic, remove_leftovers, temporary_path
from vae.storage.folders import INSTALLED, PROJECT, absolute_path, configured_folder
from vae.storage.systems import is_reserved, retry_in_use
from vae.storage.untrusted import MAX_JSON, MAX_WEIGHTS, open_limited, read_unsynced, safetensors_limit

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
NAME_RULE = "1 to 80 small letters, digits, dots, dashes and underscores, the first a letter or digit."
DAY = 24 * 3600  # seconds


def default_runs_dir() -> Path:
    """`VAE_RUNS_DIR`, or the default `checkpoints`. Raises VaeError if the variable names no folder."""
    return configured_folder("VAE_RUNS_DIR", "checkpoints")


def copy_bundled_runs() -> None:
    """Copies the runs that come with the project to the default folder, once, if the package is installed.

    Whole or not at all, as several processes may do so at once. Raises VaeError if they cannot be copied, and
    as `default_runs_dir`.
    """
    folder = default_runs_dir()
    if not INSTALLED or os.environ.get("VAE_RUNS_DIR", "").strip() or folder.exists():
        return
    copy = temporary_path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(PROJECT / "checkpoints", copy)
        copy.rename(folder)
    except OSError as error:  # copytree's own has no strerror
        shutil.rmtree(copy, ignore_errors=True)
        if not folder.exists():  # else another process was faster
            raise VaeError(
                f"The runs that come with the project cannot be copied to {folder}: "
                f"{error.strerror or error}. Free some space, or set VAE_RUNS_DIR to another folder."
            ) from error


def why_no_runs(runs_dir: Path) -> str:
    """A sentence on a directory in which `list_runs` finds nothing: where it is, or why it is unreadable."""
    try:
        next(runs_dir.iterdir(), None)
    except FileNotFoundError:
        pass  # it is made with the first run
    except OSError as error:
        return f"No runs can be read in {runs_dir}: {error.strerror}. Set VAE_RUNS_DIR to another folder."
    return f"There are no runs yet in {runs_dir}."


def list_runs(runs_dir: Path) -> list[Run]:
    """All runs, those trained last first, including those with a damaged config."""
    ages: list[tuple[float, str]] = []
    with suppress(OSError):  # the folder does not exist yet
        for folder in runs_dir.iterdir():
            with suppress(VaeError, OSError):  # not a run's name, not a run, or just deleted
                resolve_run(runs_dir, folder.name)
                made = (folder / "config.json").stat().st_mtime
                ages.append((-_trained_at(folder / "status.json", made), folder.name))
    return [Run(runs_dir / name) for _, name in sorted(ages)]


def runs_on(dataset: str, runs_dir: Path) -> list[Run]:
    """The runs of a data set, those trained last first."""
    found = []
    for run in list_runs(runs_dir):
        with suppress(VaeError):  # its config is damaged
            if run.config.dataset == dataset:
                found.append(run)
    return found


def _trained_at(status: Path, otherwise: float) -> float:
    """When a run was trained last, in Unix time, from its status; `otherwise` if that does not say.

    The times of files are those of a copy, a download or a checkout.
    """
    try:
        found = status.stat()
    except OSError:
        return otherwise
    # A stranger's status could name any time.
    return min(_heartbeat(status, found.st_mtime_ns, found.st_size) or otherwise, found.st_mtime)


@lru_cache(maxsize=4096)
def _heartbeat(status: Path, changed: int, size: int) -> float:  # noqa: ARG001 (the key)
    """The time in a run's status, 0 if there is none. Cached, as pages list runs several times a second."""
    with suppress(OSError, ValueError):
        return Status.read(read_unsynced(status, MAX_JSON)).heartbeat
    return 0


def resolve_run(runs_dir: Path, name: str) -> Path:
    """The path of the run `name` in `runs_dir`. Raises VaeError if the name is invalid or a link."""
    if not NAME.fullmatch(name):
        raise VaeError(f"{name[:80]!r} is no run's name: {NAME_RULE}")
    if is_reserved(name):
        raise VaeError(f"This system has no folder called {name}. Choose another name.")
    path = runs_dir / name
    if path.is_symlink():
        raise VaeError(f"{name} is a link; runs are plain folders in {runs_dir}.")
    return path


def open_run(path: str | Path) -> Run:
    """The run in the folder `path`, or of this name in the default runs directory if it is no such folder.

    Raises VaeError if there is none.
    """
    run = Run(absolute_path(path))
    if isinstance(path, str) and NAME.fullmatch(path) and not (run.path / "config.json").is_file():
        run = Run(resolve_run(default_runs_dir(), path))
    if not (run.path / "config.json").is_file():
        raise VaeError(f"There is no run in {path}. `python -m vae runs` lists those there are.")
    return run


def find_run(runs_dir: Path, name: str) -> Run:
    """The run `name` in `runs_dir`, for untrusted names. Raises VaeError if there is none."""
    return open_run(resolve_run(runs_dir, name))


def run_of_config(config: TrainConfig, runs_dir: Path) -> Run | None:
    """The run that a training of `config` goes on with or has ended as; None if there is none.

    A run whose rates were changed while it trained is not what its config says, and does not count.
    Raises VaeError if a run is damaged.
    """
    for path in numbered_paths(runs_dir, config.run_name):
        if not path.exists():
            return None
        if not (run := open_run(path)).is_steered():
            return run
    raise AssertionError("there is always a further number")


def new_run(
    config: TrainConfig,
    runs_dir: Path,
    name: str | None = None,
    *,
    again: bool = False,
    origin: Run | None = None,
) -> Run:
    """The run of `config`, created if there is none, or those there are were steered.

    Args:
        name: of the run; `config.run_name` if None.
        again: creates another run even if there is one, named `…-2`, `…-3` and so on.
        origin: a run whose weights, metrics and snapshots a new run begins with.

    The config gets the form of its data set. Raises VaeError if there is no such data set, if `name` is
    invalid, or that of a run of another config or of one that was steered, or if the folder cannot be made.
    """
    if not config.contents:
        config = with_data(config)
    remove_leftovers(runs_dir, older=DAY)  # of starts, imports and deletions that were killed
    for path in numbered_paths(runs_dir, config.run_name if name is None else name):
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            if not path.exists() and _make(path, config, origin):
                return Run(path)
        except OSError as error:
            raise VaeError(
                f"No run can be made in {runs_dir}: {error.strerror}. Choose another folder with --runs-dir "
                "or VAE_RUNS_DIR."
            ) from error
        if not again and (name is not None or not open_run(path).is_steered()):
            return _reopen(path, config)
    raise AssertionError("there is always a further number")


def numbered_paths(runs_dir: Path, name: str) -> Iterator[Path]:
    """The paths for a run `name` and further ones, `…-2`, `…-3`. Raises VaeError if the name is invalid."""
    for number in itertools.count(1):
        yield resolve_run(runs_dir, name if number == 1 else f"{name}-{number}")


def _reopen(path: Path, config: TrainConfig) -> Run:
    """The existing run at `path`, with device and threads of `config`. Raises VaeError if others differ."""
    run = open_run(path)
    if run.config.identity != config.identity:
        raise VaeError(f"{run.name} is a run of another config. Choose another --name.")
    if run.is_steered():
        raise VaeError(
            f"{run.name} was steered: its rates were changed while it trained, so it is not the run of this "
            f"config. Go on with it by `python -m vae resume {run.name}`, or choose another --name."
        )
    if run.config != config and not run.is_locked():
        run.write_config(config)
    return Run(run.path)


def change_execution(run: Run, **changes: Any) -> Run:
    """The run with another device or thread count in its config, unless it is being trained.

    Raises `pydantic.ValidationError` for a value out of bounds.
    """
    assert changes.keys() <= EXECUTION_FIELDS
    config = TrainConfig.model_validate({**run.config.model_dump(), **changes})
    if config != run.config and not run.is_locked():
        run.write_config(config)
    return Run(run.path)


def _make(path: Path, config: TrainConfig, origin: Run | None) -> bool:
    """Creates the run's folder, complete, by a rename; returns False if another process was faster."""
    folder = temporary_path(path)
    folder.mkdir()
    try:
        run = Run(folder)
        run.write_config(config)
        run.write_status(Status(state="starting"))
        if origin is not None:
            _copy_progress(run, origin)
        return move_atomic(folder, path)
    finally:
        if folder.exists():
            shutil.rmtree(folder)


def _copy_progress(run: Run, origin: Run) -> None:
    """Copies weights, metrics and snapshots of `origin`, but not the state of its optimiser."""
    for source in (origin.model_path, origin.metrics_path, origin.view_path, *origin.snapshots()):
        copy = run.path / source.relative_to(origin.path)
        copy.parent.mkdir(exist_ok=True)
        try:
            with open_limited(source, safetensors_limit(MAX_WEIGHTS)) as file, copy.open("xb") as target:
                shutil.copyfileobj(file, target)
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise VaeError(f"{origin.name}/{source.name} cannot be copied: {error}.") from error
    status = origin.status()
    total = status.total_steps * run.config.epochs // origin.config.epochs
    progress = status.model_dump(include={"step", "epoch", "seconds"}) | {"steered": origin.is_steered()}
    run.write_status(Status(state="starting", total_steps=total, **progress))


def summary(run: Run) -> dict[str, Any]:
    """A run's row in lists; for a damaged run only its name and the error.

    `negative_elbo` is that of the newest test, in nats per image, and `negative_elbo_epoch` the epoch of that
    test: the last end of an epoch, where a run that was stopped within an epoch is further. Both are None
    before the first test. `bits_per_dimension` is that −ELBO, of a Gaussian likelihood.

    Of its files only the config, the status, the request and the end of the metrics are read, however long it
    trained.
    """
    try:
        status, steered = run.status(), run.is_steered()
        preset, differs = run.config.nearest_preset
        values = run.config.density_values
        test = run.newest_test_metrics()
    except VaeError as error:
        return {"run": run.name, "error": str(error)}
    return {
        "run": run.name,
        "state": status.state,
        "preset": preset,
        "differs": differs,
        "steered": steered,
        "epoch": status.epoch,
        "epochs": run.config.epochs,
        "negative_elbo": None if test is None else -test.elbo,
        "negative_elbo_epoch": None if test is None else test.epoch,
        "bits_per_dimension": bits_per_dimension(-test.elbo, values) if test and values else None,
        "seconds": status.seconds,
        "bytes": run.size(),
    }


def delete_run(run: Run) -> None:
    """Deletes the run permanently. Raises VaeError while it is being trained, or if it is gone."""
    if run.is_locked():
        raise VaeError(f"{run.name} is being trained by another process. Stop it first.")
    hidden = temporary_path(run.path)
    # Renamed first, so that no process finds a half deleted run.
    if systems.WINDOWS:
        # It renames no folder in which a file is open, so the lock can neither be held nor taken meanwhile.
        try:
            retry_in_use(lambda: run.path.rename(hidden))
        except PermissionError as error:
            raise VaeError(
                f"{run.name} is in use by another program. Close its files there, then delete it again."
            ) from error
    else:
        with run.lock():
            run.path.rename(hidden)
    try:
        shutil.rmtree(hidden)
    except RecursionError as error:  # an untrusted folder, deeply nested
        raise VaeError(
            f"{run.name} holds folders in folders, too deep for this. Remove {hidden} by hand."
        ) from error
