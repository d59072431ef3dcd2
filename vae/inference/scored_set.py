"""A set of images with a model's posteriors and losses, as NumPy arrays.

Shapes: N images, E examples among them, S pixels of a side, Z latent size, C classes, M latent points.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from vae.datasets.images import ImageArray

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

EXAMPLES = 10
TERMS = ("reconstruction", "KL", "−ELBO")


@dataclass(frozen=True)
class ScoredSet:
    """Images, usually a test set, and what a model computes from them; losses in nats, z sampled once."""

    images: ImageArray  # (N, S, S), or (N, S, S, 3) in colour
    labels: Indices  # (N,), 0 to C - 1; -1 for an image without a class
    means: Floats  # (N, Z)
    logvars: Floats  # (N, Z)
    reconstruction: Floats  # (N,)
    kl: Floats  # (N,)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def examples(self) -> Indices:
        """`example_indices` of the set: (E,)."""
        return example_indices(self.labels)

    @property
    def deviations(self) -> Floats:
        """Standard deviations of the posteriors: (N, Z)."""
        return np.exp(self.logvars / 2)

    @cached_property
    def reach(self) -> tuple[Floats, Floats]:
        """The smallest and the largest mean of each dimension: (Z,), (Z,)."""
        return self.means.min(axis=0), self.means.max(axis=0)

    @property
    def kl_by_dimension(self) -> Floats:
        """The KL of each image and dimension, in nats: (N, Z)."""
        return kl_by_dimension(self.means, self.logvars)

    def __getitem__(self, indices: Sequence[int] | Indices) -> "ScoredSet":
        """The set of the images at `indices`."""
        return ScoredSet(*(getattr(self, field.name)[indices] for field in fields(self)))


def example_indices(labels: Indices) -> Indices:
    """The images that stand for a whole set, at most EXAMPLES, of as many classes as can be: (N,) -> (E,).

    The first image of each class, in the order of the classes. Of more classes than EXAMPLES some are left
    out, evenly; where there are fewer, the second image of each class follows, then the third.
    """
    classes = np.unique(labels)
    if len(classes) > EXAMPLES:
        classes = classes[np.linspace(0, len(classes) - 1, EXAMPLES).round().astype(int)]
    by_class = [np.flatnonzero(labels == each)[:EXAMPLES] for each in classes]
    turns = zip_longest(*(indices.tolist() for indices in by_class))
    found = [index for turn in turns for index in turn if index is not None]
    return np.array(found[:EXAMPLES], np.int64)


def kl_by_dimension(means: Floats, logvars: Floats) -> Floats:
    """The KL of posteriors to the prior N(0, I) by dimension, in nats: (N, Z), (N, Z) -> (N, Z).

    Kingma & Welling 2013, appendix B.
    """
    return 0.5 * (means**2 + np.exp(logvars) - 1 - logvars)


def mean_losses(test: ScoredSet, indices: Indices | Mask) -> dict[str, float]:
    """Mean losses of the images at `indices`, in nats, by their names in `TERMS`."""
    terms = (test.reconstruction, test.kl)
    means = [float(term[indices].mean(dtype=np.float64)) for term in terms]
    return dict(zip(TERMS, (*means, sum(means)), strict=True))


def surprise(test: ScoredSet) -> Floats:
    """Reconstruction loss of each image minus the mean of its class: (N,), nats."""
    totals = np.bincount(test.labels, weights=test.reconstruction)
    with np.errstate(invalid="ignore"):  # a class without images has no mean
        means = totals / np.bincount(test.labels)
    return (test.reconstruction - means[test.labels]).astype(np.float32)


def nearest_images(
    test: ScoredSet, place: Floats, count: int, exclude: int | None = None
) -> tuple[Indices, Floats]:
    """Indices of the images whose means are nearest to a latent point, and their distances, nearest first.

    Args:
        place: (Z,)
        count: how many images are returned, if there are as many.
        exclude: index of an image that is left out, such as the one at `place` itself.
    """
    distances = np.linalg.norm(test.means - place, axis=1)
    if exclude is not None:
        distances[exclude] = np.inf
    count = min(count, len(test) - (exclude is not None))
    if count < 1:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    # A partition first: sorting all of 10,000 distances takes four times as long.
    near = np.flatnonzero(distances <= np.partition(distances, count - 1)[count - 1])
    order = near[np.argsort(distances[near], kind="stable")][:count]
    return order, distances[order]


def nearest_image_per_place(test: ScoredSet, places: Floats) -> Indices:
    """The index of the image whose mean is nearest to each latent point: (M, Z) -> (M,)."""
    nearest = np.empty(len(places), np.int64)
    for i, place in enumerate(places):
        away = test.means - place
        nearest[i] = np.einsum("nz,nz->n", away, away).argmin()
    return nearest
