import gzip
import hashlib
import math
import os
import struct
from collections.abc import Callable
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tests.support.paths import PACKED
from tests.support.small_runs import TEST_IMAGES, TRAIN_IMAGES, write_small_mnist
from vae import VaeError
from vae.config import BUILT_IN, TrainConfig
from vae.datasets import packed_mnist, registry
from vae.datasets.checked import CHECKED
from vae.datasets.folder import RECORD, SPLITS, DatasetWriter, read_record
from vae.datasets.torchvision_import import datasets

Own = Callable[..., Path]


def pictures(channels: int) -> npt.NDArray[np.uint8]:
    """Five pictures of 8 x 8, all different: (5, C, 8, 8)."""
    return np.random.default_rng(0).integers(0, 256, (5, channels, 8, 8), np.uint8)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    """Writes a data set whose training and test set are the same; returns its folder."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))

    def write(
        name: str, planes: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64] | None, **fields: object
    ) -> Path:
        with DatasetWriter(tmp_path / name, planes.shape[1], planes.shape[2]) as writer:
            for split in SPLITS:
                writer.add(split, planes, labels)
            writer.finish(**fields)
        return tmp_path / name

    return write


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


@pytest.mark.parametrize("dataset", [name for name in BUILT_IN if name != "mnist"])
def test_a_set_that_was_not_downloaded_says_how_to_get_it(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    with pytest.raises(registry.MissingDataError, match=f"{dataset} is not in .*python -m vae download"):
        registry.load(dataset, train=False)


@pytest.mark.parametrize("train", [True, False])
def test_mnist_is_what_torchvision_reads(
    train: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    for each in (True, False):
        registry.load("mnist", train=each)
    images, labels = registry.load("mnist", train=train)
    read = datasets.MNIST(tmp_path, train=train)
    assert len(images) == (TRAIN_IMAGES if train else TEST_IMAGES)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert np.array_equal(images, read.data.numpy())
    assert np.array_equal(labels, read.targets.numpy())


@pytest.mark.parametrize(("channels", "shape"), [(1, (8, 8)), (3, (8, 8, 3))])
def test_a_folder_is_read_as_images_and_labels(channels: int, shape: tuple[int, ...], own: Own) -> None:
    planes, labels = pictures(channels), np.arange(5) % 2
    own("cats", planes, labels, classes=("tabby", "black"))
    images, read = registry.load("cats", train=False)
    assert images.shape == (5, *shape)
    assert np.array_equal(images.reshape(5, 8, 8, channels), planes.transpose(0, 2, 3, 1))
    assert read.dtype == np.int64
    assert np.array_equal(read, labels)
    assert registry.load("cats", train=False).images is images, "it is read once"
    assert registry.class_names("cats") == ("tabby", "black")
    assert registry.image_count("cats") == 5
    assert not registry.has_digits("cats")


def test_pictures_without_classes_are_all_of_one(own: Own) -> None:
    own("cats", pictures(1), None)
    assert not registry.load("cats", train=True).labels.any()
    assert registry.class_names("cats") == registry.UNLABELLED


def test_a_label_that_is_no_class_is_refused(own: Own) -> None:
    own("cats", pictures(1), np.arange(5), classes=("tabby", "black"))
    with pytest.raises(
        VaeError, match=r"cats in .* is damaged: a label is not from 0 to 1. Delete that folder"
    ):
        registry.load("cats", train=False)


def test_a_torn_array_is_refused(own: Own) -> None:
    path = own("cats", pictures(1), None) / "test-images.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(VaeError, match=r"cats in .* is damaged \(test-images.npy cannot be read\)"):
        registry.load("cats", train=False)


@pytest.mark.parametrize("part", ["images", "labels"])
@pytest.mark.parametrize("checked", [True, False])
def test_arrays_of_other_contents_are_refused(part: str, checked: bool, own: Own) -> None:
    folder = own("cats", pictures(1), np.arange(5) % 2, classes=("tabby", "black"))
    assert registry.load_for(registry.with_data(TrainConfig(dataset="cats")), train=True)
    if not checked:  # as a data set that was copied from elsewhere
        (folder / CHECKED).unlink()
    path = folder / f"test-{part}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    why = rf"cats in .* is damaged \(the SHA-256 sum of test-{part}\.npy is not the one in dataset\.json\)"
    for _ in range(2):
        with pytest.raises(VaeError, match=why):
            registry.load("cats", train=False)
    content[-1] ^= 1
    path.write_bytes(content)
    assert len(registry.load("cats", train=False).images) == 5


def test_arrays_are_checked_once(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def digest(file: BufferedReader, kind: str) -> Any:
        reads.append(Path(file.name).name)
        return file_digest(file, kind)

    file_digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", digest)
    folder = own("cats", pictures(1), np.arange(5) % 2, classes=("tabby", "black"))

    def read_again() -> list[str]:
        """The files whose sum a process computes which begins now."""
        registry._load.cache_clear()
        reads.clear()
        registry.load("cats", train=True)
        return reads.copy()

    assert read_again() == [], "whoever has written them knows their sums"
    (folder / CHECKED).unlink()
    assert read_again() == ["train-images.npy", "train-labels.npy"]
    assert read_again() == []
    os.utime(folder / "train-images.npy", (0, 0))
    assert read_again() == ["train-images.npy"]
    assert read_again() == []


def test_what_is_no_array_is_refused(own: Own) -> None:
    path = own("cats", pictures(1), None) / "test-images.npy"
    with path.open("wb") as file:
        np.savez(file, pictures(1))
    packed = path.read_bytes()
    header = b"\x93NUMPY\x01\x00\x60\x00{'descr': '|u1', 'fortran_order': False, 'shape': "
    shapes = [b"(0, 10000000000000000000000000)", b"(5, 1, 8", b"[5]"]
    for content in (packed, *((header + shape + b"}").ljust(106) for shape in shapes)):
        path.write_bytes(content)
        with pytest.raises(VaeError, match=r"cats in .* is damaged \(test-images.npy cannot be read\)"):
            registry.load("cats", train=False)


def test_a_run_is_given_only_the_set_that_it_learned(own: Own) -> None:
    own("cats", pictures(3), None)
    config = registry.with_data(TrainConfig(dataset="cats"))
    assert (config.channels, config.side) == (3, 8)
    assert registry.load_for(config, train=True).images.shape == (5, 8, 8, 3)
    registry.delete_dataset("cats")
    with pytest.raises(registry.MissingDataError, match=r"cats is not in .*on the page Data") as missing:
        registry.load_for(config, train=True)
    assert not missing.value.obtainable
    own("cats", 255 - pictures(3), None)
    with pytest.raises(VaeError, match="cats is another than the one that this run learned"):
        registry.load_for(config, train=True)
    again = registry.with_data(config)
    assert registry.load_for(again, train=True).images[0, 0, 0, 0] == 255 - pictures(3)[0, 0, 0, 0]


def test_data_sets_are_listed_and_deleted(own: Own) -> None:
    own("cats", pictures(1), None)
    root = own("another", pictures(1), None).parent
    (root / "Not-A-Name").mkdir()
    (root / "Not-A-Name" / RECORD).write_text("{}")
    assert registry.dataset_names() == (*BUILT_IN, "another", "cats")
    registry.delete_dataset("another")
    assert registry.dataset_names() == (*BUILT_IN, "cats")
    assert not (root / "another").exists()
    for name in ("another", "../cats", "sprites"):
        with pytest.raises(VaeError):
            registry.delete_dataset(name)
    with pytest.raises(VaeError, match="mnist comes with the project and stays"):
        registry.delete_dataset("mnist")
    assert registry.is_present("cats")


@pytest.mark.parametrize("name", ["../mnist", "", "a/b", "Cats", "x" * 29])
def test_what_is_no_name_of_a_data_set_is_refused(name: str) -> None:
    with pytest.raises(VaeError, match="is no name of a data set"):
        registry.record_of(name)


def test_a_missing_set_of_ones_own_is_not_told_to_be_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    with pytest.raises(
        registry.MissingDataError, match=r"page Data or by `python -m vae data add cats SOURCE`"
    ):
        registry.load("cats", train=True)
    assert registry.class_names("cats") == registry.UNLABELLED


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
        registry._load_mnist.cache_clear()
        reads.clear()
        assert len(registry.load("mnist", train=False).images) == TEST_IMAGES
        return sorted(reads)

    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    names = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    raw = tmp_path / "MNIST" / "raw"
    assert set(read_again()) > {f"{name}.gz" for name in names}
    assert not (raw / "train-images-idx3-ubyte").exists(), "nobody has asked for it"
    assert read_again() == [CHECKED]

    content = (raw / names[0]).read_bytes()
    (raw / names[0]).write_bytes(content)  # at another time
    assert read_again() == [CHECKED, names[0]]
    assert read_again() == [CHECKED]

    (raw / names[0]).write_bytes(content[:-1] + b"x")  # of the same size
    assert read_again() == [CHECKED, names[0], f"{names[0]}.gz"]
    assert (raw / names[0]).read_bytes() == content

    (raw / CHECKED).write_text("[1")
    assert read_again() == [CHECKED, *names]
    assert read_again() == [CHECKED]


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


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    (tmp_path / "MNIST").write_text("a file in the way")
    with pytest.raises(
        VaeError, match=r"cannot be unpacked into .*MNIST.*Make that folder writable, or set VAE_DATA_DIR"
    ):
        registry.load("mnist", train=False)


def test_the_packed_files_are_those_of_the_record() -> None:
    record = registry.record_of("mnist")
    assert len(record.arrays) == 4
    for name, expected in record.arrays.items():
        content = gzip.decompress((PACKED / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == expected
    known = registry.BUILT_IN_SETS["mnist"]
    assert (record.channels, record.side) == BUILT_IN["mnist"]
    assert (record.counts["train"], record.counts["test"]) == known.counts
    assert (record.classes, record.source, record.licence) == (known.classes, known.source, known.licence)


def test_the_record_of_mnist_is_that_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    assert registry.record_of("mnist").counts["train"] == 60_000, "of the project, as there is none"
    write_small_mnist(tmp_path)
    assert registry.record_of("mnist").counts == {"train": TRAIN_IMAGES, "test": TEST_IMAGES}


@pytest.mark.parametrize("own_folder", [True, False])
@pytest.mark.parametrize("damage", [None, b"", b"{}", b'{"format": 1', b"0fa7898d  t10k-images-idx3-ubyte"])
def test_a_damaged_record_of_mnist_is_named_with_its_cure(
    damage: bytes | None, own_folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path / "data")))
    if own_folder:
        monkeypatch.setattr(packed_mnist, "PROJECT", tmp_path)
    record = tmp_path / "data" / "mnist" / RECORD
    if damage is None:
        record.unlink()
    else:
        record.write_bytes(damage)
    cure = "git checkout -- data/mnist/dataset.json" if own_folder else "Copy the folder .* VAE_DATA_DIR out"
    for read in (partial(registry.load, train=True), registry.record_of):
        with pytest.raises(VaeError, match=rf"mnist/dataset\.json is damaged or missing.*{cure}"):
            read("mnist")


def test_labels_have_the_names_that_torchvision_gives_them() -> None:
    assert registry.class_names("mnist") == registry.class_names("emnist-digits") == tuple("0123456789")
    assert list(registry.class_names("fashion-mnist")) == datasets.FashionMNIST.classes
    assert list(registry.class_names("kmnist")) == datasets.KMNIST.classes
    named = datasets.EMNIST.classes_split_dict
    assert list(registry.class_names("emnist-balanced")) == named["balanced"]
    # Upper and lower case are one class of letters, and torchvision has a class before the first.
    assert [name.lower() for name in registry.class_names("emnist-letters")] == named["letters"][1:]


def idx(shape: tuple[int, ...], value: int = 0) -> bytes:
    """An idx file of uint8 of this shape, all values the same."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes([value]) * math.prod(shape)


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        ("images-idx3", bytes(5000), "is no 3-dimensional idx file"),
        ("images-idx3", b"", "is no 3-dimensional idx file"),
        ("images-idx3", b"<html>", "is no 3-dimensional idx file"),
        ("images-idx3", idx((200, 14, 14)), r"images have the shape \(14, 14\) instead of \(28, 28\)"),
        ("images-idx3", idx((199, 28, 28)), "it has 199 images and 200 labels"),
        ("images-idx3", idx((0, 28, 28)), "holds no images"),
        ("images-idx3", idx((200, 28, 28))[:-1], "is no whole idx file"),
        ("labels-idx1", idx((200,), 10), "a label is not from 0 to 9"),
        ("labels-idx1", bytes(5000), "is no 1-dimensional idx file"),
    ],
)
def test_an_mnist_that_somebody_has_made_gets_a_reason(
    kind: str, content: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed, name = write_small_mnist(tmp_path) / "mnist", f"t10k-{kind}-ubyte"
    (packed / f"{name}.gz").write_bytes(gzip.compress(content))
    record = read_record(packed)
    sums = {**record.arrays, name: hashlib.sha256(content).hexdigest()}
    (packed / RECORD).write_text(record.model_copy(update={"arrays": sums}).model_dump_json())
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    with pytest.raises(VaeError, match=rf"{why}.*MNIST's own files there, or leave VAE_DATA"):
        registry.load("mnist", train=False)
