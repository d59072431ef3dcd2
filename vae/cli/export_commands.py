"""The command `python -m vae export`: what was trained, as files for other programs and other people."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import CycloptsError, Parameter

from vae import VaeError
from vae.cli.figure_command import Subject, write_figure
from vae.cli.output import shell_command
from vae.cli.terminal import progress_of
from vae.export.figures import Style
from vae.runs.run import Run
from vae.storage.atomic import move_atomic, temporary_path, write_together
from vae.storage.folders import absolute_path
from vae.training.processes import run_process

Kind = Literal["page", "figure", "onnx", "torch", "latents", "tensorboard"]
_PERCENT = re.compile(r"made ([0-9]{1,3}) %")
KindOfFile = Annotated[
    Kind,
    Parameter(
        help="page: one HTML file that explores the model without a network; figure: a PDF, SVG or PNG for "
        "print; onnx: encoder and decoder, two files; torch: a state dict as safetensors; latents: "
        "posteriors, losses and classes of the images as a table; tensorboard: losses, reconstructions and "
        "the map, for TensorBoard."
    ),
]


_OF_FIGURES = ("of", "width", "height", "font", "dpi", "raster", "count", "start", "end", "images")
_OWNERS: dict[str, Kind] = {"training": "latents", **dict.fromkeys(_OF_FIGURES, "figure")}


@Parameter(name="*")
@dataclass(frozen=True)
class KindOptions:
    """Options that only one kind of file has; each is refused with the others.

    Attributes:
        beside: page: a second run, whose map stands beside the first one's, under one pointer.
        title: page: its heading; default the titles of the runs.
        text: page: plain text above the map; an empty line begins another paragraph.
        with_pictures: page: put the real test images into the file, too.
        moments: page: how many moments of the training it has, 1 to 40; default as many as 9 MB have room
            for, at most 12.
        of: figure: what it shows.
        width: figure: in centimetres, 3 to 100.
        height: figure: in centimetres; default what it needs.
        font: figure: the size of its text in points, 4 to 40.
        dpi: figure: dots per inch of a PNG, and of pixels embedded in others, 50 to 1200.
        raster: figure: embed the points of a map as pixels, for smaller files.
        count: figure: images of a manifold's side (default 15), or of a path (11).
        start: figure: the point z from which a path leads; default the mean of the first example.
        end: figure: the point z to which it leads.
        images: figure: the indices of the test images that are reconstructed; default the ten examples.
        training: latents: the training set, too, which `score` has scored.
    """

    beside: str | None = None
    title: str | None = None
    text: str | None = None
    with_pictures: bool = False
    moments: int | None = None
    of: Subject = "map"
    width: float = 12
    height: float | None = None
    font: float = 9
    dpi: int = 300
    raster: bool = False
    count: int | None = None
    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    images: tuple[int, ...] = ()
    training: bool = False

    def check(self, kind: Kind) -> None:
        """Raises CycloptsError if an option is given that `kind` does not have."""
        for field in fields(self):
            owner = _OWNERS.get(field.name, "page")
            if getattr(self, field.name) != field.default and kind != owner:
                flag = field.name.replace("_", "-")
                raise CycloptsError(msg=f"--{flag} is an option of `export RUN {owner}`, not of {kind}.")


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
    for each in (run, beside):
        if each is not None and not (kind == "figure" and options.of == "curves"):
            each.saved_model()  # raises VaeError here, before anything is begun
    try:
        if kind == "page":
            _export_page(
                [run, *filter(None, [beside])], _free(out or Path(f"{run.name}.html"), force=force), options
            )
        elif kind == "figure":
            _export_figure(run, _free(out or Path(f"{run.name}-{options.of}.pdf"), force=force), options)
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
            path: lambda: latents.table(latents.latents(run, saved, training=options.training), suffix, facts)
        }
    files = {_free(path, force=force): make for path, make in makers.items()}
    write_together({target: make() for target, make in files.items()})
    for target in files:
        print(f"{target}: {_size(target)}.")


def _export_tensorboard(run: Run, folder: Path, *, force: bool) -> None:
    """Writes the event files of a run into a folder of its name in `folder`, whole or not at all."""
    from vae.export import tensorboard

    target = folder / run.name
    if target.exists() and not (force and target.is_dir() and tensorboard.is_written_here(target)):
        if force:
            raise VaeError(f"{target} holds other files than TensorBoard's. Choose another folder by --out.")
        raise VaeError(f"{target} exists. Add --force to replace it, or choose another folder by --out.")
    folder.mkdir(parents=True, exist_ok=True)
    made, replaced = temporary_path(target), temporary_path(target)
    made.mkdir()
    try:
        with progress_of("made") as show_share:
            tensorboard.write_run(made, run, run.saved_model(), show_share)
        if target.exists():
            target.rename(replaced)
        move_atomic(made, target)
    finally:
        for leftover in (made, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
    print(f"{target}: see it by {shell_command('tensorboard', '--logdir', str(folder))}")


def _export_figure(run: Run, target: Path, options: KindOptions) -> None:
    style = Style(options.width, options.height, options.font, options.dpi, options.raster)
    if bool(options.start) != bool(options.end):
        raise VaeError("A path has two ends: give both --start and --end.")
    ends = (options.start, options.end) if options.start else None
    write_figure(run, options.of, target, style, count=options.count, ends=ends, images=options.images)
    print(f"{target}: {_size(target)}.")


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _export_page(runs: list[Run], target: Path, options: KindOptions) -> None:
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
    with progress_of("made") as show_share:

        def hear(line: str) -> None:
            if found := _PERCENT.fullmatch(line):
                show_share(int(found[1]) / 100)
            else:
                errors.append(line)

        status = run_process(json.dumps(request), hear=hear, module="pages.components.explore.page_command")
    if status:
        raise VaeError(
            errors[-1] if errors else f"{target} could not be made: the process ended with status {status}."
        )
    print(f"{target}: {_size(target)}. Open it in a browser: {shell_command(str(target))}")
