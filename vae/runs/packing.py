"""Packing a finished run: fewer bytes for its weights and moments, so that it can come with a project.

Shapes: M moments, C classes, P pixels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.datasets.registry import load_for
from vae.inference.forward import Model
from vae.inference.scoring import Scores, diverged, score_images
from vae.runs.checkpoints import SavedModel, Snapshot, halved, load_snapshot, save_model, save_snapshot
from vae.runs.evaluation_record import evaluation_path
from vae.runs.records import Metrics
from vae.runs.run import Run
from vae.storage.systems import retry_in_use

MOMENTS = 24  # that a packed run keeps if nothing else is asked for


def pack_run(run: Run, moments: int = MOMENTS) -> None:
    """Makes a finished run small, in place; it can be explored, evaluated and trained longer as before.

    The weights are rounded to float16 and the test set is scored with them anew. Of its moments `moments` are
    kept, the final weights among them, in int8. What a finished run can do without is removed, and so is its
    evaluation, which was that of the other weights.

    Raises VaeError if the run is not finished or is damaged, if fewer than one moment is wanted, and OSError.
    """
    if moments < 1:
        raise VaeError(f"{moments} moments cannot be kept: the final weights are one.")
    with run.lock():
        if run.status().state != "finished":
            raise VaeError(f"{run.name} is not finished. Resume it first; then it can be packed.")
        saved = run.saved_model()
        snapshots = {path: load_snapshot(path, run.config) for path in run.snapshots()}
        _pack_weights(run, saved)
        _pack_moments(snapshots, saved.step, moments - 1)
        for path in (
            evaluation_path(run),
            run.resume_path,
            run.training_scores_path,
            run.path / "log.txt",
        ):
            _remove(path)


def _pack_weights(run: Run, saved: SavedModel) -> None:
    """Writes the weights in float16 with the scores that they have then, and the last line of metrics.

    All is read before anything is written, the config first.
    """
    rounded = {name: halved(values).astype(np.float32) for name, values in saved.model.weights.items()}
    model = Model(run.config, rounded)
    scores = score_images(model, load_for(run.config, train=False).images)
    if not scores.finite:
        raise diverged(run.name, "test")
    lines, _ = run.metric_lines()
    run.write_config(run.config)  # of the newest format, which older versions do not read
    save_model(run.model_path, saved._replace(model=model, scores=scores), packed=True)
    run.write_metrics(_with_test_line(lines, saved.step, scores, run.config.batch_size))


def _with_test_line(lines: Sequence[Metrics], step: int, scores: Scores, size: int) -> list[Metrics]:
    """The metrics with those of the test set at `step` as of these scores, in batches of `size`."""
    terms = np.column_stack((scores.reconstruction, scores.kl)).astype(np.float64)
    reconstruction, kl = terms.mean(axis=0).tolist()
    batches = np.stack([terms[start : start + size].mean(axis=0) for start in range(0, len(terms), size)])
    deviations = np.column_stack((batches, batches.sum(axis=1))).std(axis=0).tolist()
    figures = dict(
        zip(("reconstruction_std", "kl_std", "elbo_std"), deviations, strict=True),
        reconstruction=reconstruction,
        kl=kl,
        elbo=-(reconstruction + kl),
    )
    return [
        line.model_copy(update=figures) if line.split == "test" and line.step == step else line
        for line in lines
    ]


def _pack_moments(snapshots: Mapping[Path, Snapshot], last: int, count: int) -> None:
    """Rewrites `count` of the snapshots before the step `last` in int8, and removes all others."""
    drawn = np.array([each.reconstructions for each in snapshots.values()], np.float32)
    earlier = [index for index, path in enumerate(snapshots) if int(path.stem) < last]
    kept = evenly_changing(drawn, earlier, count)
    for index, (path, snapshot) in enumerate(snapshots.items()):
        if index in kept:
            save_snapshot(path, snapshot, packed=True)
        else:
            _remove(path)


def evenly_changing(drawn: npt.NDArray[np.float32], choices: Sequence[int], count: int) -> list[int]:
    """The indices of `count` moments, rising, between which the images change about equally; of all if fewer.

    The first of all is among them; after the last of them the images go on changing as much.

    Args:
        drawn: what each moment makes of the same images: (M, C, P) in [0, 1].
        choices: the indices of the moments that may be chosen.
    """
    count = min(count, len(choices))
    if not count:
        return []
    steps = np.abs(np.diff(drawn, axis=0)).mean(axis=(1, 2))
    way = np.concatenate(([0], np.cumsum(steps)))
    left, chosen = list(choices), []
    # One more interval leads to the end, where the final weights are.
    for goal in np.linspace(0, way[-1], count + 1)[:-1]:
        nearest = min(left, key=lambda index: abs(way[index] - goal))
        left.remove(nearest)
        chosen.append(nearest)
    return sorted(chosen)


def _remove(path: Path) -> None:
    retry_in_use(lambda: path.unlink(missing_ok=True))
