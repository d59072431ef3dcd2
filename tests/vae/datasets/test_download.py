"""Downloads by torchvision's own code, of small files from a server on this machine."""

import gzip
import hashlib
import shutil
import socket
import threading
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.browser import wait_until
from tests.support.small_runs import TRAIN_IMAGES, small_config
from vae import VaeError
from vae.cli.commands import main
from vae.datasets import download as downloads
from vae.datasets import registry
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
def offered(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Has torchvision look for small files at an address; returns the data directory."""
    sums = [(name, hashlib.md5((packed / name).read_bytes()).hexdigest()) for name in NAMES]
    root = tmp_path / "data"
    monkeypatch.setenv("VAE_DATA_DIR", str(root))

    def at(address: str) -> Path:
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [address])
        monkeypatch.setattr(datasets.FashionMNIST, "resources", sums)
        return root

    return at


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_a_download_tells_its_progress_and_leaves_only_whole_files(
    offered: Callable[[str], Path], packed: Path, small_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(packed) as address:
        root = offered(address)
        texts = list(downloads.prepare("fashion-mnist"))
    assert texts
    assert all(text.startswith("Downloading fashion-mnist: 0 of 31 MB") for text in texts)
    assert files(root) == {f"FashionMNIST/raw/{name.removesuffix('.gz')}" for name in NAMES}
    assert list(root.iterdir()) == [root / "FashionMNIST"]
    assert capsys.readouterr().err == "", "torchvision's own progress"
    images, _ = registry.load("fashion-mnist", train=False)
    raw = gzip.decompress((small_data / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert images.tobytes() == raw[16:]
    assert list(downloads.prepare("fashion-mnist")) == []


def test_a_file_that_is_missing_is_downloaded_beside_the_others(
    offered: Callable[[str], Path], packed: Path
) -> None:
    with serving(packed) as address:
        root = offered(address)
        list(downloads.prepare("fashion-mnist"))
        lost = root / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte"
        lost.unlink()
        list(downloads.prepare("fashion-mnist"))
    assert lost.exists()


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
            list(downloads.prepare("fashion-mnist"))
    assert files(root) == set()
    assert socket.getdefaulttimeout() is None


def test_a_download_that_is_given_up_leaves_nothing(offered: Callable[[str], Path]) -> None:
    with sleeping() as address:
        root = offered(address)
        with closing(downloads.prepare("fashion-mnist")) as progress:
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
        with closing(downloads.prepare("fashion-mnist")) as progress:
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
            list(downloads.prepare("fashion-mnist"))
    assert files(root) == set()


def test_a_folder_that_cannot_be_written_is_named(offered: Callable[[str], Path], packed: Path) -> None:
    with serving(packed) as address:
        root = offered(address)
        root.write_text("a file in the way")
        with pytest.raises(VaeError, match=r"fashion-mnist cannot be saved in .*data: .*Make that folder"):
            list(downloads.prepare("fashion-mnist"))


def test_a_full_disk_is_named(offered: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> datasets.MNIST:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(downloads.MAKERS, "fashion-mnist", full)
    offered("")
    with pytest.raises(VaeError, match=r"cannot be saved in .*No space left on device.*free some space"):
        list(downloads.prepare("fashion-mnist"))


def test_two_who_want_the_same_set_download_it_once(
    offered: Callable[[str], Path], packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    maker = downloads.MAKERS["fashion-mnist"]
    both = threading.Barrier(2)

    def counted(root: Path, train: bool, download: bool) -> datasets.MNIST:
        made.append(root)
        return maker(root, train, download)

    def prepare() -> None:
        both.wait()
        list(downloads.prepare("fashion-mnist"))

    monkeypatch.setitem(downloads.MAKERS, "fashion-mnist", counted)
    with serving(packed) as address:
        offered(address)
        threads = [threading.Thread(target=prepare) for _ in range(2)]
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


@pytest.mark.parametrize("dataset", ["fashion-mnist", "kmnist", "emnist-digits"])
def test_without_a_network_a_download_says_what_to_do(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(VaeError, match=f"{dataset} could not be downloaded or read.*mnist, which comes with"):
        list(downloads.prepare(dataset))


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
