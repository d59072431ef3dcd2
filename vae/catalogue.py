"""The runs directory: which runs there are, what they may be called, how they come and go.

Names come from people and from addresses. They are matched and resolved here, and nowhere else.
"""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from vae.config import TrainConfig
from vae.errors import VaeError
from vae.files import write_whole
from vae.runs import FORMAT, Run, Status

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
NAME_RULE = "1 to 80 small letters, digits, dots, dashes and underscores, the first a letter or digit."


def default_runs_dir() -> Path:
    """`VAE_RUNS_DIR`, or `checkpoints` here."""
    return Path(os.environ.get("VAE_RUNS_DIR", "checkpoints"))


def list_runs(runs_dir: Path) -> list[Run]:
    """All runs, newest first; also those whose config is damaged."""
    configs = [path for path in runs_dir.glob("*/config.json") if NAME.fullmatch(path.parent.name)]
    return [Run(path.parent) for path in sorted(configs, key=_age)]


def _age(config: Path) -> tuple[float, str]:
    return -config.stat().st_mtime, config.parent.name


def open_run(path: str | Path) -> Run:
    """The run in the folder `path`. Raises VaeError if it is none."""
    run = Run(Path(path).resolve())
    if not (run.path / "config.json").is_file():
        raise VaeError(f"There is no run in {path}. `python -m vae runs` lists those there are.")
    return run


def find_run(runs_dir: Path, name: str) -> Run:
    """The run called `name` in `runs_dir`, wherever the name came from. Raises VaeError."""
    if not NAME.fullmatch(name):
        raise VaeError(f"{name!r} is no run's name: {NAME_RULE}")
    path = runs_dir / name
    if path.resolve().parent != runs_dir.resolve():
        raise VaeError(f"{name} leads out of {runs_dir}; runs are plain folders in it.")
    return open_run(path)


def new_run(config: TrainConfig, runs_dir: Path, name: str | None = None, *, again: bool = False) -> Run:
    """The run of `config`, made if there is none; with `again` a further one, `…-2`.

    Raises VaeError if `name` is no name, or that of a run of another config.
    """
    wanted = name or config.run_name
    if not NAME.fullmatch(wanted):
        raise VaeError(f"{wanted!r} is no run's name: {NAME_RULE}")
    number = 1
    while True:
        path = runs_dir / (wanted if number == 1 else f"{wanted}-{number}")
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            if not path.exists() and _make(path, config):
                return Run(path)
        except OSError as error:
            raise VaeError(
                f"No run can be made in {runs_dir}: {error.strerror}. Choose another folder with --runs-dir "
                "or VAE_RUNS_DIR."
            ) from error
        if not again:
            run = open_run(path)
            if run.config.identity != config.identity:
                raise VaeError(f"{run.name} is a run of another config. Choose another --name.")
            return run
        number += 1


def _make(path: Path, config: TrainConfig) -> bool:
    """Makes the run's folder in one instant, config and all; False if another was faster."""
    beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    os.chmod(beside, 0o755)
    run = Run(beside)
    stored: dict[str, Any] = {"format": FORMAT, **config.model_dump(mode="json")}
    write_whole(beside / "config.json", json.dumps(stored, indent=2).encode() + b"\n")
    run.write_status(Status(state="starting"))
    try:
        beside.rename(path)
    except OSError:
        shutil.rmtree(beside)
        if path.exists():
            return False
        raise
    return True


def delete_run(run: Run) -> None:
    """Removes the run for good. Raises VaeError while it is being trained."""
    with run.hold():
        # Renamed first: nobody meets a run half removed.
        doomed = Path(tempfile.mkdtemp(dir=run.path.parent, prefix=".deleted."))
        run.path.rename(doomed / run.name)
    shutil.rmtree(doomed)
