"""The environment of several workers: whole, in part, or wrong."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from vae import VaeError
from vae.cli.commands import main
from vae.training.processes import _environment
from vae.training.worker_place import VARIABLES, WorkerPlace, worker_place

WHOLE = {
    "RANK": "1",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "host",
    "MASTER_PORT": "29500",
}


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def put(monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str]) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)


def test_a_whole_environment_is_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, WHOLE)
    assert worker_place() == WorkerPlace(1, 4, 1, 2, "host", 29500)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"WORLD_SIZE": ""},
        {"WORLD_SIZE": " ", "RANK": ""},
        {"WORLD_SIZE": "1"},
        {"WORLD_SIZE": "1", "RANK": "0"},
        {"MASTER_ADDR": "host", "MASTER_PORT": "1"},
        {**WHOLE, "WORLD_SIZE": "1", "RANK": "0"},
    ],
)
def test_a_process_without_partners_is_alone(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, given)
    assert worker_place() is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is '2', as for one of several workers, but RANK, LOCAL_RANK"),
        ({"RANK": "1"}, "RANK is '1', .* but WORLD_SIZE, .* and MASTER_PORT are not set"),
        ({"RANK": "0"}, "WORLD_SIZE"),
        (
            {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "host"},
            "LOCAL_RANK, LOCAL_WORLD_SIZE and MASTER_PORT",
        ),
        ({**WHOLE, "MASTER_PORT": " "}, "but MASTER_PORT is not set"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', not a whole number from 1"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0'"),
        ({"WORLD_SIZE": "-2"}, "WORLD_SIZE is '-2'"),
        ({"WORLD_SIZE": "2.0"}, "WORLD_SIZE is '2.0'"),
        ({"WORLD_SIZE": "²"}, "WORLD_SIZE is '²'"),
        ({"WORLD_SIZE": "1", "RANK": "1"}, "RANK is '1', not a whole number from 0 to 0"),
        ({**WHOLE, "RANK": "4"}, "RANK is '4', not a whole number from 0 to 3"),
        ({**WHOLE, "LOCAL_RANK": "2"}, "LOCAL_RANK is '2'"),
        ({**WHOLE, "LOCAL_WORLD_SIZE": "5"}, "LOCAL_WORLD_SIZE is '5', not a whole number from 1 to 4"),
        ({**WHOLE, "MASTER_PORT": "70000"}, "MASTER_PORT is '70000', not a whole number from 1 to 65535"),
    ],
)
def test_half_an_environment_is_named_and_makes_no_run(
    given: dict[str, str],
    sentence: str,
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(monkeypatch, given)
    with pytest.raises(VaeError, match=sentence):
        worker_place()
    assert main(["train", "--epochs", "1"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "torchrun" in error
    assert not small.exists()


def test_what_the_app_starts_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, WHOLE)
    assert not set(VARIABLES) & _environment().keys()
    assert _environment()["PATH"] == os.environ["PATH"]
