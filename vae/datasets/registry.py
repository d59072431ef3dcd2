"""Data sets as uint8 tensors in memory. MNIST comes with the project; torchvision downloads the others.

Shapes: N images.
"""

import gzip
import hashlib
import zlib
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from vae import VaeError
from vae.config import CLASSES, SIDE, Dataset
from vae.datasets.download import MAKERS, download, is_downloaded, unusable
from vae.datasets.torchvision_import import datasets
from vae.storage.atomic import write_atomic
from vae.storage.folders import PROJECT, data_dir


class ImageSet(NamedTuple):
    """`images` (N, 28, 28) uint8, 0 is black; `labels` (N,) int64, 0 to 9."""

    images: Tensor
    labels: Tensor


def load(dataset: Dataset, *, train: bool) -> ImageSet:
    """The training or the test images of a data set, read once and held in memory.

    Raises VaeError if a file is damaged or missing and cannot be downloaded.
    """
    for _ in prepare(dataset):
        pass
    return _load(dataset, train, data_dir())


def prepare(dataset: Dataset) -> Generator[str, None, None]:
    """Downloads a data set if it is not there; yields what is being done, a sentence, ten times a second.

    Raises VaeError if that fails.
    """
    root = data_dir()
    if dataset != "mnist" and not is_downloaded(dataset, root):
        yield from download(dataset, root)


@cache
def _load(dataset: Dataset, train: bool, root: Path) -> ImageSet:
    if dataset == "mnist":
        _unpack_mnist(root)
        read = datasets.MNIST(root, train=train)
    else:
        read = _read(dataset, root, train)
    images, labels = read.data, read.targets
    if why := _misfit(images, labels):
        raise unusable(dataset, root, why)
    if dataset == "emnist-digits":
        # EMNIST's files hold each image transposed, and torchvision returns them so.
        images = images.transpose(1, 2).contiguous()
    return ImageSet(images, labels)


def _misfit(images: Tensor, labels: Tensor) -> str:
    """What is wrong with the images or labels of a data set; "" if nothing is."""
    if not len(images):
        return "a file holds no images"
    if images.shape[1:] != (SIDE, SIDE):
        return f"its images have the shape {tuple(images.shape[1:])} instead of {(SIDE, SIDE)}"
    if labels.shape != images.shape[:1]:
        return f"it has {len(images):,} images and {labels.numel():,} labels"
    if labels.min() < 0 or labels.max() >= CLASSES:
        return f"a label is not from 0 to {CLASSES - 1}"
    return ""


def class_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of the classes with labels 0 to 9."""
    if dataset == "fashion-mnist":
        return tuple(datasets.FashionMNIST.classes)
    if dataset == "kmnist":
        return tuple(datasets.KMNIST.classes)
    return tuple("0123456789")


def _read(dataset: Dataset, root: Path, train: bool) -> datasets.MNIST:
    try:
        return MAKERS[dataset](root, train, False)
    except (OSError, RuntimeError) as error:
        raise unusable(dataset, root, error) from error
    except (AssertionError, LookupError, TypeError, ValueError) as error:  # torchvision checks by assertions
        raise unusable(dataset, root, "a file is damaged: it is no whole idx file") from error


@cache
def _unpack_mnist(root: Path) -> None:
    """Unpacks MNIST into torchvision's `MNIST/raw`, each file checked against its SHA-256.

    Cached, because both the training and the test set need it, and the sums of 55 MB take 0.15 s. Raises
    VaeError if a file is damaged or missing, or the folder cannot be written.
    """
    raw, packed = root / "MNIST" / "raw", root / "mnist"
    if not packed.exists():  # `VAE_DATA_DIR` may name an empty folder
        packed = PROJECT / "data" / "mnist"
    try:
        sums = dict(
            line.split()[::-1] for line in (packed / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        )
    except (OSError, ValueError) as error:
        raise _damaged(packed / "SHA256SUMS", error) from error
    for name, expected in sums.items():
        if (raw / name).is_file() and _sha256((raw / name).read_bytes()) == expected:
            continue
        source = packed / f"{name}.gz"
        try:
            content = gzip.decompress(source.read_bytes())
        # A truncated gzip raises EOFError, a damaged one zlib.error.
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(source, error) from error
        if _sha256(content) != expected:
            raise _damaged(source, "its SHA-256 sum is not the one in SHA256SUMS")
        try:
            raw.mkdir(parents=True, exist_ok=True)
            write_atomic(raw / name, content)
        except OSError as error:
            raise VaeError(
                f"MNIST cannot be unpacked into {raw}: {error.strerror}. Make that folder writable, or set "
                "VAE_DATA_DIR to another; and free some space if there is none."
            ) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(path: Path, why: object) -> VaeError:
    reason = why.strerror if isinstance(why, OSError) and why.strerror else why
    own = PROJECT / "data" / "mnist"
    if path.parent != own:
        advice = f"Copy the folder {own} into {path.parents[1]}, or leave VAE_DATA_DIR out."
    else:
        advice = (
            f"The project comes with it; get it again there with `git checkout -- data/mnist/{path.name}`."
        )
    return VaeError(f"{path} is damaged or missing ({reason}). {advice}")
