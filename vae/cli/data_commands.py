"""The commands `python -m vae data …`: add data sets of one's own, list, show and delete data sets."""

import json
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from vae import VaeError
from vae.cli.output import table_console
from vae.cli.terminal import confirmed, plain_table, progress_of
from vae.config import MAX_DATASET_NAME
from vae.datasets.array_pictures import Layout
from vae.datasets.facts import Facts, facts_of, folder_of
from vae.datasets.fitting import Fit, Form
from vae.datasets.folder import size_on_disk
from vae.datasets.importing import TEST_SHARE, Sample, check_name, import_pictures, open_source
from vae.datasets.registry import dataset_names, delete_dataset, is_present
from vae.runs.catalogue import default_runs_dir, runs_on
from vae.storage.folders import data_dir

data = App(name="data", help="Data sets: add pictures of your own, list, show and delete them.")

DatasetName = Annotated[str, Parameter(help="The name of a data set.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON instead of a table.")]


@data.command
def add(
    name: Annotated[
        str, Parameter(help=f"Its name: small letters, digits and hyphens, at most {MAX_DATASET_NAME}.")
    ],
    source: Annotated[
        Path,
        Parameter(
            help="A folder or zip of pictures, whose folders are classes; npz, npy, idx files, or CSV."
        ),
    ],
    /,
    *,
    side: int | None = None,
    colour: Annotated[bool | None, Parameter(negative="--grey")] = None,
    fit: Fit = "crop",
    invert: bool = False,
    test_share: float = TEST_SHARE,
    layout: Layout | None = None,
) -> None:
    """Make a data set of pictures of your own.

    Parameters
    ----------
    side
        Pixels of a side, 8 to 64; default 32, or the pictures' own if all are squares of one such size.
    colour
        Colour or grey; default colour if a tenth of the pictures have some.
    fit
        What is taken of a picture that is no square: crop, the largest centred square; pad, all of it, with
        the colour of its border beside it; stretch, all of it.
    invert
        Exchange black and white.
    test_share
        The share that is for testing, if the source has no test set of its own.
    layout
        What the axes of an array mean, where its shape does not tell: N pictures, H, W pixels, C colours.
    """
    check_name(name)  # before a long look at the source
    if side is not None:
        Form(side)
    with open_source(source, layout) as opened:
        sample = Sample(opened)
        form = replace(sample.proposed, fit=fit, invert=invert)
        form = replace(form, side=side or form.side)
        if colour is not None:
            form = replace(form, channels=3 if colour else 1)
        kinds = f" of {len(opened.classes)} classes" if opened.classes else ", without labels"
        print(f"{opened.path.name}, {opened.kind}: {len(opened):,} pictures{kinds}.")
        for note in (*opened.notes, *sample.notes(form), f"Of each picture {form}."):
            print(note)
        sys.stdout.flush()
        try:
            with (
                closing(import_pictures(opened, form, name, test_share)) as steps,
                progress_of("imported") as show_share,
            ):
                for step in steps:
                    show_share(step.done / step.total)
        except KeyboardInterrupt:
            print(f"Nothing was added as {name}.", file=sys.stderr, flush=True)
            raise
    for sentence in step.left_out.sentences():
        print(sentence)
    assert step.record is not None
    counts = step.record.counts
    print(f"{name} is in {data_dir()}: {counts['train']:,} training and {counts['test']:,} test pictures.")
    print(f"Train on it with `python -m vae train --dataset {name}`.")


@data.command(name="list")
def list_all(*, as_json: AsJson = False) -> None:
    """List the data sets: form, pictures, size on disk."""
    if as_json:
        print(json.dumps([_fields(name) for name in dataset_names()], indent=2))
        return
    table = plain_table("data set", "pictures", "classes", "training", "test", "on disk")
    table.columns[0].no_wrap = True
    for name in dataset_names():
        table.add_row(name, *_cells(name))
    table_console().print(table)


@data.command
def show(name: DatasetName, /, *, as_json: AsJson = False) -> None:
    """Show what is known of a data set, and which runs use it."""
    facts = facts_of(name)
    runs = [run.name for run in runs_on(name, default_runs_dir())]
    if as_json:
        print(json.dumps(_fields(name) | {"runs": runs}, indent=2))
        return
    table = plain_table("", "")
    for title, value in (
        ("data set", name),
        ("pictures", facts.form),
        ("training", f"{facts.counts['train']:,}"),
        ("test", f"{facts.counts['test']:,}"),
        ("classes", ", ".join(facts.classes) or "none"),
        ("prepared", facts.preparation),
        ("source", facts.source),
        ("licence", facts.licence or "not stated"),
        ("folder", str(facts.folder)),
        ("on disk", _on_disk(facts)),
        ("runs", ", ".join(runs) or "none"),
    ):
        if value:
            table.add_row(title, value)
    table.show_header = False
    table_console().print(table)


@data.command
def delete(name: DatasetName, /, *, yes: bool = False) -> None:
    """Delete a data set permanently, after confirmation.

    Parameters
    ----------
    yes
        Delete without confirmation.
    """
    if name == "mnist" or not is_present(name):
        delete_dataset(name)  # raises VaeError, which says why not
    used = [run.name for run in runs_on(name, default_runs_dir())]
    if used:
        more = f" and {len(used) - 3} more" if len(used) > 3 else ""
        print(f"Runs that use {name}: {', '.join(used[:3])}{more}. Without it they show no pictures of it.")
    if confirmed(f"Delete {name} ({size_on_disk(folder_of(name)) / 1e6:.1f} MB) for good?", yes):
        delete_dataset(name)
        print(f"Deleted {name}.")
    else:
        print("Nothing was deleted.")


def _fields(name: str) -> dict[str, Any]:
    """What is known of a data set, for JSON; of a damaged one its name, and what is wrong."""
    folder = folder_of(name)
    fields = {"name": name, "present": is_present(name), "folder": str(folder), "bytes": size_on_disk(folder)}
    try:
        facts = facts_of(name)
    except VaeError as error:
        return fields | {"error": str(error)}
    known = ("channels", "side", "classes", "source", "licence", "preparation")
    counts = {"training": facts.counts["train"], "test": facts.counts["test"]}
    return fields | counts | {field: getattr(facts, field) for field in known}


def _cells(name: str) -> list[str]:
    """The row of a data set in the list, without its name."""
    try:
        facts = facts_of(name)
    except VaeError as error:
        return ["damaged", str(error)]
    counts = (f"{count:,}" for count in facts.counts.values())
    return [facts.form, str(len(facts.classes) or ""), *counts, _on_disk(facts)]


def _on_disk(facts: Facts) -> str:
    return f"{facts.size / 1e6:.1f} MB" if facts.present else "not here yet"
