"""The command `python -m vae export`: what was trained, as files for other programs and other people."""

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import CycloptsError, Group, Parameter

from vae import VaeError
from vae.cli.figure_command import FIGURE, SUBJECTS_WITH, FigureOptions, write_figure
from vae.cli.output import shell_command
from vae.cli.terminal import progress_of, training_scores
from vae.runs.records import LIVE
from vae.runs.run import Run
from vae.storage.atomic import move_atomic, temporary_path, write_together
from vae.storage.folders import absolute_path
from vae.training.processes import run_process

Kind = Literal["page", "figure", "onnx", "torch", "latents", "tensorboard"]
PAGE, LATENTS = Group("Page", sort_key=1), Group("Latents", sort_key=3)
_PERCENT, _NOTE = re.compile(r"made ([0-9]{1,3}) %"), "note: "  # lines of the process that makes a page
KindOfFile = Annotated[
    Kind,
    Parameter(
        help="page: one HTML file that explores the model without a network; figure: a PDF, SVG or PNG for "
        "print; onnx: encoder and decoder, two files; torch: a state dict as safetensors; latents: "
        "posteriors, losses and classes of the images as a table; tensorboard: losses, reconstructions and "
        "the map, for TensorBoard."
    ),
]


@Parameter(name="*", group=PAGE)
@dataclass(frozen=True)
class PageOptions:
    """What an HTML file shows.

    Attributes:
        beside: A second run, whose map stands beside the first one's, under one pointer.
        title: Its heading; default the titles of the runs.
        text: Plain text above the map; an empty line begins another paragraph.
        with_pictures: Put the real test images into the file, too.
        moments: How many moments of the training it has, 1 to 40; default as many as 9 MB have room for, at
            most 12.
    """

    beside: str | None = None
    title: str | None = None
    text: str | None = None
    with_pictures: bool = False
    moments: int | None = None


@Parameter(name="*")
@dataclass(frozen=True)
class KindOptions:
    """Options that only some kinds of files have; each is refused with the others.

    Attributes:
        training: The training set: with latents it is added, a figure then shows it. It is scored first,
            unless it is already.
    """

    page: PageOptions = PageOptions()
    figure: FigureOptions = FigureOptions()  # noqa: RUF009 (frozen)
    training: Annotated[bool, Parameter(group=(FIGURE, LATENTS))] = False

    def check(self, kind: Kind) -> None:
        """Raises CycloptsError if an option is given that `kind`, or the figure's subject, does not have."""
        training = ("training",) if self.training else ()
        groups: tuple[tuple[Sequence[str], tuple[Kind, ...]], ...] = (
            (_given(self.page), ("page",)),
            (_given(self.figure), ("figure",)),
            (training, ("latents", "figure")),
        )
        for names, kinds in groups:
            if names and kind not in kinds:
                raise _refusal(names[0], "export RUN ", kinds, kind)
        if kind == "figure":
            subject = self.figure.of
            for name in (*_given(self.figure), *training):
                if subject not in (subjects := SUBJECTS_WITH.get(name, (subject,))):
                    raise _refusal(name, "export RUN figure --of ", subjects, subject)


def _given(options: PageOptions | FigureOptions) -> list[str]:
    """The names of the options that are not at their defaults."""
    return [each.name for each in fields(options) if getattr(options, each.name) != each.default]


def _refusal(name: str, command: str, owners: Sequence[str], asked: str) -> CycloptsError:
    """Says of which commands an option is, as none of `asked`."""
    first, *others = owners
    listed = " and ".join([f"`{command}{first}`", *(f"`{each}`" for each in others)])
    return CycloptsError(msg=f"--{name.replace('_', '-')} is an option of {listed}, not of {asked}.")


def export_run(
    run: Run, kind: Kind, out: Path | None, options: KindOptions, beside: Run | None, *, force: bool
) -> None:
    """Writes a run, or with `beside` two of them, as files for others.

    Args:
        out: the file; of onnx the name to which `-encoder.onnx` and `-decoder.onnx` are added; of
            tensorboard the folder in which that of the run is made. None for the run's name in the current
            folder.
        force: whether what exists is replaced.

    Raises VaeError if something exists or cannot be made.
    """
    try:
        if kind == "page":
            runs, target = [run, *filter(None, [beside])], out or Path(f"{run.name}.html")
            for each in runs:
                each.saved_model()  # raises VaeError here, before a process is begun
            _export_page(runs, _free(target, force=force), options.page)
        elif kind == "figure":
            target = _free(out or Path(f"{run.name}-{options.figure.of}.pdf"), force=force)
            write_figure(run, target, options.figure, training=options.training)
            print(f"{target}: {_size(target)}.")
        elif kind == "tensorboard":
            _export_tensorboard(run, absolute_path(out or Path("tensorboard")), force=force)
        else:
            _export_files(run, kind, out, options, force=force)
    except OSError as error:
        raise VaeError(
            f"{run.name} could not be exported: {error.strerror}. Make room, or choose another --out."
        ) from error


def _free(path: Path, *, force: bool) -> Path:
    """The whole path of a file that can be written. Raises VaeError if it exists, or its folder does not."""
    target = absolute_path(path)
    if target.is_dir():
        raise VaeError(f"{target} is a folder. Name a file in it by --out.")
    if not target.parent.is_dir():
        raise VaeError(f"{target} cannot be written: there is no such folder.")
    if target.exists() and not force:
        raise VaeError(f"{target} exists. Add --force to replace it, or choose another name by --out.")
    return target


def _export_files(run: Run, kind: Kind, out: Path | None, options: KindOptions, *, force: bool) -> None:
    """Writes the files of a model or of its latents, all or none of them."""
    from vae.export import latents, onnx_models, weights
    from vae.export.facts import facts_of

    saved = run.saved_model()
    facts = facts_of(run, saved)
    makers: Mapping[Path, Callable[[], bytes]]
    if kind == "onnx":
        path = out or Path(run.name)
        stem = path.name.removesuffix(".onnx")
        makers = {
            path.with_name(f"{stem}-encoder.onnx"): lambda: onnx_models.encoder_onnx(saved.model, facts),
            path.with_name(f"{stem}-decoder.onnx"): lambda: onnx_models.decoder_onnx(saved.model, facts),
        }
    elif kind == "torch":
        makers = {
            out or Path(f"{run.name}.safetensors"): lambda: weights.state_dict(saved.model, facts),
        }
    else:
        path = out or Path(f"{run.name}-latents.parquet")
        suffix = path.suffix.lower()
        if suffix not in latents.SUFFIXES:
            raise VaeError(f"{path.name} names no kind of table: end --out with .parquet, .csv or .npz.")
        makers = {
            path: lambda: latents.table(
                latents.latents(run, saved, training_scores(run, saved) if options.training else None),
                suffix,
                facts,
            )
        }
    files = {_free(path, force=force): make for path, make in makers.items()}
    write_together({target: make() for target, make in files.items()})
    for target in files:
        print(f"{target}: {_size(target)}.")


def _export_tensorboard(run: Run, folder: Path, *, force: bool) -> None:
    """Writes the event files of a run into a folder of its name in `folder`, whole or not at all."""
    from vae.export import tensorboard

    target = folder / run.name
    is_there = target.exists()
    if is_there and not (force and target.is_dir() and tensorboard.is_written_here(target)):
        if force:
            raise VaeError(f"{target} holds other files than TensorBoard's. Choose another folder by --out.")
        raise VaeError(f"{target} exists. Add --force to replace it, or choose another folder by --out.")
    if is_there and run.status().state in LIVE:
        raise VaeError(f"{run.name} trains, and may write {target}. Wait, or choose another folder by --out.")
    saved, is_new = run.saved_model(), not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    made, replaced = temporary_path(target), temporary_path(target)
    try:
        made.mkdir()
        with progress_of("made") as show_share:
            tensorboard.write_run(made, run, saved, show_share)
        if is_there:
            target.rename(replaced)
        if not move_atomic(made, target):
            raise VaeError(f"{target} was made meanwhile, by a training perhaps. Choose another --out.")
    finally:
        if replaced.exists() and not target.exists():
            replaced.rename(target)
        for leftover in (made, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
        if is_new and not target.exists():
            with suppress(OSError):  # somebody else's files are in it
                folder.rmdir()
    print(f"{target}: see it by {shell_command('tensorboard', '--logdir', str(folder))}")


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _export_page(runs: list[Run], target: Path, options: PageOptions) -> None:
    """Writes an HTML file by a process that imports the pages. Raises VaeError if that fails."""
    content = {
        "title": options.title,
        "text": options.text,
        "pictures": options.with_pictures,
        "moments": options.moments,
    }
    request: dict[str, Any] = {"runs": [str(run.path.resolve()) for run in runs], "out": str(target)}
    request |= {name: value for name, value in content.items() if value is not None}
    errors: list[str] = []
    notes: list[str] = []
    with progress_of("made") as show_share:

        def hear(line: str) -> None:
            if found := _PERCENT.fullmatch(line):
                show_share(int(found[1]) / 100)
            elif line.startswith(_NOTE):
                notes.append(line.removeprefix(_NOTE))
            else:
                errors.append(line)

        status = run_process(json.dumps(request), hear=hear, module="pages.components.explore.page_command")
    if status:
        raise VaeError(
            errors[-1] if errors else f"{target} could not be made: the process ended with status {status}."
        )
    said = " ".join([f"{target}: {_size(target)}.", *notes])
    print(f"{said} Open it in a browser: {shell_command(str(target))}")
