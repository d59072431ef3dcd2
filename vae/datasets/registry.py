"""The data sets there are, and their pictures as NumPy arrays.

MNIST comes with the project, `vae.datasets.obtain` draws or downloads the other built-in ones, and
`vae.datasets.importing` makes one of a person's own pictures. Imports no torch: the web server reads data
sets, too.

Shapes: N images, C channels, S pixels of a side.
"""

import errno
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.config import BUILT_IN, DATASET_NAME, MAX_DATASET_NAME, PresetName, TrainConfig
from vae.datasets.folder import (
    RECORD,
    SPLITS,
    DatasetRecord,
    delete_folder,
    read_array,
    read_record,
)
from vae.datasets.idx import read_idx
from vae.datasets.images import ImageArray, as_images
from vae.datasets.packed_mnist import mnist_record, unpack_mnist
from vae.storage.folders import data_dir
from vae.storage.untrusted import reason

UNPACKED = 5  # times the size of the download: while it is unpacked, both are there
CONV_SHARE = 0.2  # as many images a second does conv for 32 x 32 x 3 train, of those of `quick`: docs/LOG.md
MOST_EPOCHS = 500  # that are proposed, for a few pictures
UNLABELLED = ("all",)  # the one class of pictures without labels
_DIGITS = tuple("0123456789")
_LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SHAPES = ("square", "disc", "triangle", "star", "cross", "ring")
_DRAWN = "Drawn by this project: shapes of known place, size and rotation"
_EMNIST = "Cohen, Afshar, Tapson & van Schaik 2017, EMNIST (arXiv:1702.05373)"
_LOCAL_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
}


class BuiltIn(NamedTuple):
    """A data set that every installation can have.

    Attributes:
        origin: whether it comes with the project, is drawn by it, or is downloaded.
        megabytes: of the download, or of the files if there is none, each a million bytes.
        counts: training and test images.
        digits: whether its pictures are in the form of MNIST's: one sign, white on black, centred.
    """

    origin: Literal["packed", "drawn", "downloaded"]
    megabytes: int
    counts: tuple[int, int]
    classes: tuple[str, ...]
    source: str
    licence: str
    digits: bool = False


BUILT_IN_SETS: dict[str, BuiltIn] = {
    "mnist": BuiltIn(
        *("packed", 11, (60_000, 10_000), _DIGITS),
        source="LeCun, Cortes & Burges, The MNIST database of handwritten digits",
        licence="CC BY-SA 3.0",
        digits=True,
    ),
    "sprites": BuiltIn("drawn", 19, (20_000, 4_000), _SHAPES, source=f"{_DRAWN}.", licence="As the project"),
    "sprites-colour": BuiltIn(
        *("drawn", 74, (20_000, 4_000), _SHAPES),
        source=f"{_DRAWN}, and of known hue.",
        licence="As the project",
    ),
    "fashion-mnist": BuiltIn(
        *("downloaded", 31, (60_000, 10_000)),
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        source="Xiao, Rasul & Vollgraf 2017, Fashion-MNIST (arXiv:1708.07747)",
        licence="MIT",
    ),
    "kmnist": BuiltIn(
        *("downloaded", 21, (60_000, 10_000)),
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        source="Clanuwat et al. 2018, Kuzushiji-MNIST (arXiv:1812.01718)",
        licence="CC BY-SA 4.0",
        digits=True,
    ),
    "emnist-digits": BuiltIn(
        "downloaded", 562, (240_000, 40_000), _DIGITS, source=_EMNIST, licence="Public domain", digits=True
    ),
    "emnist-letters": BuiltIn(
        "downloaded", 562, (124_800, 20_800), _LETTERS, source=_EMNIST, licence="Public domain", digits=True
    ),
    "emnist-balanced": BuiltIn(
        *("downloaded", 562, (112_800, 18_800), (*_DIGITS, *_LETTERS, *"abdefghnqrt")),
        source=_EMNIST,
        licence="Public domain",
        digits=True,
    ),
    "cifar-10": BuiltIn(
        *("downloaded", 170, (50_000, 10_000)),
        classes=(
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
        source="Krizhevsky 2009, Learning multiple layers of features from tiny images",
        licence="Not stated by its authors",
    ),
}
assert BUILT_IN_SETS.keys() == BUILT_IN.keys()


class ImageSet(NamedTuple):
    """`images` (N, S, S), or (N, S, S, 3) in colour, uint8, 0 is black; `labels` (N,) int64, from 0 on.

    Images are a view of a file, which is read where they are first accessed. Without labels all are 0.
    """

    images: ImageArray
    labels: npt.NDArray[np.int64]


class MissingDataError(VaeError):
    """A data set is not there; `obtainable` says whether it can be downloaded or drawn."""

    def __init__(self, dataset: str, root: Path) -> None:
        known = BUILT_IN_SETS.get(dataset)
        if known is None:
            advice = (
                f"Add it on the page Data or by `python -m vae data add {dataset} SOURCE`, or copy its "
                "folder there."
            )
        else:
            verb = "draws" if known.origin == "drawn" else "gets"
            advice = f"`python -m vae download {dataset}` {verb} it ({known.megabytes} MB)."
        super().__init__(f"The data set {dataset} is not in {root}. {advice}")
        self.dataset = dataset
        self.obtainable = known is not None


def load(dataset: str, *, train: bool) -> ImageSet:
    """The training or the test images of a data set; the same arrays at each call.

    Raises MissingDataError if it is not there, VaeError if a file is damaged.
    """
    root = data_dir()
    if dataset == "mnist":
        return _load_mnist(train, root)
    return _load(root / dataset, record_of(dataset).contents, train)


def load_for(config: TrainConfig, *, train: bool) -> ImageSet:
    """The images that a run of `config` learned or learns.

    Raises as `load`, and VaeError if the data set is another than the one of the run.
    """
    if not config.contents:
        return load(config.dataset, train=train)
    if record_of(config.dataset).contents != config.contents:
        raise VaeError(
            f"The data set {config.dataset} is another than the one that this run learned. "
            "Add the run's own data set again, under that name, or train a run on the new one."
        )
    return _load(data_dir() / config.dataset, config.contents, train)


def with_data(config: TrainConfig) -> TrainConfig:
    """The config with the form and the contents of its data set, if that was imported.

    Raises MissingDataError if there is no such data set, VaeError if it is damaged.
    """
    return TrainConfig.model_validate({**config.model_dump(), **form_of(config.dataset)})


def form_of(dataset: str) -> dict[str, Any]:
    """What a config says of a data set: `DATA_FIELDS`, empty for a built-in one. Raises as `with_data`."""
    if dataset in BUILT_IN:
        return {}
    record = record_of(dataset)
    return {"channels": record.channels, "side": record.side, "contents": record.contents}


def preset_for(name: PresetName, dataset: str, **changes: Any) -> TrainConfig:
    """A preset as it suits a data set, with some fields changed.

    It takes as long as on MNIST: the more images there are, the fewer epochs, and convolutions cost more.

    Raises as `with_data`, and as `TrainConfig.preset`.
    """
    config = TrainConfig.preset(name, dataset=dataset, **form_of(dataset), **changes)
    if "epochs" in changes:
        return config
    share = CONV_SHARE * (32 / config.side) ** 2 if config.network == "conv" else 1
    images = config.epochs * image_count("mnist") * share
    epochs = min(max(round(images / image_count(dataset)), 1), MOST_EPOCHS)
    return TrainConfig.model_validate({**config.model_dump(), "epochs": epochs})


def record_of(dataset: str) -> DatasetRecord:
    """The record of a data set.

    Raises MissingDataError if it is not there, VaeError if it is damaged.
    """
    root = data_dir()
    if dataset == "mnist":
        return mnist_record(root / "mnist")
    if not DATASET_NAME.fullmatch(dataset):
        raise VaeError(
            f"{dataset!r} is no name of a data set: small letters, digits and hyphens, at most "
            f"{MAX_DATASET_NAME}."
        )
    try:
        return read_record(root / dataset)
    except FileNotFoundError:
        raise MissingDataError(dataset, root) from None


def is_present(dataset: str, root: Path | None = None) -> bool:
    """Whether a data set is in the folder `root`, or `data_dir()`."""
    return dataset == "mnist" or ((root or data_dir()) / dataset / RECORD).is_file()


def dataset_names() -> tuple[str, ...]:
    """The built-in data sets, then all others there are, by name."""
    found = {path.parent.name for path in data_dir().glob(f"*/{RECORD}")}
    own = {name for name in found - BUILT_IN.keys() if DATASET_NAME.fullmatch(name)}
    return (*BUILT_IN, *sorted(own))


def class_names(dataset: str) -> tuple[str, ...]:
    """The names of the classes with labels 0, 1, …; `UNLABELLED` without classes or without the data set."""
    if (known := BUILT_IN_SETS.get(dataset)) is not None:
        return known.classes
    try:
        return record_of(dataset).classes or UNLABELLED
    except VaeError:
        return UNLABELLED


def classes_of(config: TrainConfig) -> tuple[str, ...]:
    """The `class_names` of the data set that a run of `config` learned; `UNLABELLED` if another is there."""
    if config.dataset in BUILT_IN:
        return class_names(config.dataset)
    try:
        record = record_of(config.dataset)
    except VaeError:
        return UNLABELLED
    return record.classes if record.classes and record.contents == config.contents else UNLABELLED


def image_count(dataset: str) -> int:
    """How many training images a data set has. Raises as `record_of`."""
    known = BUILT_IN_SETS.get(dataset)
    return known.counts[0] if known else record_of(dataset).counts["train"]


def has_digits(dataset: str) -> bool:
    """Whether the pictures of a data set are in the form of MNIST's: one sign, white on black, centred."""
    return dataset in BUILT_IN_SETS and BUILT_IN_SETS[dataset].digits


def delete_dataset(dataset: str) -> None:
    """Deletes a data set for good. Raises VaeError if that cannot be."""
    if dataset == "mnist":
        raise VaeError("mnist comes with the project and stays.")
    root = data_dir()
    if not DATASET_NAME.fullmatch(dataset) or not (root / dataset).is_dir():
        raise MissingDataError(dataset, root)
    try:
        delete_folder(root / dataset)
    except OSError as error:
        raise VaeError(f"The data set {dataset} cannot be deleted: {error.strerror}.") from error


def unusable(dataset: str, root: Path, why: str | Exception) -> VaeError:
    """The error that a built-in data set cannot be had, saved or read, and what to do."""
    text = why if isinstance(why, str) else reason(why)
    if dataset == "mnist":  # its files are as the record beside them says, so somebody has made them
        return VaeError(
            f"The data set mnist in {root / 'mnist'} cannot be used ({text}). Put MNIST's own files there, "
            "or leave VAE_DATA_DIR out."
        )
    known = BUILT_IN_SETS[dataset]
    if isinstance(why, OSError) and why.errno in _LOCAL_ERRORS:
        megabytes = known.megabytes * (UNPACKED if known.origin == "downloaded" else 1)
        return VaeError(
            f"The data set {dataset} cannot be saved in {root}: {why.strerror}. Make that folder writable, "
            f"and free some space if there is none: it takes about {megabytes} MB."
        )
    if known.origin == "drawn":
        return VaeError(
            f"The data set {dataset} could not be drawn ({text.rstrip('.')}). Delete its folder in {root} if "
            "there is one, and try again."
        )
    return VaeError(
        f"The data set {dataset} could not be downloaded or read ({text.rstrip('.')}). Connect to the "
        f"internet, delete its folder in {root} if there is one, and try again; or train on mnist or "
        "sprites, which need no network."
    )


@lru_cache(maxsize=8)
def _load(path: Path, contents: str, train: bool) -> ImageSet:  # noqa: ARG001 (the key)
    """The images of the data set in the folder `path`, whose contents have this hash."""
    record, split = read_record(path), SPLITS[0] if train else SPLITS[1]
    images = as_images(read_array(path, record, split, "images"))
    if not record.classes:
        return ImageSet(images, np.zeros(len(images), np.int64))
    labels = read_array(path, record, split, "labels").astype(np.int64)
    if labels.max() >= len(record.classes):
        raise VaeError(
            f"The data set {path.name} in {path.parent} is damaged: a label is not from 0 to "
            f"{len(record.classes) - 1}. Delete that folder, and add the data set again."
        )
    return ImageSet(images, labels)


@cache
def _load_mnist(train: bool, root: Path) -> ImageSet:
    split, raw = "train" if train else "t10k", root / "MNIST" / "raw"
    names = (f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte")
    unpack_mnist(raw, root / "mnist", names)
    try:
        images, labels = read_idx(raw / names[0], 3), read_idx(raw / names[1], 1).astype(np.int64)
        if not train:
            images = images.copy()  # all are read anyway, and a mapped file cannot be replaced on Windows
    except OSError as error:
        raise unusable("mnist", root, error) from error
    except ValueError as error:
        raise unusable("mnist", root, f"a file is damaged: {error}") from error
    if why := _misfit(images, labels):
        raise unusable("mnist", root, why)
    return ImageSet(images, labels)


def _misfit(images: ImageArray, labels: npt.NDArray[np.int64]) -> str:
    """What is wrong with the images or labels of MNIST; "" if nothing is."""
    if not len(images):
        return "a file holds no images"
    if images.shape[1:] != (28, 28):
        return f"its images have the shape {images.shape[1:]} instead of {(28, 28)}"
    if labels.shape != images.shape[:1]:
        return f"it has {len(images):,} images and {len(labels):,} labels"
    if labels.max() > 9:
        return "a label is not from 0 to 9"
    return ""
