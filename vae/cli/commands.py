"""The command line: `python -m vae`. torch is imported by the commands that need it."""

import json
import math
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError

from vae import VaeError, __version__
from vae.cli.data_commands import data
from vae.cli.export_commands import KindOfFile, KindOptions, export_run
from vae.cli.output import (
    CLOSED_PIPE,
    OutputConsole,
    discard_output,
    has_characters,
    is_unread,
    table_console,
    write_any_character,
)
from vae.cli.terminal import (
    confirmed,
    download_in_terminal,
    evaluate_in_terminal,
    plain_table,
    score_in_terminal,
    stop_on_signal,
    train_in_terminal,
)
from vae.config import BUILT_IN, DATA_FIELDS, PRESET_DESCRIPTIONS, Device, PresetName, TrainConfig, explain
from vae.datasets.registry import preset_for
from vae.runs.catalogue import (
    NAME,
    NAME_RULE,
    change_execution,
    copy_bundled_runs,
    default_runs_dir,
    delete_run,
    find_run,
    list_runs,
    new_run,
    open_run,
    summary,
    why_no_runs,
)
from vae.runs.packing import MOMENTS, pack_run
from vae.runs.run import Run
from vae.runs.titles import give_title, title_of, titles_of
from vae.storage.folders import absolute_path, data_dir
from vae.storage.untrusted import shortened
from vae.training.attempts import made_once
from vae.training.processes import INTERRUPTED
from vae.training.worker_place import worker_place


def _shown_default(value: Any) -> str | None:
    """A default as it is typed; none of flags, and of options without values."""
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or None
    return None if value is None or value is False else str(value)


app = App(
    name="python -m vae",
    help="Train, evaluate and sample variational autoencoders. RUN is a run's name or its folder.",
    version=__version__,
    version_flags=["--version"],
    # `main` prints errors as sentences, and returns the exit status.
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    console=OutputConsole(),
    default_parameter=Parameter(negative=(), consume_multiple=True, show_default=_shown_default),
)
app.command(data)

RunsDir = Annotated[
    Path | None, Parameter(help="Folder of the runs; default VAE_RUNS_DIR, or checkpoints in the project.")
]
Logs = Annotated[
    Path | None, Parameter(help="Write losses and rates for TensorBoard while they come, into this folder.")
]
Json = Annotated[
    bool, Parameter(name="--json", help="Print JSON objects, one a line, for scripts: metrics, status, end.")
]
OTHER_COLUMNS = 35  # the least width of those beside the names of runs: five of five characters
# Grey levels, dark to bright, on a terminal; the latter where the encoding lacks blocks.
BLOCKS, PLAIN_SHADES = " ░▒▓█", " .:*#"
_PRESETS = " ".join(f"{name}: {about}" for name, about in PRESET_DESCRIPTIONS.items())
# Fields that are flags: all but those that follow from the data set.
_CHOSEN = re.compile(f"^(?!({'|'.join(sorted(DATA_FIELDS))})$)")
RunName = Annotated[str, Parameter(help="A run's name, or the path of its folder.")]


@app.command
def train(
    *,
    preset: Annotated[PresetName, Parameter(help=_PRESETS)] = "quick",
    config: Annotated[TrainConfig, Parameter(name="*", parse=_CHOSEN)] = TrainConfig.preset("quick"),  # noqa: B008 (frozen)
    name: str | None = None,
    runs_dir: RunsDir = None,
    again: bool = False,
    tensorboard: Logs = None,
    as_json: Json = False,
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
    changes = {field: getattr(config, field) for field in config.model_fields_set - DATA_FIELDS}
    chosen = preset_for(preset, changes.pop("dataset", "mnist"), **changes)

    def make() -> Run:
        return new_run(chosen, _folder(runs_dir), name, again=again)

    _train(partial(made_once, make) if again else make, as_json=as_json, logs=tensorboard)


@app.command
def resume(
    run: RunName,
    /,
    *then: RunName,
    device: Annotated[Device | None, Parameter(help="Where to compute from now on.")] = None,
    threads: Annotated[str | None, Parameter(help="CPU threads from now on, 1 to 1024, or auto.")] = None,
    runs_dir: RunsDir = None,
    tensorboard: Logs = None,
    as_json: Json = False,
) -> None:
    """Resume an interrupted or stopped run and, once it is finished, those named after it.

    A run whose device is missing here goes on on the best device there is, unless one is given.
    """
    changes = {name: value for name, value in (("device", device), ("threads", threads)) if value is not None}
    if then and worker_place() is not None:
        raise CycloptsError(
            msg="Several workers train one run at a time. Resume each by a command of its own."
        )
    for name in (run, *then):
        find = partial(_find_changed, name, runs_dir, changes)
        stopped = _train(find, fall_back=device is None, as_json=as_json, logs=tensorboard)
        if stopped or _find(name, runs_dir).status().state != "finished":
            break


@app.command(name="runs")
def list_all(*, runs_dir: RunsDir = None, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """List the runs: name, state, title, epochs, -ELBO on the test set, size.

    Parameters
    ----------
    as_json
        Print a JSON array instead of a table.
    """
    folder = _folder(runs_dir)
    runs = list_runs(folder)
    titles = titles_of(runs)
    rows = [{"run": run.name, "title": titles[run.name]} | summary(run) for run in runs]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        print(f"{why_no_runs(folder)} `python -m vae train` makes one.")
        return
    console = table_console()
    if max(len(row["run"]) for row in rows) + OTHER_COLUMNS > console.width:
        for row in rows:
            name, *others = _cells(row)
            # Not by the console: what the terminal folds by itself is copied as one word.
            print(f"{name}\n  {'  '.join(filter(None, others))}")
        return
    table = plain_table("run", "state", "title", "epochs", "-ELBO", "size")
    table.columns[0].no_wrap = True  # the others are folded: a name is what other commands are given
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)


def _cells(row: dict[str, Any]) -> list[str]:
    """A run's row of the table; of a damaged one its name, and what is wrong."""
    if "error" in row:
        return [row["run"], "damaged", row["error"]]
    elbo = ""
    if row["negative_elbo"] is not None:
        elbo = f"{row['negative_elbo']:.1f} at epoch {round(row['negative_elbo_epoch'], 2):g}"
    return [
        row["run"],
        row["state"],
        row["title"],
        f"{round(row['epoch'], 2):g}/{row['epochs']}",
        elbo,
        f"{row['bytes'] / 1e6:.1f} MB",
    ]


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
def export(
    run: RunName,
    kind: KindOfFile,
    /,
    *,
    out: Path | None = None,
    options: KindOptions = KindOptions(),  # noqa: B008 (frozen)
    force: bool = False,
    runs_dir: RunsDir = None,
) -> None:
    """Write what was trained as files for other people and other programs.

    Parameters
    ----------
    out
        The file; default the run's name, in the current folder. Of onnx, `NAME-encoder.onnx` and
        `NAME-decoder.onnx` are written; of latents the ending .parquet, .csv or .npz says which kind; of
        tensorboard it is the folder of the logs, default tensorboard.
    force
        Replace what exists.
    """
    options.check(kind)
    beside = None if options.page.beside is None else _find(options.page.beside, runs_dir)
    export_run(_find(run, runs_dir), kind, out, options, beside, force=force)


@app.command
def score(run: RunName, /, *, runs_dir: RunsDir = None) -> None:
    """Score the training set with a run's newest weights, which the map of the training set shows."""
    score_in_terminal(_find(run, runs_dir))


@app.command
def rename(run: RunName, title: str, /, *, runs_dir: RunsDir = None) -> None:
    """Give a run a title, which the pages show instead of its settings; its name stays.

    Parameters
    ----------
    title
        At most 60 characters; an empty one, "", takes the title away.
    """
    found = _find(run, runs_dir)
    give_title(found, title)
    print(f"The title of {found.name} is now: {title_of(found)}")


@app.command(name="pack")
def pack_finished(run: RunName, /, *, moments: int = MOMENTS, runs_dir: RunsDir = None) -> None:
    """Make a finished run small, in place: weights in float16, fewer moments, in int8.

    It can be explored, evaluated and trained longer as before; its evaluation is removed, because the weights
    change by rounding.

    Parameters
    ----------
    moments
        How many moments the time slider keeps, the final weights among them.
    """
    found = _find(run, runs_dir)
    before = found.size()
    pack_run(found, moments)
    test = found.newest_test_metrics()
    elbo = "" if test is None else f"; -ELBO {-test.elbo:.2f} on the test set"
    print(f"Packed {found.name}: {found.size() / 1e6:.1f} MB instead of {before / 1e6:.1f}{elbo}.")


@app.command
def download(dataset: Annotated[str, Parameter(help="Its name.")], /) -> None:
    """Download or draw a built-in data set, unless it is there; mnist comes with the project."""
    if dataset not in BUILT_IN:
        raise VaeError(
            f"There is no built-in data set {shortened(dataset)!r}. There are {', '.join(BUILT_IN)}; "
            "`python -m vae data add` makes one of your own pictures."
        )
    download_in_terminal(dataset)
    print(f"{dataset} is in {data_dir()}.")


@app.command
def decode(
    run: RunName,
    /,
    *z: Annotated[float, Parameter(help="One number for each latent dimension.")],
    out: Path | None = None,
    runs_dir: RunsDir = None,
) -> None:
    """Decode one point of the latent space; print the picture's brightness, or write it to a PNG file.

    Parameters
    ----------
    out
        The PNG file to write, in the size and colours of the run's pictures.
    """
    found = _find(run, runs_dir)
    dims = found.config.latent_dim
    if len(z) != dims or not all(map(math.isfinite, z)):
        given = " ".join(map(str, z)) or "none"
        raise CycloptsError(msg=f"{found.name} decodes a point of {dims} finite numbers; given: {given}.")
    (picture,) = found.saved_model().model.decode(np.array([z], np.float32))
    if out is not None:
        out = absolute_path(out)
        from vae.export.images import png

        out.write_bytes(png(picture))
        print(f"Wrote {out}.")
        return
    from PIL import Image

    shades = BLOCKS if has_characters(sys.stdout, BLOCKS) else PLAIN_SHADES
    for row in np.asarray(Image.fromarray(picture).convert("L")).tolist():
        print("".join(shades[level * len(shades) // 256] * 2 for level in row).rstrip())


@app.command
def delete(run: RunName, /, *, runs_dir: RunsDir = None, yes: bool = False) -> None:
    """Delete a run permanently, after confirmation.

    Parameters
    ----------
    yes
        Delete without confirmation.
    """
    found = _find(run, runs_dir)
    if sure := confirmed(f"Delete {found.name} ({found.size() / 1e6:.1f} MB) for good?", yes):
        delete_run(found)
    print(f"Deleted {found.name}." if sure else "Nothing was deleted.")


def _train(
    find: Callable[[], Run], *, fall_back: bool = False, as_json: bool = False, logs: Path | None = None
) -> bool:
    """Trains a run in this process, as one of several workers if `torchrun` started them.

    Returns whether a signal has asked this process to stop.
    """
    place = worker_place()
    show = partial(
        train_in_terminal,
        fall_back=fall_back,
        as_json=as_json,
        logs=None if logs is None else absolute_path(logs),
    )
    if place is None:
        with stop_on_signal() as stop:
            show(find(), stop)
        return stop.is_set()
    # Sentences say what goes wrong between workers; torch would print its own stack beside them.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    from vae.training.distributed import worker_group
    from vae.training.loop import follow

    with worker_group(place, partial(print, file=sys.stderr, flush=True)) as group:
        if group.rank > 0:
            follow(group)
            return False
        with stop_on_signal() as stop:
            show(find(), stop)
        return stop.is_set()


def _find_changed(text: str, runs_dir: Path | None, changes: dict[str, Any]) -> Run:
    """As `_find`, with another device or thread count in the config of a run that is not finished."""
    found = _find(text, runs_dir)
    if changes and found.status().state != "finished":
        if "device" in changes:
            from vae.training.device import choose_device

            choose_device(TrainConfig(device=changes["device"]))  # before anything is written
        try:
            return change_execution(found, **changes)
        except ValidationError as error:
            raise CycloptsError(msg=explain(error)) from error
    return found


def _find(text: str, runs_dir: Path | None) -> Run:
    """The run of this name, or in the folder of this path.

    A path is what holds a mark that no name has: a slash, or `C:` and backslashes on Windows, or `~`.
    """
    return open_run(text) if re.search(r"[/\\:~]", text) else find_run(_folder(runs_dir), text)


def _folder(runs_dir: Path | None) -> Path:
    """The runs directory of the option, or else the default one. Raises VaeError if it cannot be."""
    return default_runs_dir() if runs_dir is None else absolute_path(runs_dir)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status.

    It is 0, 1 if the command failed, 2 for bad arguments, `CLOSED_PIPE` or `INTERRUPTED`.
    """
    write_any_character()
    try:
        status = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where an error can be told, and not at Python's end
        return status
    except OSError as error:
        if is_unread(error):
            discard_output()
            return CLOSED_PIPE
        with suppress(OSError):
            what = error.filename or "A file"
            print(f"{what} cannot be read or written: {error.strerror}.", file=sys.stderr, flush=True)
        discard_output()  # of a full disk, for example
        return 1


def _run(arguments: list[str] | None) -> int:
    """Runs one command; prints what a person can correct. Returns the exit status, or raises OSError."""
    try:
        copy_bundled_runs()
        app(arguments)
    except CycloptsError as error:
        cause = error.__cause__
        print(explain(cause) if isinstance(cause, ValidationError) else str(error), file=sys.stderr)
        return 2
    except VaeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. `python -m vae runs` shows the state of the run.", file=sys.stderr)
        return INTERRUPTED
    return 0
