"""Which pictures of a test set are shown, and in which order. Nothing here knows Streamlit.

Shapes: N images, S pixels a side, Z latent size, C classes.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.datasets.pictures import Picture
from vae.storage.untrusted import shortened

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

TERMS = ("reconstruction", "KL", "−ELBO")
WORDS = 50  # of a search: each takes a millisecond


@dataclass(frozen=True)
class ScoredSet:
    """Pictures as a run's model sees them, the test set mostly; losses in nats, z sampled once."""

    images: Picture  # (N, S, S)
    labels: Indices  # (N,), 0 to C - 1; -1 of a picture of no class
    means: Floats  # (N, Z)
    logvars: Floats  # (N, Z)
    reconstruction: Floats  # (N,)
    kl: Floats  # (N,)
    decoded: Picture  # (N, S, S), from the means; (N, 0, 0) of a set whose pictures nobody looks at

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def firsts(self) -> Indices:
        """Where the first picture of each class stands: (C,)."""
        return np.unique(self.labels, return_index=True)[1]

    @property
    def deviations(self) -> Floats:
        """Standard deviations of the posteriors: (N, Z)."""
        return np.exp(self.logvars / 2)

    @cached_property
    def mean_kl_by_dimension(self) -> Floats:
        """Means of the terms of the KL, in nats: (Z,)."""
        return self.kl_by_dimension.mean(axis=0, dtype=np.float64).astype(np.float32)

    @cached_property
    def reach(self) -> tuple[Floats, Floats]:
        """The smallest and the largest mean of each dimension: (Z,), (Z,)."""
        return self.means.min(axis=0), self.means.max(axis=0)

    @property
    def kl_by_dimension(self) -> Floats:
        """The terms of the KL, in nats: (N, Z). Kingma & Welling 2013, appendix B."""
        return 0.5 * (self.means**2 + np.exp(self.logvars) - 1 - self.logvars)

    def __getitem__(self, indices: Sequence[int] | Indices) -> "ScoredSet":
        """Some of the pictures, as a set."""
        return ScoredSet(*(getattr(self, field.name)[indices] for field in fields(self)))


def mean_losses(test: ScoredSet, indices: Indices | Mask) -> dict[str, float]:
    """Means over some of the pictures, in nats, under the names that the pages give them."""
    terms = (test.reconstruction, test.kl)
    means = [float(term[indices].mean(dtype=np.float64)) for term in terms]
    return dict(zip(TERMS, (*means, sum(means)), strict=True))


def surprise(test: ScoredSet) -> Floats:
    """Reconstruction loss above the mean of the image's class: (N,), nats."""
    totals = np.bincount(test.labels, weights=test.reconstruction)
    with np.errstate(invalid="ignore"):  # a class without pictures has no mean
        means = totals / np.bincount(test.labels)
    return (test.reconstruction - means[test.labels]).astype(np.float32)


# What the pictures are sorted by, smallest first; the page's words for it are the keys.
SORTS: dict[str, Callable[[ScoredSet, int], npt.NDArray[np.generic]]] = {
    "index": lambda test, _: np.arange(len(test)),
    "worst": lambda test, _: -test.reconstruction,
    "best": lambda test, _: test.reconstruction,
    "surprise": lambda test, _: -surprise(test),
    "KL": lambda test, _: -test.kl,
    "shuffled": lambda test, seed: np.random.default_rng(seed).permutation(len(test)),
}


def found(text: str, count: int) -> tuple[Mask, Mask]:
    """What a search of the index finds among 0 to `count` - 1, and which of it exactly: (N,), (N,).

    Words are apart by spaces, commas or both. Digits find every index that holds them in a row, exactly the
    one they are; `100-199` finds a range. Raises VaeError for anything else, and for more than `WORDS` words.
    """
    matches, exact = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    indices = np.arange(count).astype(str)
    joined = re.sub(r"(?<=\d)\s*[-–]\s*(?=\d)", "-", text)
    words = [word for word in re.split(r"[\s,]+", joined) if word]
    if len(words) > WORDS:
        raise VaeError(f"These are {len(words):,} indices and ranges. Search for at most {WORDS} at once.")
    for word in words:
        if span := re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", word):
            first, last = sorted(map(int, span.groups()))
            matches[first : last + 1] = True
        elif re.fullmatch(r"#?[0-9]{1,9}", word):
            digits = word.lstrip("#")
            matches |= np.char.find(indices, digits) >= 0
            exact[int(digits) : int(digits) + 1] = True
        else:
            raise VaeError(
                f"'{shortened(word)}' is no index. Type digits, such as 417, or a range, such as 100-199."
            )
    return matches | exact, exact


def exactly(indices: Sequence[int] | Indices) -> str | None:
    """A search that finds these indices and no others, or None if it takes more than `WORDS` words."""
    ordered = np.unique(np.asarray(indices, np.int64))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    # Not `417`, which is in 1417 too.
    return ",".join(f"{run[0]}-{run[-1]}" for run in runs) if len(runs) <= WORDS else None


def selected(
    test: ScoredSet,
    *,
    find: str = "",
    loss: tuple[float, float] = (-np.inf, np.inf),
    sort: str = "index",
    seed: int = 0,
) -> Indices:
    """The indices of the pictures that a search finds and whose reconstruction loss lies in a range.

    Args:
        find: a search, see `found`; an exact match comes first, whatever the order. Empty: all.
        loss: lowest and highest loss, in nats, both included.
        sort: one of `SORTS`.
        seed: of the shuffling.

    Raises VaeError for a search that is none.
    """
    fits = (test.reconstruction >= loss[0]) & (test.reconstruction <= loss[1])
    order = np.argsort(SORTS[sort](test, seed), kind="stable")
    if find.strip(" ,"):
        matches, exact = found(find, len(test))
        fits &= matches
        order = order[np.argsort(~exact[order], kind="stable")]
    return order[fits[order]]


def of_classes(test: ScoredSet, indices: Indices, classes: Collection[int]) -> Indices:
    """Those of the pictures whose class is among `classes`; no class at all means every one."""
    return indices[np.isin(test.labels[indices], list(classes))] if classes else indices


def nearest(test: ScoredSet, place: Floats, count: int, but: int | None = None) -> tuple[Indices, Floats]:
    """The test pictures whose means are nearest to a place (Z,), and how far they are, in the latent space.

    `but` is the index of a picture that is no neighbour: the one whose place it is.
    """
    distances = np.linalg.norm(test.means - place, axis=1)
    if but is not None:
        distances[but] = np.inf
    count = min(count, len(test) - (but is not None))
    if count < 1:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    # Sorting all of 10,000 takes four times as long as finding those to be sorted.
    near = np.flatnonzero(distances <= np.partition(distances, count - 1)[count - 1])
    order = near[np.argsort(distances[near], kind="stable")][:count]
    return order, distances[order]


def nearest_each(test: ScoredSet, places: Floats) -> Indices:
    """The test picture whose mean is nearest to each of some places: (M, Z) -> (M,)."""
    found = np.empty(len(places), np.int64)
    for i, place in enumerate(places):
        away = test.means - place
        found[i] = np.einsum("nz,nz->n", away, away).argmin()
    return found
