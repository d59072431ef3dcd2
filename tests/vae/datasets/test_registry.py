import gzip
import hashlib
import math
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.paths import PACKED
from tests.support.small_runs import TEST_IMAGES, TRAIN_IMAGES, write_small_mnist
from vae import VaeError
from vae.datasets import packed_mnist, registry
from vae.datasets.torchvision_import import datasets


def test_the_whole_of_mnist_comes_with_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").symlink_to(PACKED)
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    images, labels = registry.load("mnist", train=True)
    assert images.shape == (60_000, 28, 28)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    images, labels = registry.load("mnist", train=False)
    assert images.shape == (10_000, 28, 28)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    # Read by hand from the packed file.
    packed = gzip.decompress((PACKED / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert np.array_equal(images.ravel(), np.frombuffer(packed, np.uint8, offset=16))


def test_an_empty_data_directory_gets_the_mnist_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, empty = tmp_path / "project", tmp_path / "empty"
    write_small_mnist(project / "data")
    monkeypatch.setattr(packed_mnist, "PROJECT", project)
    monkeypatch.setenv("VAE_DATA_DIR", str(empty))
    assert len(registry.load("mnist", train=False).images) == 200
    assert [path.name for path in empty.iterdir()] == ["MNIST"]
    assert [path.name for path in (project / "data").iterdir()] == ["mnist"]


@pytest.mark.usefixtures("small")
def test_a_set_is_read_once() -> None:
    assert registry.load("mnist", train=False).images is registry.load("mnist", train=False).images


def test_a_damaged_unpacked_file_is_unpacked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_small_mnist(tmp_path)
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "t10k-images-idx3-ubyte").write_bytes(b"torn")
    monkeypatch.setenv("VAE_DATA_DIR", str(root))
    assert len(registry.load("mnist", train=False).images) == 200


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("damage", ["torn", "scrambled", "swapped", "gone"])
def test_a_damaged_packed_file_is_named_with_its_cure(
    damage: str, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path / "data")))
    if own:
        monkeypatch.setattr(packed_mnist, "PROJECT", tmp_path)
    file = tmp_path / "data" / "mnist" / "train-labels-idx1-ubyte.gz"
    whole = file.read_bytes()
    if damage == "torn":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "scrambled":
        file.write_bytes(whole[:30] + bytes(40) + whole[70:])
    elif damage == "swapped":
        file.write_bytes(gzip.compress(b"something else"))
    else:
        file.unlink()
    cure = (
        "git checkout -- data/mnist/train-labels" if own else r"Copy the folder .*, or leave VAE_DATA_DIR out"
    )
    with pytest.raises(VaeError, match=rf"train-labels-idx1-ubyte\.gz is damaged or missing.*{cure}"):
        registry.load("mnist", train=True)


@pytest.mark.parametrize("dataset", ["fashion-mnist", "kmnist", "emnist-digits"])
def test_a_set_that_was_not_downloaded_says_how_to_get_it(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    with pytest.raises(registry.MissingDataError, match=f"{dataset} is not in .*python -m vae download"):
        registry.load(dataset, train=False)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(
    ("dataset", "maker"),
    [
        ("mnist", datasets.MNIST),
        ("fashion-mnist", datasets.FashionMNIST),
        ("kmnist", datasets.KMNIST),
        ("emnist-digits", partial(datasets.EMNIST, split="digits")),
    ],
)
def test_arrays_are_those_that_torchvision_reads(
    dataset: str,
    maker: Callable[..., datasets.MNIST],
    train: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = tmp_path / registry.FOLDERS[dataset] / "raw"
    unpack_small_mnist(tmp_path, raw, names=EMNIST_NAMES if dataset == "emnist-digits" else None)
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    images, labels = registry.load(dataset, train=train)
    read = maker(tmp_path, train=train)
    expected = read.data.transpose(1, 2) if dataset == "emnist-digits" else read.data
    assert len(images) == (TRAIN_IMAGES if train else TEST_IMAGES)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert np.array_equal(images, expected.numpy())
    assert np.array_equal(labels, read.targets.numpy())


def test_what_a_program_does_to_images_stays_in_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tensors that share the arrays can be written to, as torch warns of memory that cannot."""
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    file = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    images, _ = registry.load("mnist", train=False)
    before = file.read_bytes()
    torch.from_numpy(images).fill_(7)
    assert (images == 7).all()
    assert file.read_bytes() == before


def test_unpacked_files_are_checked_once_and_again_when_they_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    def read_again() -> list[str]:
        """The files that a process reads as a whole which begins now."""
        registry._load.cache_clear()
        reads.clear()
        assert len(registry.load("mnist", train=False).images) == TEST_IMAGES
        return sorted(reads)

    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    names = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    raw = tmp_path / "MNIST" / "raw"
    assert set(read_again()) > {f"{name}.gz" for name in names}
    assert not (raw / "train-images-idx3-ubyte").exists(), "nobody has asked for it"
    assert read_again() == [packed_mnist.RECORD]

    content = (raw / names[0]).read_bytes()
    (raw / names[0]).write_bytes(content)  # at another time
    assert read_again() == [packed_mnist.RECORD, names[0]]
    assert read_again() == [packed_mnist.RECORD]

    (raw / names[0]).write_bytes(content[:-1] + b"x")  # of the same size
    assert read_again() == [packed_mnist.RECORD, names[0], f"{names[0]}.gz"]
    assert (raw / names[0]).read_bytes() == content

    (raw / packed_mnist.RECORD).write_text("[1")
    assert read_again() == [packed_mnist.RECORD, *names]
    assert read_again() == [packed_mnist.RECORD]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are read as a whole, added as it happens."""
    names: list[str] = []
    whole = Path.read_bytes

    def counted(path: Path) -> bytes:
        names.append(path.name)
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    return names


EMNIST_NAMES = {"train": "emnist-digits-train", "t10k": "emnist-digits-test"}


def unpack_small_mnist(root: Path, raw: Path, names: dict[str, str] | None = None) -> None:
    """Unpacks the small MNIST into `raw`, as torchvision would, "train" and "t10k" renamed by `names`."""
    write_small_mnist(root)
    raw.mkdir(parents=True)
    for path in (root / "mnist").glob("*.gz"):
        split, _, kind = path.stem.partition("-")
        (raw / f"{(names or {}).get(split, split)}-{kind}").write_bytes(gzip.decompress(path.read_bytes()))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    (tmp_path / "MNIST").write_text("a file in the way")
    with pytest.raises(
        VaeError, match=r"cannot be unpacked into .*MNIST.*Make that folder writable, or set VAE_DATA_DIR"
    ):
        registry.load("mnist", train=False)


def test_a_torn_download_says_to_delete_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    raw = tmp_path / "KMNIST" / "raw"
    unpack_small_mnist(tmp_path, raw)
    (raw / "t10k-images-idx3-ubyte").write_bytes((raw / "t10k-images-idx3-ubyte").read_bytes()[:5000])
    with pytest.raises(VaeError, match=r"kmnist could not be downloaded or read.*delete its folder"):
        registry.load("kmnist", train=False)


def test_emnists_pictures_are_turned_upright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    raw = tmp_path / "EMNIST" / "raw"
    unpack_small_mnist(tmp_path, raw, EMNIST_NAMES)
    for path in raw.glob("*-images-*"):
        content = path.read_bytes()
        pictures = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)
        path.write_bytes(content[:16] + pictures.transpose(0, 2, 1).tobytes())
    images, _ = registry.load("emnist-digits", train=False)
    assert np.array_equal(images, registry.load("mnist", train=False).images)


def test_the_packed_files_are_those_of_the_sums() -> None:
    for line in (PACKED / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split()
        content = gzip.decompress((PACKED / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == expected


def test_labels_have_the_names_that_torchvision_gives_them() -> None:
    assert registry.class_names("mnist") == registry.class_names("emnist-digits") == tuple("0123456789")
    assert list(registry.class_names("fashion-mnist")) == datasets.FashionMNIST.classes
    assert list(registry.class_names("kmnist")) == datasets.KMNIST.classes


def idx(shape: tuple[int, ...], value: int = 0) -> bytes:
    """An idx file of uint8 of this shape, all values the same."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes([value]) * math.prod(shape)


@pytest.mark.parametrize(
    ("images", "labels", "why"),
    [
        (bytes(5000), None, "is no 3-dimensional idx file"),
        (b"", None, "is no 3-dimensional idx file"),
        (b"<html>", None, "is no 3-dimensional idx file"),
        (idx((200, 14, 14)), None, r"images have the shape \(14, 14\) instead of \(28, 28\)"),
        (idx((199, 28, 28)), None, "it has 199 images and 200 labels"),
        (idx((0, 28, 28)), None, "holds no images"),
        (idx((200, 28, 28))[:-1], None, "is no whole idx file"),
        (None, idx((200,), 10), "a label is not from 0 to 9"),
        (None, bytes(5000), "is no 1-dimensional idx file"),
    ],
)
def test_files_with_other_content_get_a_reason(
    images: bytes | None, labels: bytes | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    raw = tmp_path / "KMNIST" / "raw"
    unpack_small_mnist(tmp_path, raw)
    for name, content in (("images-idx3", images), ("labels-idx1", labels)):
        if content is not None:
            (raw / f"t10k-{name}-ubyte").write_bytes(content)
    with pytest.raises(VaeError, match=f"kmnist could not be downloaded or read.*{why}"):
        registry.load("kmnist", train=False)


def test_an_mnist_that_somebody_has_made_is_not_told_to_be_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = write_small_mnist(tmp_path) / "mnist"
    labels, sums = packed / "train-labels-idx1-ubyte.gz", packed / "SHA256SUMS"
    before = gzip.decompress(labels.read_bytes())
    after = before[:8] + bytes([200]) + before[9:]
    labels.write_bytes(gzip.compress(after))
    old, new = (hashlib.sha256(content).hexdigest() for content in (before, after))
    sums.write_text(sums.read_text().replace(old, new))
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    with pytest.raises(
        VaeError, match=r"a label is not from 0 to 9.*MNIST's own files there, or leave VAE_DATA"
    ):
        registry.load("mnist", train=True)
