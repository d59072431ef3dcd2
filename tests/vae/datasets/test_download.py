"""Downloads by torchvision's own code, of small files from a server on this machine."""

import gzip
import hashlib
import math
import pickle
import shutil
import socket
import struct
import tarfile
import threading
import urllib.error
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.browser import wait_until
from tests.support.small_runs import TEST_IMAGES, TRAIN_IMAGES, small_config
from vae import VaeError
from vae.cli.commands import main
from vae.datasets import download as downloads
from vae.datasets import registry
from vae.datasets.checked import CHECKED
from vae.datasets.folder import RECORD, SPLITS, DatasetWriter
from vae.datasets.obtain import prepare
from vae.datasets.torchvision_import import datasets
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.training.loop import fit

NAMES = [f"{split}-{kind}-ubyte.gz" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """torchvision closes some connections early."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of the files in `folder`."""
    with QuietServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@contextmanager
def sleeping(first: bytes = b"") -> Iterator[str]:
    """The address of a server that accepts connections, sends `first` to each, and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepted: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                accepted.append(connection)
                if first:
                    request = connection.recv(4096)
                    connection.sendall(first.partition(b"\n\n")[0] if request.startswith(b"HEAD") else first)
                    if request.startswith(b"HEAD"):
                        connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in accepted:
            connection.close()


@pytest.fixture
def packed(small_data: Path) -> Path:
    """A folder with the four packed files of a small data set."""
    return small_data / "mnist"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory that does not exist yet."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def offered(packed: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Has torchvision look for a small Fashion-MNIST at an address; returns the data directory."""
    sums = [(name, md5(packed / name)) for name in NAMES]

    def at(address: str) -> Path:
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [address])
        monkeypatch.setattr(datasets.FashionMNIST, "resources", sums)
        return root

    return at


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no network."""

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def unpack(packed: Path, raw: Path) -> None:
    """Unpacks the files of `packed` as torchvision does."""
    raw.mkdir(parents=True)
    for name in NAMES:
        (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress((packed / name).read_bytes()))


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def written(dataset: str) -> set[str]:
    """The files of a data set, relative to the data directory."""
    arrays = (f"{split}-{part}.npy" for split in SPLITS for part in ("images", "labels"))
    return {f"{dataset}/{name}" for name in (RECORD, CHECKED, *arrays)}


def test_a_download_tells_its_progress_and_leaves_only_whole_files(
    offered: Callable[[str], Path], packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(packed) as address:
        root = offered(address)
        texts = list(prepare("fashion-mnist"))
    assert texts[0] == "Downloading fashion-mnist: 0 of 31 MB."
    assert texts[-1] == "Unpacking fashion-mnist."
    assert files(root) == written("fashion-mnist")
    assert list(root.iterdir()) == [root / "fashion-mnist"]
    assert capsys.readouterr().err == "", "torchvision's own progress"
    images, labels = registry.load("fashion-mnist", train=False)
    raw = [gzip.decompress((packed / name).read_bytes()) for name in NAMES[2:]]
    assert images.tobytes() == raw[0][16:]
    assert labels.astype(np.uint8).tobytes() == raw[1][8:]
    record = registry.record_of("fashion-mnist")
    assert list(record.classes) == datasets.FashionMNIST.classes
    assert record.counts == {"train": TRAIN_IMAGES, "test": TEST_IMAGES}
    assert record.licence == "MIT"
    assert list(prepare("fashion-mnist")) == []


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(("dataset", "folder"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_what_an_earlier_version_downloaded_is_taken_without_a_network(
    dataset: str, folder: str, root: Path, packed: Path
) -> None:
    raw = root / folder / "raw"
    unpack(packed, raw)
    before = files(root)
    assert list(prepare(dataset)) == [f"Unpacking {dataset}."]
    assert files(root) == before | written(dataset)
    assert len(registry.load(dataset, train=True).images) == TRAIN_IMAGES


def idx(shape: tuple[int, ...], value: int = 0) -> bytes:
    """An idx file of uint8 of this shape, all values the same."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes([value]) * math.prod(shape)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t10k-images-idx3", None),
        ("t10k-images-idx3", b""),
        ("t10k-images-idx3", bytes(5000)),
        ("t10k-images-idx3", b"<html>"),
        ("t10k-images-idx3", idx((200, 28, 28))[:-1]),
        ("t10k-images-idx3", idx((200, 14, 14))),
        ("t10k-images-idx3", idx((199, 28, 28))),
        ("t10k-images-idx3", idx((0, 28, 28))),
        ("t10k-labels-idx1", idx((200,), 10)),
        ("t10k-labels-idx1", bytes(5000)),
    ],
)
def test_what_was_left_damaged_is_downloaded_again(
    name: str, content: bytes | None, offered: Callable[[str], Path], packed: Path
) -> None:
    with serving(packed) as address:
        root = offered(address)
        raw = root / "FashionMNIST" / "raw"
        unpack(packed, raw)
        if content is None:
            (raw / f"{name}-ubyte").unlink()
        else:
            (raw / f"{name}-ubyte").write_bytes(content)
        assert list(prepare("fashion-mnist"))[:1] == ["Downloading fashion-mnist: 0 of 31 MB."]
    assert len(registry.load("fashion-mnist", train=False).images) == TEST_IMAGES


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.0 200 OK\r\nContent-Length: 9000000\r\n\r\nthe beginning"],
    ids=["mute", "torn off"],
)
def test_a_download_that_stalls_ends_with_a_sentence(
    first: bytes, offered: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.3)
    with sleeping(first) as address:
        root = offered(address)
        with pytest.raises(VaeError, match=r"fashion-mnist could not be downloaded.*Connect to the internet"):
            list(prepare("fashion-mnist"))
    assert files(root) == set()
    assert socket.getdefaulttimeout() is None


def test_a_download_that_is_given_up_leaves_nothing(offered: Callable[[str], Path]) -> None:
    with sleeping() as address:
        root = offered(address)
        with closing(prepare("fashion-mnist")) as progress:
            assert next(progress) == "Downloading fashion-mnist: 0 of 31 MB."
        assert list(root.iterdir()) == []


def test_a_download_that_is_given_up_does_not_go_on_from_another_address(
    offered: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, given_up = threading.Event(), threading.Event()

    class Refusing(QuietHandler):
        def do_GET(self) -> None:
            asked.set()
            given_up.wait()
            self.send_error(500)

    before = set(threading.enumerate())
    with QuietServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        root = offered(address)
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [address, "http://127.0.0.1:1/"])
        with closing(prepare("fashion-mnist")) as progress:
            next(progress)
            asked.wait()
        assert list(root.iterdir()) == []
        given_up.set()
        server.shutdown()
    wait_until(lambda: set(threading.enumerate()) <= before)
    assert list(root.iterdir()) == []


def test_files_that_were_changed_on_their_way_are_refused(
    offered: Callable[[str], Path], packed: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(packed, changed)
    (changed / NAMES[0]).write_bytes(gzip.compress(b"a page that asks to log in"))
    with serving(changed) as address:
        root = offered(address)
        with pytest.raises(VaeError, match="could not be downloaded"):
            list(prepare("fashion-mnist"))
    assert files(root) == set()


def test_a_folder_that_cannot_be_written_is_named(offered: Callable[[str], Path], packed: Path) -> None:
    with serving(packed) as address:
        root = offered(address)
        root.write_text("a file in the way")
        with pytest.raises(VaeError, match=r"fashion-mnist cannot be saved in .*data: .*Make that folder"):
            list(prepare("fashion-mnist"))


@pytest.mark.parametrize("when", ["downloading", "writing"])
def test_a_full_disk_is_named(
    when: str, offered: Callable[[str], Path], packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if when == "downloading":
        monkeypatch.setitem(downloads.MAKERS, "fashion-mnist", full)
    else:
        monkeypatch.setattr(DatasetWriter, "add", full)
    with serving(packed) as address:
        root = offered(address)
        with pytest.raises(
            VaeError, match=r"cannot be saved in .*No space left on device.*free some space.*about 155 MB"
        ):
            list(prepare("fashion-mnist"))
    assert list(root.iterdir()) == []


def test_two_who_want_the_same_set_download_it_once(
    offered: Callable[[str], Path], packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    maker = downloads.MAKERS["fashion-mnist"]
    both = threading.Barrier(2)

    def counted(root: Path, train: bool, download: bool) -> datasets.MNIST:
        if download:
            made.append(root)
        return maker(root, train=train, download=download)

    def work() -> None:
        both.wait()
        list(prepare("fashion-mnist"))

    monkeypatch.setitem(downloads.MAKERS, "fashion-mnist", counted)
    with serving(packed) as address:
        offered(address)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(made) == 1


@pytest.mark.parametrize("way", ["request", "signal"])
def test_a_training_stops_while_its_data_are_downloaded(
    way: str, offered: Callable[[str], Path], tmp_path: Path
) -> None:
    stop = threading.Event()
    with sleeping() as address:
        offered(address)
        run = new_run(small_config(dataset="fashion-mnist"), tmp_path)
        statuses = fit(run, stop)
        first = next(statuses)
        assert (first.state, first.activity) == ("starting", "Downloading fashion-mnist: 0 of 31 MB.")
        assert run.status().activity == first.activity
        if way == "signal":
            stop.set()
        else:
            run.request_stop()
        last = list(statuses)[-1]
    assert (last.state, last.activity) == ("stopped", None)
    assert run.status() == last
    assert run.request() is None


def test_a_stalled_download_fails_the_training_and_a_resumed_one_finishes(
    offered: Callable[[str], Path], packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(small_config(dataset="fashion-mnist", epochs=1), tmp_path)
    with monkeypatch.context() as patch, sleeping() as address:
        patch.setattr(downloads, "STALL_SECONDS", 0.3)
        offered(address)
        with pytest.raises(VaeError, match="fashion-mnist could not be downloaded"):
            list(fit(run))
    assert (run.status().state, run.status().activity) == ("failed", None)
    with serving(packed) as address:
        offered(address)
        assert list(fit(run))[-1].state == "finished"


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("dataset", downloads.MAKERS)
def test_without_a_network_a_download_says_what_to_do(dataset: str, root: Path) -> None:
    with pytest.raises(
        VaeError, match=f"{dataset} could not be downloaded or read.*or sprites, which need no network"
    ):
        list(prepare(dataset))
    assert files(root) == set()


# Of EMNIST's archive: how many classes, and the label of the first.
EMNIST = {"digits": (10, 0), "letters": (26, 1), "balanced": (47, 0)}


def emnist_labels(split: str, part: str) -> npt.NDArray[np.uint8]:
    """Labels as those of the files are: each class twice, one after the other in the test set of letters."""
    count, first = EMNIST[split]
    labels = np.arange(2 * count) // 2 + first
    if (split, part) != ("letters", "test"):
        np.random.default_rng(1).shuffle(labels)
    return labels.astype(np.uint8)


def upright(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Images (N, 28, 28) that are not the same when they are transposed, each with its label in a corner."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, -1] = labels + 100
    images[:, 3, 10:20] = 255
    return images


@pytest.fixture
def emnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small archive of EMNIST, which torchvision takes for the real one."""
    folder = tmp_path / "offered"
    folder.mkdir()
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        for split in EMNIST:
            for part in ("train", "test"):
                labels = emnist_labels(split, part)
                images = upright(labels).swapaxes(1, 2)
                contents = {
                    "images-idx3": struct.pack(">HBB3I", 0, 8, 3, *images.shape) + images.tobytes(),
                    "labels-idx1": struct.pack(">HBBI", 0, 8, 1, len(labels)) + labels.tobytes(),
                }
                for kind, content in contents.items():
                    name = f"gzip/emnist-{split}-{part}-{kind}-ubyte.gz"
                    archive.writestr(name, gzip.compress(content))
    monkeypatch.setattr(datasets.EMNIST, "md5", md5(folder / "gzip.zip"))
    return folder


def test_one_download_makes_all_sets_of_emnist(
    emnist: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(emnist) as address:
        monkeypatch.setattr(datasets.EMNIST, "url", f"{address}gzip.zip")
        texts = list(prepare("emnist-letters"))
    assert texts[0] == "Downloading emnist-letters: 0 of 562 MB."
    assert texts[-3:] == [f"Unpacking emnist-{split}." for split in ("letters", "digits", "balanced")]
    assert files(root) == set().union(*(written(f"emnist-{split}") for split in EMNIST))
    assert list(prepare("emnist-digits")) == list(prepare("emnist-balanced")) == []
    for split, (count, first) in EMNIST.items():
        for part in ("train", "test"):
            images, labels = registry.load(f"emnist-{split}", train=part == "train")
            assert np.array_equal(images, upright((labels + first).astype(np.uint8)))
            assert np.bincount(labels).tolist() == [2] * count
            if (split, part) == ("letters", "test"):
                assert len(set(labels[:10])) > 5, "they were in the order of the classes"
            else:
                assert np.array_equal(labels + first, emnist_labels(split, part))


def test_a_set_of_emnist_that_is_there_stays(
    emnist: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(emnist) as address:
        monkeypatch.setattr(datasets.EMNIST, "url", f"{address}gzip.zip")
        list(prepare("emnist-letters"))
        shutil.rmtree(root / "emnist-balanced")
        before = (root / "emnist-digits" / RECORD).stat().st_mtime_ns
        assert list(prepare("emnist-balanced"))[-1] == "Unpacking emnist-balanced."
    assert (root / "emnist-digits" / RECORD).stat().st_mtime_ns == before


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small archive of CIFAR-10, which torchvision takes for the real one."""
    folder, made = tmp_path / "offered", tmp_path / "made" / "cifar-10-batches-py"
    folder.mkdir()
    made.mkdir(parents=True)
    random = np.random.default_rng(0)
    batches = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for name in batches:
        labels = random.integers(0, 10, 4).tolist()
        # One row for a picture: its red plane, then green, then blue.
        data = random.integers(0, 256, (4, 3072), np.uint8)
        (made / name).write_bytes(pickle.dumps({"data": data, "labels": labels}))
    names = list(registry.class_names("cifar-10"))
    (made / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(made, made.name)
    sums = [[name, md5(made / name)] for name in batches]
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(folder / "cifar-10-python.tar.gz"))
    monkeypatch.setattr(datasets.CIFAR10, "train_list", sums[:-1])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", sums[-1:])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(made / "batches.meta")}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return folder


def test_cifar_10_is_read_in_colour(
    cifar: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(cifar) as address:
        monkeypatch.setattr(datasets.CIFAR10, "url", f"{address}cifar-10-python.tar.gz")
        texts = list(prepare("cifar-10"))
    assert texts[0] == "Downloading cifar-10: 0 of 170 MB."
    assert texts[-1] == "Unpacking cifar-10."
    assert files(root) == written("cifar-10")
    for train in (True, False):
        images, labels = registry.load("cifar-10", train=train)
        expected = datasets.CIFAR10(tmp_path / "made", train=train)
        assert images.shape == (20 if train else 4, 32, 32, 3)
        assert np.array_equal(images, expected.data)
        assert labels.tolist() == expected.targets


def test_another_archive_than_that_of_cifar_10_is_not_opened(
    cifar: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", "0" * 32)
    monkeypatch.setattr(pickle, "load", lambda *_, **__: pytest.fail("it was read"))
    with serving(cifar) as address:
        monkeypatch.setattr(datasets.CIFAR10, "url", f"{address}cifar-10-python.tar.gz")
        with pytest.raises(VaeError, match="cifar-10 could not be downloaded or read"):
            list(prepare("cifar-10"))
    assert files(root) == set()


def test_the_command_line_says_what_it_downloads(
    offered: Callable[[str], Path], packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(packed) as address:
        root = offered(address)
        assert main(["download", "fashion-mnist"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"fashion-mnist is in {root}.\n"
    assert "Downloading fashion-mnist: 0 of 31 MB.\n" in printed.err
    assert len(registry.load("fashion-mnist", train=True).images) == TRAIN_IMAGES
    assert main(["download", "fashion-mnist"]) == 0
    assert capsys.readouterr().err == ""


def test_an_evaluation_says_that_it_downloads(
    offered: Callable[[str], Path],
    packed: Path,
    trained: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = new_run(small_config(dataset="fashion-mnist"), tmp_path)
    shutil.copy(trained.model_path, run.model_path)
    with serving(packed) as address:
        offered(address)
        assert main(["evaluate", str(run.path)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Downloading fashion-mnist: 0 of 31 MB."
    assert lines[-1] == "evaluated 100 %"
