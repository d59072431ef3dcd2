import gzip
import hashlib
import math
import struct
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.paths import PACKED
from tests.support.small_runs import write_small_mnist
from vae import VaeError
from vae.config import Dataset
from vae.datasets import registry


def test_the_whole_of_mnist_comes_with_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").symlink_to(PACKED)
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    images, labels = registry.load("mnist", train=True)
    assert images.shape == (60_000, 28, 28)
    assert images.dtype == torch.uint8
    assert labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    images, labels = registry.load("mnist", train=False)
    assert images.shape == (10_000, 28, 28)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    # Read by hand from the file, independently of torchvision.
    packed = gzip.decompress((PACKED / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert np.array_equal(images.numpy().ravel(), np.frombuffer(packed, np.uint8, offset=16))


def test_an_empty_data_directory_gets_the_mnist_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, empty = tmp_path / "project", tmp_path / "empty"
    write_small_mnist(project / "data")
    monkeypatch.setattr(registry, "PROJECT", project)
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
        monkeypatch.setattr(registry, "PROJECT", tmp_path)
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
        registry.load("mnist", train=False)


@pytest.mark.parametrize("dataset", ["fashion-mnist", "kmnist", "emnist-digits"])
def test_without_a_network_a_download_says_what_to_do(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(VaeError, match=f"{dataset} could not be downloaded or read.*mnist, which comes with"):
        registry.load(dataset, train=False)


def test_the_other_sets_go_through_torchvisions_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files where torchvision would put them after its download, so that it finds nothing to fetch."""
    raw = write_small_mnist(tmp_path)
    monkeypatch.setenv("VAE_DATA_DIR", str(raw))
    expected = registry.load("mnist", train=False)
    (tmp_path / "KMNIST").mkdir()
    (tmp_path / "MNIST" / "raw").rename(tmp_path / "KMNIST" / "raw")
    images, labels = registry.load("kmnist", train=False)
    assert torch.equal(images, expected.images)
    assert torch.equal(labels, expected.labels)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    (tmp_path / "MNIST").write_text("a file in the way")
    with pytest.raises(
        VaeError, match=r"cannot be unpacked into .*MNIST.*Make that folder writable, or set VAE_DATA_DIR"
    ):
        registry.load("mnist", train=False)


def test_a_torn_download_says_to_delete_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    registry.load("mnist", train=False)
    (tmp_path / "KMNIST").mkdir()
    raw = (tmp_path / "MNIST" / "raw").rename(tmp_path / "KMNIST" / "raw")
    (raw / "t10k-images-idx3-ubyte").write_bytes((raw / "t10k-images-idx3-ubyte").read_bytes()[:5000])
    with pytest.raises(VaeError, match=r"kmnist could not be downloaded or read.*delete its folder"):
        registry.load("kmnist", train=False)


def test_emnists_pictures_are_turned_upright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    expected = registry.load("mnist", train=False)
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    for split, file in (("train", "train"), ("test", "t10k")):
        for kind in ("images-idx3", "labels-idx1"):
            content = (tmp_path / "MNIST" / "raw" / f"{file}-{kind}-ubyte").read_bytes()
            if kind == "images-idx3":
                pictures = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)
                content = content[:16] + pictures.transpose(0, 2, 1).tobytes()
            (raw / f"emnist-digits-{split}-{kind}-ubyte").write_bytes(content)
    images, _ = registry.load("emnist-digits", train=False)
    assert torch.equal(images, expected.images)


def test_the_packed_files_are_those_of_the_sums() -> None:
    for line in (PACKED / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split()
        content = gzip.decompress((PACKED / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == expected


def test_labels_have_names() -> None:
    assert registry.class_names("mnist") == tuple("0123456789")
    assert registry.class_names("fashion-mnist")[9] == "Ankle boot"
    assert len(registry.class_names("kmnist")) == 10


def idx(shape: tuple[int, ...], value: int = 0) -> bytes:
    """An idx file of uint8 of this shape, all values the same."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes([value]) * math.prod(shape)


@pytest.mark.parametrize(
    ("images", "labels", "why"),
    [
        (bytes(5000), None, "no whole idx file"),
        (b"", None, "no whole idx file"),
        (b"<html>", None, "no whole idx file"),
        (idx((200, 14, 14)), None, r"images have the shape \(14, 14\) instead of \(28, 28\)"),
        (idx((199, 28, 28)), None, "it has 199 images and 200 labels"),
        (idx((0, 28, 28)), None, "no whole idx file|holds no images"),
        (None, idx((200,), 10), "a label is not from 0 to 9"),
        (None, bytes(5000), "no whole idx file"),
    ],
)
def test_files_with_other_content_get_a_reason(
    images: bytes | None, labels: bytes | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path)))
    registry.load("mnist", train=False)
    (tmp_path / "KMNIST").mkdir()
    raw = (tmp_path / "MNIST" / "raw").rename(tmp_path / "KMNIST" / "raw")
    for name, content in (("images-idx3", images), ("labels-idx1", labels)):
        if content is not None:
            (raw / f"t10k-{name}-ubyte").write_bytes(content)
    with pytest.raises(VaeError, match=f"kmnist could not be downloaded or read.*{why}"):
        registry.load("kmnist", train=False)
