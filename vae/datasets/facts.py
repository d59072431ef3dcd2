"""What is known of a data set, whether it is here or not, without its pictures."""

from pathlib import Path
from typing import NamedTuple

from vae.config import BUILT_IN
from vae.datasets.fitting import form_in_words
from vae.datasets.folder import SPLITS, Split, size_on_disk
from vae.datasets.registry import BUILT_IN_SETS, is_present, record_of
from vae.storage.folders import PROJECT, data_dir


class Facts(NamedTuple):
    """What is known of a data set.

    Attributes:
        present: whether it is here.
        channels: 1 for grey, 3 for colour.
        side: pixels of a side.
        counts: pictures of each split.
        classes: their names in the order of the labels; empty without labels.
        source, licence, preparation: sentences for people; empty where nothing is known.
        factors: names of what generated pictures were drawn from; empty of others, and while it is not here.
        contents: a hash of all its pictures; empty while it is not here.
        folder: where it is, or will be.
        size: bytes of its files; 0 while it is not here.
    """

    name: str
    present: bool
    channels: int
    side: int
    counts: dict[Split, int]
    classes: tuple[str, ...]
    source: str
    licence: str
    preparation: str
    factors: tuple[str, ...]
    contents: str
    folder: Path
    size: int

    @property
    def form(self) -> str:
        """Its form in words, such as "28 × 28, grey"."""
        return form_in_words(self.side, self.channels)


def folder_of(dataset: str) -> Path:
    """The folder of a data set; of MNIST the project's own if `VAE_DATA_DIR` has none."""
    folder = data_dir() / dataset
    return PROJECT / "data" / dataset if dataset == "mnist" and not folder.exists() else folder


def facts_of(dataset: str) -> Facts:
    """What is known of a data set.

    Raises VaeError if it is damaged, MissingDataError if it is neither here nor built in.
    """
    present, folder = is_present(dataset), folder_of(dataset)
    if present or dataset not in BUILT_IN_SETS:
        record = record_of(dataset)
        return Facts(
            *(dataset, present, record.channels, record.side),
            counts={split: record.counts[split] for split in SPLITS},
            classes=record.classes,
            source=record.source,
            licence=record.licence,
            preparation=record.preparation,
            factors=record.factors,
            contents=record.contents,
            folder=folder,
            size=size_on_disk(folder),
        )
    known = BUILT_IN_SETS[dataset]
    return Facts(
        *(dataset, present, *BUILT_IN[dataset]),
        counts=dict(zip(SPLITS, known.counts, strict=True)),
        classes=known.classes,
        source=known.source,
        licence=known.licence,
        preparation="",
        factors=(),
        contents="",
        folder=folder,
        size=0,
    )
