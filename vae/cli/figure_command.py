"""`python -m vae export RUN figure`: a figure of a run for print."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from cyclopts import Group, Parameter

from vae import VaeError
from vae.cli.terminal import training_scores
from vae.datasets.registry import classes_of, load_for
from vae.export.figures import (
    Format,
    Style,
    Subject,
    curves_figure,
    figure_file,
    manifold_figure,
    path_figure,
    reconstructions_figure,
)
from vae.export.map_figure import LatentMap, Layer, Window, map_figure
from vae.inference.colourings import Colouring
from vae.inference.paths import COUNT, PathKind, path_places
from vae.inference.planes import (
    FURTHEST,
    DimensionSummary,
    Directions,
    Plane,
    axis_directions,
    summarize_dimensions,
)
from vae.inference.scored_set import Floats
from vae.inference.scoring import diverged, scored_set, valid_scores
from vae.runs.history import read_losses
from vae.runs.run import Run
from vae.storage.atomic import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE, STEPS = 15, 11  # images of a manifold's side, and of a path
MOST_SIDE, MOST_STEPS, MOST_IMAGES = 40, 40, 40


FIGURE = Group("Figure", sort_key=2)
# The subjects that an option is for; those that are not here are for all.
SUBJECTS_WITH: dict[str, tuple[Subject, ...]] = {
    **dict.fromkeys(("axes", "principal", "through"), ("map", "manifold")),
    **dict.fromkeys(("colour", "layers", "hide", "pins", "window", "raster"), ("map",)),
    **dict.fromkeys(("start", "end", "way"), ("map", "path")),
    "count": ("manifold", "path"),
    "images": ("reconstructions",),
    "training": ("map", "path", "reconstructions"),
}


@Parameter(name="*", group=FIGURE)
@dataclass(frozen=True)
class FigureOptions:
    """What a figure shows, and how.

    Attributes:
        of: What it shows.
        width: In centimetres, 3 to 100.
        height: In centimetres; default what it needs.
        font: The size of its text in points, 4 to 40.
        dpi: Dots per inch of a PNG, and of pixels embedded in others, 50 to 1200.
        raster: Embed the points of a map as pixels, for smaller files.
        count: Images of a manifold's side (default 15), or of a path (11).
        start: The point z from which a path leads, which a map shows, too; default the mean of the first
            example, and on a map no path.
        end: The point z to which it leads.
        way: How the path leads there.
        images: The indices of the images that are reconstructed; default the ten examples.
        axes: The two dimensions, 1 for the first, of a map or manifold; default those of the largest KL.
        principal: The first two principal components instead.
        through: The point z through which the plane goes; default the mean of the test images.
        colour: By what the points of a map are coloured.
        layers: What a map has; ellipses are those of pinned images.
        pins: Points that are marked on a map, the coordinates of one after the other.
        window: The part of a map that is shown, from x to x and from y to y; default all.
        hide: The labels of classes that a map leaves out.
    """

    of: Subject = "map"
    width: float = 12
    height: float | None = None
    font: float = 9
    dpi: int = 300
    raster: bool = False
    count: int | None = None
    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    way: PathKind = "straight"
    images: tuple[int, ...] = ()
    axes: tuple[int, ...] = ()
    principal: bool = False
    through: tuple[float, ...] = ()
    colour: Colouring = "class"
    layers: tuple[Layer, ...] = ("points", "prior")
    pins: tuple[float, ...] = ()
    window: tuple[float, ...] = ()
    hide: tuple[int, ...] = ()


def write_figure(run: Run, target: Path, options: FigureOptions, *, training: bool = False) -> None:
    """Writes a figure of a run to `target`, whose ending says its format.

    Args:
        training: whether it is of the training set, which is then scored, unless it is already.

    Raises VaeError if something of it is not possible, OSError if the file cannot be written.
    """
    kind = next((each for each in get_args(Format) if target.suffix.lower() == f".{each}"), None)
    if kind is None:
        raise VaeError(f"{target.name} names no format of a figure: end it in .pdf, .svg or .png.")
    style = Style(options.width, options.height, options.font, options.dpi, options.raster)
    if options.of == "curves":
        losses = read_losses(run)
        if not len(losses.train):
            raise VaeError(f"{run.name} has no losses yet.")
        draw: Callable[[], Figure] = lambda: curves_figure(losses, style)  # noqa: E731
    else:
        draw = _OfModel(run, options, style, training).drawing()
    write_atomic(target, figure_file(draw, kind, style))


class _OfModel:
    """A figure of a run's newest weights, which are read once: a run that trains may save others meanwhile.

    Raises VaeError if there are none, or the images are missing.
    """

    def __init__(self, run: Run, options: FigureOptions, style: Style, training: bool) -> None:
        self._run, self._options, self._style = run, options, style
        saved = run.saved_model()
        self._model = saved.model
        self._latent_dim = run.config.latent_dim
        self._classes = classes_of(run.config)
        images, labels = load_for(run.config, train=False)
        scores = valid_scores(saved.model, images, saved.scores)
        if not scores.finite:
            raise diverged(run.name, "test")
        self._test = self._shown = scored_set(images, labels, scores)
        if training:
            (images, labels), scores = training_scores(run, saved)
            self._shown = scored_set(images, labels, scores)

    def drawing(self) -> Callable[[], "Figure"]:
        """What draws it. Raises VaeError if that is not possible."""
        make = {
            "map": self._of_map,
            "manifold": self._of_manifold,
            "path": self._of_path,
            "reconstructions": self._of_reconstructions,
        }
        return make[self._options.of]()

    @cached_property
    def _dimensions(self) -> DimensionSummary:
        return summarize_dimensions(self._test)

    @cached_property
    def _directions(self) -> Directions:
        axes, most = self._options.axes, self._latent_dim
        if self._options.principal:
            if self._dimensions.principal is None or axes:
                raise VaeError("Principal components need more than two dimensions, and no --axes.")
            return self._dimensions.principal
        if not axes:
            return self._dimensions.largest
        if len(set(axes)) != 2 or len(axes) != 2 or not all(1 <= each <= most for each in axes):
            raise VaeError(f"--axes are two of the dimensions of {self._run.name}: 1 to {most}.")
        return axis_directions(most, axes[0] - 1, axes[1] - 1)

    def _points(self, numbers: Sequence[float], name: str, count: int | None = None) -> Floats:
        """Latent points given by an option, (`count`, Z), or as many as there are. Raises VaeError."""
        wide = self._latent_dim
        if len(numbers) % wide or count not in (None, len(numbers) // wide) or not np.isfinite(numbers).all():
            each = " for each point" if count is None else ""
            needs = f"--{name} needs as many finite numbers{each}"
            raise VaeError(f"{needs} as {self._run.name} has latent dimensions: {wide}.")
        return np.array(numbers, np.float32).reshape(-1, wide)

    def _ends(self) -> tuple[Floats, Floats] | None:
        start, end = self._options.start, self._options.end
        if bool(start) != bool(end):
            raise VaeError("A path has two ends: give both --start and --end.")
        return (self._points(start, "start", 1)[0], self._points(end, "end", 1)[0]) if start else None

    def _plane(self) -> Plane:
        through = self._options.through
        return self._directions.through(
            self._points(through, "through", 1)[0] if through else self._dimensions.mean
        )

    def _of_map(self) -> Callable[[], "Figure"]:
        options, ends = self._options, self._ends()
        if wrong := [label for label in options.hide if not 0 <= label < len(self._classes)]:
            raise VaeError(f"There is no class {wrong[0]} to hide: 0 to {len(self._classes) - 1}.")
        content = LatentMap(
            shown=self._shown,
            model=self._model,
            classes=self._classes,
            directions=self._directions,
            plane=self._plane(),
            colouring=options.colour,
            layers=options.layers,
            hidden=options.hide,
            pins=self._points(options.pins, "pins"),
            path=path_places(*ends, options.way, COUNT) if ends else self._points((), "start"),
            asked_window=_window(options.window),
        )
        return lambda: map_figure(content, self._style)

    def _of_manifold(self) -> Callable[[], "Figure"]:
        side = _bounded("images a side", self._options.count, SIDE, 2, MOST_SIDE)
        return lambda: manifold_figure(self._model, self._plane(), side, self._style)

    def _of_path(self) -> Callable[[], "Figure"]:
        steps = _bounded("images", self._options.count, STEPS, 2, MOST_STEPS)
        ends = self._ends()
        if ends is None and len(self._shown) == 1:
            raise VaeError(f"{self._run.name} has one image: a path needs --start and --end.")
        start, end = ends or self._shown.means[self._shown.examples[:2]]
        pictures = self._model.decode(path_places(start, end, self._options.way, steps))
        return lambda: path_figure(pictures, self._style)

    def _of_reconstructions(self) -> Callable[[], "Figure"]:
        shown, classes = self._shown, self._classes
        chosen = list(self._options.images) or shown.examples.tolist()
        _bounded("images", len(chosen), 0, 1, MOST_IMAGES)
        if wrong := [index for index in chosen if not 0 <= index < len(shown)]:
            raise VaeError(f"There is no image {wrong[0]}: they have the numbers 0 to {len(shown) - 1:,}.")
        names = [f"{classes[shown.labels[i]]}\n#{i}" if len(classes) > 1 else f"#{i}" for i in chosen]
        drawn = self._model.decode(shown.means[chosen])
        return lambda: reconstructions_figure(shown.images[chosen], drawn, names, self._style)


def _bounded(what: str, asked: int | None, default: int, low: int, high: int) -> int:
    """A number of images as asked for, or the default. Raises VaeError if it is out of bounds."""
    count = default if asked is None else asked
    if not low <= count <= high:
        raise VaeError(f"{count} {what} are not possible: {low} to {high}.")
    return count


def _window(numbers: Sequence[float]) -> Window | None:
    if not numbers:
        return None
    if (
        len(numbers) != 4
        or not all(abs(number) <= FURTHEST for number in numbers)  # and so none is NaN
        or numbers[0] >= numbers[1]
        or numbers[2] >= numbers[3]
    ):
        raise VaeError(
            "--window is four numbers, from x to x and from y to y, the lower first: -1 1 -0.5 0.5. They are "
            f"from -{FURTHEST:,} to {FURTHEST:,}."
        )
    x0, x1, y0, y1 = numbers
    return (x0, x1), (y0, y1)
