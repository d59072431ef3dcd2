"""Pictures of one's own, wherever they are: a source counts them, and reads one at a time.

`vae.datasets.picture_files` has folders and zips, `vae.datasets.array_files` npz, npy, idx and CSV files.
Nothing that a source declares is trusted: sizes are limited, and nothing is executed or written by a name
that it holds.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.config import MAX_CLASSES
from vae.datasets.images import ImageArray

MAX_PICTURES = 200_000
MAX_UNPACKED = 4_000_000_000  # bytes of an array that is unpacked to a temporary file
CLASS_NAME_LENGTH = 80  # characters
NAMED = 3  # files that are named in a sentence; others are counted


class LeftOut:
    """What was left out of a data set: how many for each reason, and the names of the first few."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, reason: str, name: str) -> None:
        """Counts one; `reason` is a phrase such as "damaged"."""
        self._counts[reason] = self._counts.get(reason, 0) + 1
        names = self._names.setdefault(reason, [])
        if len(names) < NAMED:
            names.append(printable(name))

    def update(self, other: "LeftOut") -> None:
        """Adds what another one has counted."""
        for reason, count in other._counts.items():
            self._counts[reason] = self._counts.get(reason, 0) + count
            names = self._names.setdefault(reason, [])
            names += other._names[reason][: NAMED - len(names)]

    def __len__(self) -> int:
        return sum(self._counts.values())

    def count(self, reason: str) -> int:
        """How many were left out for this reason."""
        return self._counts.get(reason, 0)

    def sentences(self) -> list[str]:
        """For each reason a sentence, such as "4 left out: damaged (a.png, b.png, c.png and 1 more)."."""
        sentences = []
        for reason, names in self._names.items():
            more = self._counts[reason] - len(names)
            others = f" and {more:,} more" if more else ""
            sentences.append(f"{self._counts[reason]:,} left out: {reason} ({', '.join(names)}{others}).")
        return sentences


class Source(ABC):
    """Pictures that can be imported, numbered from 0 on. To be used in a `with` statement.

    Attributes:
        path: the file or folder.
        kind: what it is, such as "a zip of pictures".
        classes: the names of the classes; empty if nothing is known of classes.
        labels: uint8, (N,), indices into `classes`; None without classes.
        in_test: bool, (N,), whether a picture is in the source's own test set; None if it has none.
        notes: what was assumed, in sentences.
        left_out: what was left out when the source was opened.
        report: is called with the share that is done, 0 to 1, while a large table is opened; what it raises
            ends that. Or None.
    """

    path: Path
    kind: str
    classes: tuple[str, ...] = ()
    labels: npt.NDArray[np.uint8] | None = None
    in_test: npt.NDArray[np.bool_] | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self.left_out = LeftOut()
        self.report: Callable[[float], object] | None = None
        self.files = ExitStack()  # open files

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all files; nothing can be read afterwards."""
        self.files.close()

    @abstractmethod
    def open(self) -> None:
        """Finds the pictures and their classes. Raises VaeError if there are none, and OSError."""

    @abstractmethod
    def __len__(self) -> int:
        """How many pictures there are, or seem to be: whether one can be read is seen when it is."""

    @abstractmethod
    def name(self, number: int) -> str:
        """A picture's name, for people."""

    @abstractmethod
    def read(self, number: int, channels: int, enough: int) -> ImageArray:
        """A picture as grey levels, (H, W), or in colour, (H, W, 3); from any thread.

        It may be reduced by a whole factor as long as its shorter side keeps `enough` pixels.
        Raises ValueError with a phrase, such as "damaged".
        """

    @property
    def counts(self) -> dict[str, int]:
        """The pictures of each class; empty if nothing is known of classes."""
        if self.labels is None:
            return {}
        found = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, found.tolist(), strict=True))

    def set_tests(self, in_test: npt.NDArray[np.bool_]) -> None:
        """Sets which pictures are in the source's own test set."""
        self.in_test = in_test
        self.notes.append(f"Its own test set is kept: {int(in_test.sum()):,} of {len(in_test):,} pictures.")

    def set_labels(self, labels: Sequence[str | int]) -> None:
        """Sets classes and labels from one value for each picture; one value for all means no classes.

        Whole numbers are sorted by value, anything else as text.
        Raises VaeError if there are too many classes.
        """
        values = set(labels)
        if len(values) > MAX_CLASSES:
            raise VaeError(
                f"{self.path.name} has {len(values):,} classes, and at most {MAX_CLASSES} are possible. Join "
                "some, or import without labels: all pictures in one folder, no array or column of labels."
            )
        if len(values) <= 1:
            return
        ranks = {value: rank for rank, value in enumerate(sorted(values, key=_class_order))}
        self.labels = np.array([ranks[value] for value in labels], np.uint8)
        names: list[str] = []
        for value in ranks:
            name = printable(str(value)[:CLASS_NAME_LENGTH]) or "(none)"
            # Names that differ only in what is cut off or cannot be shown.
            names.append(name if name not in names else f"{name[: CLASS_NAME_LENGTH - 6]} ({len(names)})")
        self.classes = tuple(names)


def _class_order(value: str | int) -> tuple[int, float, str]:
    try:
        return 0, float(int(value)), str(value)
    except (ValueError, OverflowError):
        return 1, 0.0, str(value)


def printable(text: str) -> str:
    """Untrusted text with a replacement for each character that cannot be shown."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)


def check_count(path: Path, count: int) -> None:
    """Raises VaeError if there are more pictures than are imported."""
    if count > MAX_PICTURES:
        raise VaeError(
            f"{path.name} has more than {MAX_PICTURES:,} pictures, which is more than a data set may have. "
            "Take some of them out."
        )
