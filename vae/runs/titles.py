"""Titles of runs, by which people know them: one that was given, or how the run differs from its preset.

A name is a folder's name, and stands in addresses and commands; a title can change at any time.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from vae import VaeError
from vae.config import TrainConfig
from vae.runs.records import Record
from vae.runs.run import Run
from vae.storage.atomic import write_atomic
from vae.storage.systems import retry_in_use
from vae.storage.untrusted import MAX_JSON, read_limited

MAX_TITLE = 60  # characters
MAX_DIFFERENCES = 5  # that a title lists

_WORDS: Mapping[str, Callable[[Any], str]] = {
    "dataset": str,
    "latent_dim": lambda count: f"{count} dimension{'s' * (count != 1)}",
    "hidden_dims": lambda widths: f"hidden layers of {' '.join(map(str, widths))}",
    "network": lambda kind: f"{kind} network",
    "width": lambda channels: f"width {channels}",
    "activation": str,
    "epochs": lambda count: f"{count} epoch{'s' * (count != 1)}",
    "batch_size": lambda size: f"batches of {size}",
    "learning_rate": lambda rate: f"learning rate {rate:g}",
    "schedule": lambda schedule: f"{schedule} schedule",
    "restarts": lambda epochs: "trained longer" + (f" {len(epochs)} times" if len(epochs) > 1 else ""),
    "adam_beta2": lambda beta2: f"Adam beta2 {beta2:g}",
    "pixel_dropout": lambda share: f"pixel dropout {share:g}",
    "likelihood": lambda kind: f"{kind} likelihood",
    "kl_warmup": lambda epochs: f"KL warm-up of {epochs:g} epoch{'s' * (epochs != 1)}",
    "free_bits": lambda nats: f"free bits {nats:g}",
    "precision": str,
    "beta": lambda beta: f"beta {beta:g}",
    "seed": lambda seed: f"seed {seed}",
}


def _check_title(title: str) -> str:
    if not title.isprintable() or title != title.strip():
        raise ValueError("it has characters that cannot be printed, or begins or ends with a space")
    return title


class Title(Record):
    """The title that a person gave a run, in its title.json."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE), AfterValidator(_check_title)]


def title_path(run: Run) -> Path:
    """The file of the title that was given to `run`."""
    return run.path / "title.json"


def given_title(run: Run) -> str | None:
    """The title that a person gave `run`, None if nobody did. Raises VaeError if its file is damaged."""
    try:
        return Title.read(read_limited(title_path(run), MAX_JSON)).title
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise VaeError(f"{run.name}/title.json is damaged. Delete that file. ({error})") from error


def give_title(run: Run, title: str) -> None:
    """Gives `run` a title; an empty one takes away the one that was given.

    Raises VaeError if it is too long or cannot be printed, or if the run is gone, and OSError.
    """
    title = " ".join(title.split())
    if not (run.path / "config.json").exists():
        raise VaeError(f"{run.name} is gone: it was deleted.")
    if not title:
        retry_in_use(lambda: title_path(run).unlink(missing_ok=True))
        return
    try:
        given = Title(title=title)
    except ValidationError as error:
        raise VaeError(f"A title has at most {MAX_TITLE} characters, all of which can be printed.") from error
    write_atomic(title_path(run), given.model_dump_json().encode())


def differences(values: Mapping[str, Any]) -> list[str]:
    """Fields of a config that differ from a preset's, in words: "beta 4", "60 epochs"."""
    return [_WORDS[name](value) for name, value in values.items()]


def settings_title(config: TrainConfig, *, steered: bool) -> str:
    """How a run of `config` differs from its preset: "quick, beta 4", "blog, 60 epochs, steered".

    Args:
        steered: whether its rates were changed while it trained.
    """
    preset, values = config.nearest_preset
    words = differences(values)
    if (more := len(words) - MAX_DIFFERENCES) > 1:
        words[MAX_DIFFERENCES:] = [f"{more} more"]
    return ", ".join([preset, *words, *["steered"] * steered])


def title_of(run: Run) -> str:
    """The title of `run`: the given one, or how it differs from its preset; of a damaged run its name."""
    with suppress(VaeError):
        automatic = settings_title(run.config, steered=run.is_steered())
        return given_title(run) or automatic
    return run.name


def titles_of(runs: Iterable[Run]) -> dict[str, str]:
    """The titles of several runs, by their names; equal ones are told apart: "quick", "quick, run 2".

    The first in `_precedence` keeps the bare title.
    """
    titles: dict[str, str] = {}
    for run in sorted(runs, key=_precedence):
        title, number = title_of(run), 1
        distinct = title
        while distinct in titles.values():
            number += 1
            distinct = f"{title}, run {number}"
        titles[run.name] = distinct
    return titles


def _precedence(run: Run) -> tuple[int, int, int, str]:
    """The key by which equal titles are numbered: automatic before given ones, older before newer ones.

    So the title in a stranger's run displaces none. Names that `new_run` made have numbers in the order of
    age, whatever the times of a copy's files.
    """
    try:
        given = title_path(run).lstat().st_mtime_ns
    except OSError:
        given = 0  # automatic
    own = False
    with suppress(VaeError):
        own = re.fullmatch(rf"{re.escape(run.config.run_name)}(-[0-9]+)?", run.name) is not None
    return given, 0 if own else run.created_at, len(run.name), run.name
