"""Search for test images by index, loss and class, and their order.

Shapes: N images.
"""

import re
from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.inference.scored_set import Indices, Mask, ScoredSet, surprise
from vae.storage.untrusted import shortened

MAX_WORDS = 50  # of a search; each takes a millisecond

# Sort keys by their names on the page, for ascending order: (set, seed) -> (N,).
SORTS: dict[str, Callable[[ScoredSet, int], npt.NDArray[np.generic]]] = {
    "index": lambda test, _: np.arange(len(test)),
    "worst": lambda test, _: -test.reconstruction,
    "best": lambda test, _: test.reconstruction,
    "surprise": lambda test, _: -surprise(test),
    "KL": lambda test, _: -test.kl,
    "shuffled": lambda test, seed: np.random.default_rng(seed).permutation(len(test)),
}


def search_indices(text: str, count: int) -> tuple[Mask, Mask]:
    """Which of the indices 0 to `count` - 1 a search matches, and which of them exactly: (N,), (N,).

    Words are separated by spaces or commas. Digits such as `17` match every index that contains them, and
    index 17 exactly; `100-199` matches a range. Raises VaeError for anything else, and for more than
    `MAX_WORDS` words.
    """
    matches, exact = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    indices = np.arange(count).astype(str)
    joined = re.sub(r"(?<=\d)\s*[-–]\s*(?=\d)", "-", text)
    words = [word for word in re.split(r"[\s,]+", joined) if word]
    if len(words) > MAX_WORDS:
        raise VaeError(
            f"These are {len(words):,} indices and ranges. Search for at most {MAX_WORDS} at once."
        )
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


def exact_search(indices: Sequence[int] | Indices) -> str | None:
    """A search that matches these indices and no others; None if it takes more than `MAX_WORDS` words."""
    ordered = np.unique(np.asarray(indices, np.int64))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    # A range even for one index: `417` alone would match 1417 too.
    return ",".join(f"{run[0]}-{run[-1]}" for run in runs) if len(runs) <= MAX_WORDS else None


def select_images(
    test: ScoredSet,
    *,
    find: str = "",
    loss: tuple[float, float] = (-np.inf, np.inf),
    sort: str = "index",
    seed: int = 0,
) -> Indices:
    """Sorted indices of the images that match a search and whose reconstruction loss lies in a range.

    Args:
        find: a search (`search_indices`), empty for all images; in any order, exact matches come first.
        loss: lowest and highest loss, in nats, both included.
        sort: one of `SORTS`.
        seed: of the shuffling.

    Raises VaeError if `find` is not a valid search.
    """
    fits = (test.reconstruction >= loss[0]) & (test.reconstruction <= loss[1])
    order = np.argsort(SORTS[sort](test, seed), kind="stable")
    if find.strip(" ,"):
        matches, exact = search_indices(find, len(test))
        fits &= matches
        order = order[np.argsort(~exact[order], kind="stable")]
    return order[fits[order]]


def filter_classes(test: ScoredSet, indices: Indices, classes: Collection[int]) -> Indices:
    """Those of `indices` whose class is among `classes`; all of them if `classes` is empty."""
    return indices[np.isin(test.labels[indices], list(classes))] if classes else indices
