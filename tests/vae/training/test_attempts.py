"""A training that torchrun starts again, by the environment that it makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support.small_runs import interrupt_when, small_config
from vae.cli.commands import main
from vae.runs.catalogue import list_runs, new_run
from vae.runs.records import Status

AGAIN = ["train", "--hidden-dims", "24", "16", "--epochs", "1", "--batch-size", "50", "--threads", "1"]
AGAIN += ["--device", "cpu", "--again"]


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment that `torchrun --nproc-per-node 1 --max-restarts 3` makes, and its store."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    place = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port)}
    attempts = {"TORCHELASTIC_MAX_RESTARTS": "3", "TORCHELASTIC_USE_AGENT_STORE": "True"}
    for name, value in {**place, **attempts}.items():
        monkeypatch.setenv(name, value)
    yield
    del store


@pytest.mark.usefixtures("torchrun")
def test_later_attempts_go_on_with_the_further_run_of_the_first(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = new_run(small_config(epochs=1), small)
    other.write_status(Status(state="stopped"))
    with monkeypatch.context() as patch:
        interrupt_when("running", patch)
        assert main(AGAIN) == 0
    (further,) = (run for run in list_runs(small) if run != other)
    assert further.status().state == "stopped"
    for words in ("finished at epoch 1", "is finished already"):
        assert main(AGAIN) == 0
        out = capsys.readouterr().out
        assert further.name in out
        assert words in out
    assert {run.name: run.status().state for run in list_runs(small)} == {
        other.name: "stopped",
        further.name: "finished",
    }


@pytest.mark.usefixtures("torchrun")
@pytest.mark.parametrize(
    "change",
    [
        {"TORCHELASTIC_USE_AGENT_STORE": "False"},
        {"MASTER_PORT": "1"},
        {"MASTER_PORT": "70000"},
        {"MASTER_ADDR": ""},
    ],
)
def test_a_further_run_is_refused_where_later_attempts_would_not_find_it(
    change: dict[str, str], small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    assert main(AGAIN) == 1
    error = capsys.readouterr().err
    assert "(--max-restarts)" in error
    assert error.count("\n") == 1
    assert list_runs(small) == []


@pytest.mark.usefixtures("torchrun")
def test_without_restarts_each_is_a_further_run(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "0")
    for _ in range(2):
        assert main(AGAIN) == 0
    assert len(list_runs(small)) == 2
