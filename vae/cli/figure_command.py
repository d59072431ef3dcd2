"""`python -m vae export RUN figure`: a figure of a run for print."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from vae import VaeError
from vae.datasets.registry import classes_of, load_for
from vae.export.figures import (
    Format,
    Style,
    curves_figure,
    figure_file,
    manifold_figure,
    map_figure,
    path_figure,
    reconstructions_figure,
)
from vae.inference.paths import path_places
from vae.inference.planes import summarize_dimensions
from vae.inference.scored_set import ScoredSet
from vae.inference.scoring import diverged, scored_set, valid_scores
from vae.runs.history import read_losses
from vae.runs.run import Run
from vae.storage.atomic import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Subject = Literal["map", "manifold", "curves", "path", "reconstructions"]
SIDE, STEPS = 15, 11  # images of a manifold's side, and of a path
MOST_SIDE, MOST_STEPS, MOST_IMAGES = 40, 40, 40


def write_figure(
    run: Run,
    subject: Subject,
    target: Path,
    style: Style,
    *,
    count: int | None = None,
    ends: tuple[Sequence[float], Sequence[float]] | None = None,
    images: Sequence[int] = (),
) -> None:
    """Writes a figure of a run to `target`, whose ending says its format.

    Args:
        count: images of a manifold's side, or of a path; None for the usual number.
        ends: the latent points from which and to which a path leads; None for the means of the first two
            examples.
        images: indices of the test images that are reconstructed; without any, the examples.

    Raises VaeError if something of it is not possible, OSError if the file cannot be written.
    """
    kind = next((each for each in get_args(Format) if target.suffix.lower() == f".{each}"), None)
    if kind is None:
        raise VaeError(f"{target.name} names no format of a figure: end it in .pdf, .svg or .png.")
    write_atomic(target, figure_file(_drawing(run, subject, style, count, ends, images), kind, style))


def _drawing(
    run: Run,
    subject: Subject,
    style: Style,
    count: int | None,
    ends: tuple[Sequence[float], Sequence[float]] | None,
    images: Sequence[int],
) -> Callable[[], "Figure"]:
    """What draws the figure; reads what it needs at once."""
    if subject == "curves":
        losses = read_losses(run)
        if not len(losses.train):
            raise VaeError(f"{run.name} has no losses yet.")
        return lambda: curves_figure(losses, style)
    model, test = run.saved_model().model, _scored(run)
    directions = summarize_dimensions(test).largest
    plane = directions.through(test.means.mean(axis=0))
    if subject == "map":
        xy = directions.map_coordinates(test.means, test.logvars)
        return lambda: map_figure(test, xy, classes_of(run.config), plane, style)
    if subject == "manifold":
        side = _bounded("images a side", SIDE if count is None else count, 2, MOST_SIDE)
        return lambda: manifold_figure(model, plane, side, style)
    if subject == "path":
        steps = _bounded("images", STEPS if count is None else count, 2, MOST_STEPS)
        if ends is None and len(test) == 1:
            raise VaeError(f"{run.name} has one test image: a path needs two ends. Draw one on the map.")
        start, end = ends or test.means[test.examples[:2]]
        if any(len(each) != len(plane.base) or not np.isfinite(each).all() for each in (start, end)):
            raise VaeError(f"{run.name} decodes points of {len(plane.base)} finite numbers; a path has two.")
        pair = np.array([start, end], np.float32)
        pictures = model.decode(path_places(pair[0], pair[1], "straight", steps))
        return lambda: path_figure(pictures, style)
    chosen = list(images) or test.examples.tolist()
    _bounded("images", len(chosen), 1, MOST_IMAGES)
    if wrong := [index for index in chosen if not 0 <= index < len(test)]:
        raise VaeError(f"There is no test image {wrong[0]}: they have the numbers 0 to {len(test) - 1:,}.")
    classes = classes_of(run.config)
    names = [f"{classes[test.labels[i]]} · #{i}" if len(classes) > 1 else f"#{i}" for i in chosen]
    drawn = model.decode(test.means[chosen])
    return lambda: reconstructions_figure(test.images[chosen], drawn, names, style)


def _bounded(what: str, count: int, low: int, high: int) -> int:
    if not low <= count <= high:
        raise VaeError(f"{count} {what} are not possible: {low} to {high}.")
    return count


def _scored(run: Run) -> ScoredSet:
    """The test set with the run's newest weights."""
    saved = run.saved_model()
    images, labels = load_for(run.config, train=False)
    scores = valid_scores(saved.model, images, saved.scores)
    if not scores.finite:
        raise diverged(run.name, "test")
    return scored_set(images, labels, scores)
