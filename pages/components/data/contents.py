"""What the pictures of a data set look like: counts, means and examples of each class; cached for all tabs.

Shapes: K classes, E examples of a class, F factors, S pixels of a side.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import streamlit as st

from vae.datasets.facts import Facts
from vae.datasets.folder import SPLITS, read_array, read_record
from vae.datasets.images import MAX_LEVEL, ImageArray, to_levels
from vae.datasets.registry import UNLABELLED, load

EXAMPLES = 11  # of a class
UNSORTED = 60  # examples where there are no classes
MEAN_BYTES = 40_000_000  # of pictures that are averaged, at most; they may have to be read from a disk


class Contents(NamedTuple):
    """What the pictures of a data set look like.

    Attributes:
        classes: K names; a single one without labels.
        counts: (2, K), pictures of each class for training and for testing.
        mean: of the training pictures, (S, S) or (S, S, 3).
        class_means: the same of each class, (K, S, S[, 3]); black for a class without any.
        averaged: how many training pictures these are the means of.
        examples: of each class the indices of at most E training pictures.
        factors: of each factor its name, and the least and largest value in the training set.
    """

    classes: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    mean: ImageArray
    class_means: ImageArray
    averaged: int
    examples: list[npt.NDArray[np.int64]]
    factors: list[tuple[str, float, float]]


def contents_of(facts: Facts) -> Contents:
    """The contents of a data set that is here. Raises VaeError if a file is damaged."""
    return _contents(facts.name, facts.contents, facts.folder, facts.classes or UNLABELLED, facts.factors)


@st.cache_resource(max_entries=32, show_spinner="Looking at the pictures …")
def _contents(
    name: str,
    contents: str,  # noqa: ARG001 (part of the key)
    folder: Path,
    classes: tuple[str, ...],
    factors: tuple[str, ...],
) -> Contents:
    train, test = (load(name, train=split == "train") for split in SPLITS)
    counts = np.stack([np.bincount(part.labels, minlength=len(classes)) for part in (train, test)])
    # The first of each class: a data set is in random order.
    by_class = np.split(np.argsort(train.labels, kind="stable"), np.cumsum(counts[0])[:-1])
    most = max(1, MEAN_BYTES // (train.images[0].nbytes * len(classes)))
    means = np.zeros((len(classes), *train.images.shape[1:]))
    averaged = 0
    for label, indices in enumerate(by_class):
        if len(indices):
            means[label] = train.images[indices[:most]].mean(axis=0) / MAX_LEVEL
            averaged += min(most, len(indices))
    shown = UNSORTED if len(classes) == 1 else EXAMPLES
    return Contents(
        classes,
        counts,
        to_levels(np.average(means, axis=0, weights=counts[0])),
        to_levels(means),
        averaged,
        [indices[:shown] for indices in by_class],
        _factors(folder, factors),
    )


def _factors(folder: Path, factors: tuple[str, ...]) -> list[tuple[str, float, float]]:
    if not factors:
        return []
    values = read_array(folder, read_record(folder), "train", "factors")
    return list(zip(factors, values.min(axis=0).tolist(), values.max(axis=0).tolist(), strict=True))


def pictures(dataset: str, indices: npt.NDArray[np.int64]) -> ImageArray:
    """Training pictures, (len(indices), S, S) or (len(indices), S, S, 3). Raises as `contents_of`."""
    return load(dataset, train=True).images[indices]
