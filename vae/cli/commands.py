"""The command line: `python -m vae`. torch is imported by the commands that need it."""

import json
import math
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError
from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table

from vae import VaeError
from vae.cli.terminal import evaluate_in_terminal, stop_on_signal, train_in_terminal
from vae.config import PRESET_DESCRIPTIONS, PresetName, TrainConfig, explain
from vae.runs.catalogue import (
    NAME,
    NAME_RULE,
    default_runs_dir,
    delete_run,
    find_run,
    list_runs,
    new_run,
    open_run,
    summary,
    why_no_runs,
)
from vae.runs.run import Run
from vae.storage.folders import absolute_path

app = App(
    name="python -m vae",
    help="Train, evaluate and sample variational autoencoders. RUN is a run's name or its folder.",
    version_flags=[],
    # `main` prints errors as sentences, and returns the exit status.
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    default_parameter=Parameter(negative=(), consume_multiple=True),
)

RunsDir = Annotated[
    Path | None, Parameter(help="Folder of the runs; default VAE_RUNS_DIR, or checkpoints in the project.")
]
_PRESETS = " ".join(f"{name}: {about}" for name, about in PRESET_DESCRIPTIONS.items())
RunName = Annotated[str, Parameter(help="A run's name, or the path of its folder.")]


@app.command
def train(
    *,
    preset: Annotated[PresetName, Parameter(help=_PRESETS)] = "quick",
    config: Annotated[TrainConfig, Parameter(name="*")] = TrainConfig.preset("quick"),  # noqa: B008 (frozen)
    name: str | None = None,
    runs_dir: RunsDir = None,
    again: bool = False,
) -> None:
    """Train a model. A finished run of the same config is not trained again.

    The preset sets every field; each can be overridden. The defaults below are those of the preset quick.
    Ctrl-C stops after the current batch and saves; the same command resumes the run.

    Parameters
    ----------
    name
        The run's name, instead of one made from the config.
    again
        Train a further run of the same config.
    """
    if name is not None and not NAME.fullmatch(name):
        raise CycloptsError(msg=f"--name: {NAME_RULE}")
    changes = {field: getattr(config, field) for field in config.model_fields_set}
    chosen = TrainConfig.preset(preset, **changes)
    _train(lambda: new_run(chosen, _folder(runs_dir), name, again=again))


@app.command
def resume(run: RunName, /, *then: RunName, runs_dir: RunsDir = None) -> None:
    """Resume an interrupted or stopped run and, once it is finished, those named after it."""
    if then and _workers() > 1:
        raise CycloptsError(
            msg="Several workers train one run at a time. Resume each by a command of its own."
        )
    for name in (run, *then):
        _train(partial(_find, name, runs_dir))
        if _find(name, runs_dir).status().state != "finished":
            break


@app.command(name="runs")
def list_all(*, runs_dir: RunsDir = None, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """List the runs: state, preset, epochs, -ELBO on the test set, size.

    Parameters
    ----------
    as_json
        Print a JSON array instead of a table.
    """
    folder = _folder(runs_dir)
    rows = [summary(run) for run in list_runs(folder)]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        print(f"{why_no_runs(folder)} `python -m vae train` makes one.")
        return
    table = Table("run", "state", "preset", "epochs", "-ELBO", "size", box=None, pad_edge=False)
    for row in rows:
        if "error" in row:
            table.add_row(row["run"], "damaged", row["error"])
            continue
        differs = " ".join(f"{field}={value}" for field, value in row["differs"].items())
        elbo = ""
        if row["negative_elbo"] is not None:
            elbo = f"{row['negative_elbo']:.1f} at epoch {round(row['negative_elbo_epoch'], 2):g}"
        megabytes = f"{row['bytes'] / 1e6:.1f} MB"
        epochs = f"{round(row['epoch'], 2):g}/{row['epochs']}"
        table.add_row(row["run"], row["state"], f"{row['preset']} {differs}", epochs, elbo, megabytes)
    Console(markup=False).print(table)


@app.command
def evaluate(
    run: RunName, /, *, runs_dir: RunsDir = None, as_json: Annotated[bool, Parameter(name="--json")] = False
) -> None:
    """Evaluate a run on its whole test set, beside published results; losses in nats per image.

    Parameters
    ----------
    as_json
        Print one JSON object instead of a table.
    """
    evaluate_in_terminal(_find(run, runs_dir), as_json=as_json)


@app.command
def decode(
    run: RunName,
    /,
    *z: Annotated[float, Parameter(help="One number for each latent dimension.")],
    out: Path | None = None,
    runs_dir: RunsDir = None,
) -> None:
    """Decode one point of the latent space; print the picture, or write it to a PNG file.

    Parameters
    ----------
    out
        The PNG file to write: 28 x 28 pixels, greyscale.
    """
    found = _find(run, runs_dir)
    dims = found.config.latent_dim
    if len(z) != dims or not all(map(math.isfinite, z)):
        given = " ".join(map(str, z)) or "none"
        raise CycloptsError(msg=f"{found.name} decodes a point of {dims} finite numbers; given: {given}.")
    model = found.load_model()
    import torch

    from vae.datasets.images import grey_levels
    from vae.export.images import png

    picture = grey_levels(model.decode(torch.tensor([z]))[0, 0].numpy())
    if out is not None:
        out = absolute_path(out)
        out.write_bytes(png(picture))
        print(f"Wrote {out}.")
        return
    for row in picture.tolist():
        print("".join(" ░▒▓█"[level * 5 // 256] * 2 for level in row).rstrip())


@app.command
def delete(run: RunName, /, *, runs_dir: RunsDir = None, yes: bool = False) -> None:
    """Delete a run permanently, after confirmation.

    Parameters
    ----------
    yes
        Delete without confirmation.
    """
    found = _find(run, runs_dir)
    try:
        sure = yes or Confirm.ask(f"Delete {found.name} ({found.size() / 1e6:.1f} MB) for good?")
    except EOFError:
        print()
        raise VaeError("Nothing was deleted: nobody was there to ask. Add --yes.") from None
    if sure:
        delete_run(found)
    print(f"Deleted {found.name}." if sure else "Nothing was deleted.")


def _train(find: Callable[[], Run]) -> None:
    """Trains a run in this process, as one of several workers if `torchrun` started them."""
    if _workers() == 1:
        with stop_on_signal() as stop:
            train_in_terminal(find(), stop)
        return
    from vae.training.distributed import worker_group
    from vae.training.loop import follow

    with worker_group() as group:
        if group.rank == 0:
            with stop_on_signal() as stop:
                train_in_terminal(find(), stop)
        else:
            follow(group)


def _workers() -> int:
    """The number of workers: https://docs.pytorch.org/docs/stable/elastic/run.html"""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _find(text: str, runs_dir: Path | None) -> Run:
    """The run of this name, or in the folder of this path.

    A path is what holds a mark that no name has: a slash, or `C:` and backslashes on Windows, or `~`.
    """
    return open_run(text) if re.search(r"[/\\:~]", text) else find_run(_folder(runs_dir), text)


def _folder(runs_dir: Path | None) -> Path:
    """The runs directory of the option, or else the default one. Raises VaeError if it cannot be."""
    return default_runs_dir() if runs_dir is None else absolute_path(runs_dir)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status: 0, 1 (it failed) or 2 (bad arguments)."""
    try:
        app(arguments)
    except CycloptsError as error:
        cause = error.__cause__
        print(explain(cause) if isinstance(cause, ValidationError) else str(error), file=sys.stderr)
        return 2
    except VaeError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. `python -m vae runs` shows the state of the run.", file=sys.stderr)
        return 1
    return 0
