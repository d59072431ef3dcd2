"""What tests share: a small MNIST, and one small trained run."""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from vae.catalogue import new_run
from vae.config import TrainConfig
from vae.runs import Run
from vae.training import fit

ROOT = Path(__file__).resolve().parent.parent
PACKED = ROOT / "data" / "mnist"
# The run that comes with the project: the preset of the pages.
BUNDLED = ROOT / "checkpoints" / TrainConfig.preset("quick").run_name
TRAIN_IMAGES, TEST_IMAGES = 600, 200


def write_small_mnist(root: Path, train: int = TRAIN_IMAGES, test: int = TEST_IMAGES) -> Path:
    """The first images of MNIST as a packed set of its own under `root`."""
    packed = root / "mnist"
    packed.mkdir(parents=True)
    sums = ""
    for split, count in (("train", train), ("t10k", test)):
        for kind, header, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
            name = f"{split}-{kind}-ubyte"
            whole = gzip.decompress((PACKED / f"{name}.gz").read_bytes())
            content = whole[:4] + np.array([count], ">i4").tobytes() + whole[8 : header + count * size]
            (packed / f"{name}.gz").write_bytes(gzip.compress(content))
            sums += f"{hashlib.sha256(content).hexdigest()}  {name}\n"
    (packed / "SHA256SUMS").write_text(sums)
    return root


@pytest.fixture(autouse=True)
def main_module_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit puts the script it tests in the place of `__main__`, which spawned processes then import."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 600 training and 200 test images; read only."""
    return write_small_mnist(tmp_path_factory.mktemp("data"))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, small_data: Path, tmp_path: Path) -> Path:
    """Makes the small MNIST and an empty runs directory those of this test; returns the latter."""
    runs_dir = tmp_path / "runs"
    monkeypatch.setenv("VAE_DATA_DIR", str(small_data))
    monkeypatch.setenv("VAE_RUNS_DIR", str(runs_dir))
    return runs_dir


def small_config(**changes: object) -> TrainConfig:
    """A config that trains on the small MNIST in a second."""
    fields = {"hidden_dims": (24, 16), "epochs": 3, "batch_size": 50, "threads": 1, "device": "cpu"}
    return TrainConfig.model_validate({**fields, **changes})


@pytest.fixture(scope="session")
def trained(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run on the small MNIST; read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        run = new_run(small_config(), tmp_path_factory.mktemp("runs"))
        for _ in fit(run):
            pass
    return run
