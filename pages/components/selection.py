"""Which pictures of a test set are shown, and in which order. Nothing here knows Streamlit.

Shapes: N images, S pixels a side, Z latent size, C classes.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from vae.errors import VaeError, shortened
from vae.pictures import Picture

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
    decoded: Picture  # (N, S, S), from the means

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def deviations(self) -> Floats:
        """Standard deviations of the posteriors: (N, Z)."""
        return np.exp(self.logvars / 2)

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
    order = np.argsort(distances, kind="stable")[: min(count, len(test) - (but is not None))]
    return order, distances[order]
