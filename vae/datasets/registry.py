"""Data sets as NumPy arrays. MNIST comes with the project; `vae.datasets.download` fetches the others.

Imports no torch: the web server reads data sets, too.

Shapes: N images.
"""

import errno
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.config import CLASSES, SIDE, Dataset
from vae.datasets.idx import read_idx
from vae.datasets.images import ImageArray
from vae.datasets.packed_mnist import unpack_mnist
from vae.storage.folders import data_dir
from vae.storage.untrusted import reason

# Of a download; of mnist, which needs none, the packed files.
MEGABYTES: dict[Dataset, int] = {"mnist": 11, "fashion-mnist": 31, "kmnist": 21, "emnist-digits": 562}
UNPACKED = 5  # times the size of the download: while it is unpacked, both are there
# torchvision's folders, into which it downloads.
FOLDERS: dict[Dataset, str] = {
    "mnist": "MNIST",
    "fashion-mnist": "FashionMNIST",
    "kmnist": "KMNIST",
    "emnist-digits": "EMNIST",
}
_DIGITS = tuple("0123456789")
_CLASS_NAMES: dict[Dataset, tuple[str, ...]] = {
    "mnist": _DIGITS,
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "emnist-digits": _DIGITS,
}
_LOCAL_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
}


class ImageSet(NamedTuple):
    """`images` (N, 28, 28) uint8, 0 is black; `labels` (N,) int64, 0 to 9.

    Training images are a view of a file, which is read where they are first accessed.
    """

    images: ImageArray
    labels: npt.NDArray[np.int64]


class MissingDataError(VaeError):
    """A data set was not downloaded yet."""

    def __init__(self, dataset: Dataset, root: Path) -> None:
        super().__init__(
            f"The data set {dataset} is not in {root}. `python -m vae download {dataset}` gets it "
            f"({MEGABYTES[dataset]} MB)."
        )
        self.dataset = dataset


def load(dataset: Dataset, *, train: bool) -> ImageSet:
    """The training or the test images of a data set; the same arrays at each call.

    Raises MissingDataError if it has to be downloaded first, VaeError if a file is damaged.
    """
    return _load(dataset, train, data_dir())


def is_downloaded(dataset: Dataset, root: Path) -> bool:
    """Whether all files of a data set are in torchvision's folder under `root`."""
    return all(path.is_file() for train in (True, False) for path in _paths(dataset, train, root))


def class_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of the classes with labels 0 to 9."""
    return _CLASS_NAMES[dataset]


def unusable(dataset: Dataset, root: Path, why: str | Exception) -> VaeError:
    """The error that a data set cannot be downloaded, saved or read, and what to do."""
    text = why if isinstance(why, str) else reason(why)
    if dataset == "mnist":  # its files are as SHA256SUMS beside them says, so somebody has made them
        return VaeError(
            f"The data set mnist in {root / 'mnist'} cannot be used ({text}). Put MNIST's own files there, "
            "or leave VAE_DATA_DIR out."
        )
    if isinstance(why, OSError) and why.errno in _LOCAL_ERRORS:
        return VaeError(
            f"The data set {dataset} cannot be saved in {root}: {why.strerror}. Make that folder writable, "
            f"and free some space if there is none: it takes about {UNPACKED * MEGABYTES[dataset]} MB."
        )
    return VaeError(
        f"The data set {dataset} could not be downloaded or read ({text}). Connect to the internet, "
        f"delete its folder in {root} if there is one, and try again; or train on mnist, which comes "
        "with the project."
    )


def _paths(dataset: Dataset, train: bool, root: Path) -> tuple[Path, Path]:
    """The files of images and labels, where torchvision unpacks them."""
    if dataset == "emnist-digits":
        split = "emnist-digits-train" if train else "emnist-digits-test"
    else:
        split = "train" if train else "t10k"
    raw = root / FOLDERS[dataset] / "raw"
    return raw / f"{split}-images-idx3-ubyte", raw / f"{split}-labels-idx1-ubyte"


@cache
def _load(dataset: Dataset, train: bool, root: Path) -> ImageSet:
    paths = _paths(dataset, train, root)
    if dataset == "mnist":
        unpack_mnist(paths[0].parent, root / "mnist", tuple(path.name for path in paths))
    elif not is_downloaded(dataset, root):
        raise MissingDataError(dataset, root)
    try:
        images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1).astype(np.int64)
        if not train:
            images = images.copy()  # all are read anyway, and a mapped file cannot be replaced on Windows
    except OSError as error:
        raise unusable(dataset, root, error) from error
    except ValueError as error:
        raise unusable(dataset, root, f"a file is damaged: {error}") from error
    if why := _misfit(images, labels):
        raise unusable(dataset, root, why)
    if dataset == "emnist-digits":  # its files hold each image transposed
        images = images.transpose(0, 2, 1)
    return ImageSet(images, labels)


def _misfit(images: ImageArray, labels: npt.NDArray[np.int64]) -> str:
    """What is wrong with the images or labels of a data set; "" if nothing is."""
    if not len(images):
        return "a file holds no images"
    if images.shape[1:] != (SIDE, SIDE):
        return f"its images have the shape {images.shape[1:]} instead of {(SIDE, SIDE)}"
    if labels.shape != images.shape[:1]:
        return f"it has {len(images):,} images and {len(labels):,} labels"
    if labels.max() >= CLASSES:
        return f"a label is not from 0 to {CLASSES - 1}"
    return ""
