"""How well the latent means of images separate their classes: nearest neighbours, active units.

Shapes: N images, Z latent size, K neighbours, C classes.
"""

from collections.abc import Sequence

import numpy as np

from vae.inference.forward import BATCH
from vae.inference.scored_set import Floats, Indices

NEIGHBOURS = (1, 5, 20)
# Burda et al. 2015: a unit is active if the variance of its mean over the data exceeds this.
ACTIVE_VARIANCE = 0.01


def active_units(means: Floats) -> int:
    """The number of latent dimensions whose means vary with the image: (N, Z), N above 1 -> 0 to Z."""
    return int((means.var(axis=0, ddof=1, dtype=np.float64) > ACTIVE_VARIANCE).sum())


def neighbours_agreement(
    means: Floats, labels: Indices, counts: Sequence[int] = NEIGHBOURS
) -> tuple[float, ...]:
    """Accuracy of a k-nearest-neighbour classifier of the latent means, for each k of `counts`.

    The neighbours are the nearest other images of the same set; a tie goes to the nearer ones.
    (N, Z), (N,) -> 0 to 1 each. N must be above each count.
    """
    most = max(counts)
    # A nearer neighbour's vote weighs a little more: enough to break ties, too little for anything else.
    weights = 1 - 1e-3 * np.arange(most)
    wide = means.astype(np.float64)  # the expansion below cancels most digits of points far from 0
    squares = np.einsum("nz,nz->n", wide, wide)
    correct = dict.fromkeys(counts, 0)
    for start in range(0, len(means), BATCH):
        rows = np.arange(start, min(start + BATCH, len(means)))
        distances = squares - 2 * (wide[rows] @ wide.T)  # |a - b|² but for |a|², the same for a whole row
        distances[rows - start, rows] = np.inf
        nearest = np.argpartition(distances, most - 1, axis=1)[:, :most]
        order = np.argsort(np.take_along_axis(distances, nearest, axis=1), axis=1, kind="stable")
        found = labels[np.take_along_axis(nearest, order, axis=1)]  # (B, K) classes
        votes = ((found[:, :, None] == np.unique(labels)) * weights[:, None]).cumsum(axis=1)  # (B, K, C)
        for count in counts:
            chosen = np.unique(labels)[votes[:, count - 1].argmax(axis=1)]
            correct[count] += int((chosen == labels[rows]).sum())
    return tuple(correct[count] / len(means) for count in counts)


def neighbourhood(means: Floats, labels: Indices) -> dict[str, float]:
    """Active units of means (N, Z), and accuracies by nearest neighbours of labels (N,), named as in
    `vae.runs.evaluation_record.Evaluation`.

    Without those that mean nothing: active units of one image, accuracies if all labels are equal, or N is
    not above each of NEIGHBOURS.
    """
    if len(means) == 1:
        return {}
    if len(means) <= max(NEIGHBOURS) or (labels == labels[0]).all():
        return {"active_units": active_units(means)}
    shares = neighbours_agreement(means, labels)
    knn = {f"knn_{count}": share for count, share in zip(NEIGHBOURS, shares, strict=True)}
    return {"active_units": active_units(means), **knn}
