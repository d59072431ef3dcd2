"""The runs directory: which runs there are, what they may be called, how they come and go.

Names come from people and from addresses. They are matched and resolved here, and nowhere else.
"""

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.history import History
from vae.runs.records import Status
from vae.runs.run import Run
from vae.storage.atomic import move_atomic, remove_leftovers, temporary_path
from vae.storage.untrusted import MAX_WEIGHTS, open_limited, safetensors_limit

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
NAME_RULE = "1 to 80 small letters, digits, dots, dashes and underscores, the first a letter or digit."
DAY = 24 * 3600  # seconds


def default_runs_dir() -> Path:
    """`VAE_RUNS_DIR`, or `checkpoints` here."""
    return Path(os.environ.get("VAE_RUNS_DIR", "checkpoints"))


def list_runs(runs_dir: Path) -> list[Run]:
    """All runs, newest first; also those whose config is damaged."""
    ages: list[tuple[float, str]] = []
    with suppress(OSError):  # there is no such folder yet
        for folder in runs_dir.iterdir():
            with suppress(VaeError, OSError):  # no run's name, no run, or deleted just now
                resolve_run(runs_dir, folder.name)
                ages.append((-(folder / "config.json").stat().st_mtime, folder.name))
    return [Run(runs_dir / name) for _, name in sorted(ages)]


def resolve_run(runs_dir: Path, name: str) -> Path:
    """Where a run called `name` lies in `runs_dir`. Raises VaeError if it is no name, or a link elsewhere."""
    if not NAME.fullmatch(name):
        raise VaeError(f"{name[:80]!r} is no run's name: {NAME_RULE}")
    path = runs_dir / name
    if path.is_symlink():
        raise VaeError(f"{name} is a link; runs are plain folders in {runs_dir}.")
    return path


def open_run(path: str | Path) -> Run:
    """The run in the folder `path`. Raises VaeError if it is none."""
    run = Run(Path(path).resolve())
    if not (run.path / "config.json").is_file():
        raise VaeError(f"There is no run in {path}. `python -m vae runs` lists those there are.")
    return run


def find_run(runs_dir: Path, name: str) -> Run:
    """The run called `name` in `runs_dir`, wherever the name came from. Raises VaeError."""
    return open_run(resolve_run(runs_dir, name))


def new_run(
    config: TrainConfig,
    runs_dir: Path,
    name: str | None = None,
    *,
    again: bool = False,
    origin: Run | None = None,
) -> Run:
    """The run of `config`, made if there is none; with `again` a further one, `…-2`.

    A new run begins with the weights and the past of `origin`. Raises VaeError if `name` is no name, or
    that of a run of another config.
    """
    remove_leftovers(runs_dir, older=DAY)  # of starts, zips and deletions that were killed
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
        if not again:
            return _reopened(path, config)
    raise AssertionError("there is always a further number")


def numbered_paths(runs_dir: Path, name: str) -> Iterator[Path]:
    """Where a run called `name` would lie, and further ones, `…-2`, `…-3`; or VaeError if it is no name."""
    for number in itertools.count(1):
        yield resolve_run(runs_dir, name if number == 1 else f"{name}-{number}")


def _reopened(path: Path, config: TrainConfig) -> Run:
    """The run that is there, which from now on is carried out as `config` says."""
    run = open_run(path)
    if run.config.identity != config.identity:
        raise VaeError(f"{run.name} is a run of another config. Choose another --name.")
    if run.config != config and not run.is_locked():
        run.write_config(config)
    return Run(run.path)


def _make(path: Path, config: TrainConfig, origin: Run | None) -> bool:
    """Makes the run's folder in one instant, config and past and all; False if another was faster."""
    folder = temporary_path(path)
    folder.mkdir()
    try:
        run = Run(folder)
        run.write_config(config)
        run.write_status(Status(state="starting"))
        if origin is not None:
            _give_past(run, origin)
        return move_atomic(folder, path)
    finally:
        if folder.exists():
            shutil.rmtree(folder)


def _give_past(run: Run, origin: Run) -> None:
    """Copies what `origin` reached; not its optimiser, which starts anew."""
    for source in (origin.model_path, origin.metrics_path, origin.view_path, *origin.snapshots()):
        copy = run.path / source.relative_to(origin.path)
        copy.parent.mkdir(exist_ok=True)
        try:
            with open_limited(source, safetensors_limit(MAX_WEIGHTS)) as reached, copy.open("xb") as file:
                shutil.copyfileobj(reached, file)
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise VaeError(f"{origin.name}/{source.name} cannot be copied: {error}.") from error
    past = origin.status()
    total = past.total_steps * run.config.epochs // origin.config.epochs
    run.write_status(
        Status(state="starting", total_steps=total, **past.model_dump(include={"step", "epoch", "seconds"}))
    )


def latest_negative_elbo(run: Run) -> float | None:
    """Of the last evaluation on the test set, in nats per image, if there was one."""
    with closing(History(run)) as history:
        tests = history.read().test
    return -float(tests["elbo"][-1]) if len(tests) else None


def summary(run: Run, elbo_of: Callable[[Run], float | None] = latest_negative_elbo) -> dict[str, Any]:
    """What lists say of a run; of a damaged one only what is wrong. Seconds are those of training."""
    try:
        status = run.status()
        preset, differs = run.config.nearest_preset
        elbo = elbo_of(run)
    except VaeError as error:
        return {"run": run.name, "error": str(error)}
    return {
        "run": run.name,
        "state": status.state,
        "preset": preset,
        "differs": differs,
        "steered": status.steered,
        "epoch": status.epoch,
        "epochs": run.config.epochs,
        "negative_elbo": elbo,
        "seconds": status.seconds,
        "bytes": run.size(),
    }


def delete_run(run: Run) -> None:
    """Removes the run for good. Raises VaeError while it is being trained, or if it is gone."""
    if run.is_locked():
        raise VaeError(f"{run.name} is being trained by another process. Stop it first.")
    doomed = temporary_path(run.path)
    with run.lock():
        # Renamed first: nobody meets a run half removed.
        run.path.rename(doomed)
    try:
        shutil.rmtree(doomed)
    except RecursionError as error:  # a stranger's folder
        raise VaeError(
            f"{run.name} holds folders in folders, too deep for this. Remove {doomed} by hand."
        ) from error
