"""Losses as arrays: read once, by their tail, whatever happens to the file."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

import vae
from tests.support.small_runs import small_config
from vae import VaeError
from vae.runs import records
from vae.runs.catalogue import new_run
from vae.runs.history import FIELDS, History
from vae.runs.records import Metrics
from vae.runs.run import Run


def line(step: int, split: str = "train") -> Metrics:
    return Metrics.model_validate({**dict.fromkeys(FIELDS, step / 2), "split": split, "step": step})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(small_config(), tmp_path / "runs")


def test_all_lines_are_there_in_their_columns(trained: Run) -> None:
    losses = History(trained).read()
    lines, _ = trained.metric_lines()
    for split, rows in losses._asdict().items():
        for name in FIELDS:
            expected = [getattr(line, name) for line in lines if line.split == split]
            np.testing.assert_array_equal(rows[name], expected)


def test_the_package_gives_the_arrays_of_a_run_by_its_name(
    runs_dir: Path, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (runs_dir / trained.name).is_dir()
    losses = vae.open_run(trained.name).metrics()
    elbo = [line.elbo for line in trained.metric_lines()[0] if line.split == "test"]
    np.testing.assert_array_equal(losses.test["elbo"], elbo)
    assert losses.train["step"].dtype == np.float64
    with pytest.raises(VaeError, match="There is no run in nowhere"):
        vae.open_run("nowhere")


def test_only_what_was_appended_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(run)
    assert [len(rows) for rows in history.read()] == [0, 0]
    offsets: list[int] = []
    whole = Run.read_metrics

    def noting(self: Run, file: BinaryIO, offset: int) -> Iterator[tuple[list[Metrics], int]]:
        offsets.append(offset)
        return whole(self, file, offset)

    monkeypatch.setattr(Run, "read_metrics", noting)
    for step in range(1, 4):
        run.append_metrics(line(step))
        run.append_metrics(line(step, "test"))
        train, test = history.read()
        assert train["step"].tolist() == test["step"].tolist() == list(range(1, step + 1))
    sizes = run.metrics_path.stat().st_size
    assert offsets == sorted(offsets)
    assert offsets[-1] == pytest.approx(sizes * 2 / 3, abs=20)


def test_a_resumed_training_forgets_what_it_writes_again(run: Run) -> None:
    history = History(run)
    for step in range(1, 9):
        run.append_metrics(line(step))
    assert len(history.read().train) == 8
    assert [kept.step for kept in run.truncate_metrics(5)] == [1, 2, 3, 4, 5]
    run.append_metrics(line(6))
    assert history.read().train["step"].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_torn_line_waits_and_a_damaged_one_gets_a_sentence(run: Run) -> None:
    history = History(run)
    whole = line(1).model_dump_json().encode() + b"\n"
    run.metrics_path.write_bytes(whole[:40])
    assert len(history.read().train) == 0
    with run.metrics_path.open("ab") as file:
        file.write(whole[40:])
    assert len(history.read().train) == 1
    with run.metrics_path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(VaeError, match=r"metrics.jsonl is damaged"):
        history.read()
    run.metrics_path.unlink()
    assert len(history.read().train) == 0


def test_a_new_run_of_an_old_name_has_a_history_of_its_own(run: Run) -> None:
    history, config = History(run), run.config
    for step in range(1, 31):
        run.append_metrics(line(step))
    assert len(history.read().train) == 30
    for lines in (3, 40):
        shutil.rmtree(run.path)
        again = new_run(config, run.path.parent)
        for step in range(1, lines + 1):
            again.append_metrics(line(step))
        assert history.read().train["step"].tolist() == list(range(1, lines + 1))


def test_two_resumptions_between_two_looks_are_seen(run: Run) -> None:
    history = History(run)
    for step in range(1, 31):
        run.append_metrics(line(step))
    history.read()
    for kept in (20, 10):
        run.truncate_metrics(kept)
    for step in range(11, 50):
        run.append_metrics(line(step))
    assert history.read().train["step"].tolist() == list(range(1, 50))


def test_the_newest_test_line_is_found_from_the_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever blocks end; an incomplete last line is none yet."""
    assert run.newest_test_metrics() is None
    lines = [line(0, "test"), *map(line, range(1, 40)), line(40, "test"), *map(line, range(41, 60))]
    for tail in (1, 100, 331, 8_000, 10**6):
        monkeypatch.setattr(records, "TAIL", tail)
        run.metrics_path.unlink(missing_ok=True)
        for newest, each in enumerate(lines[:41]):
            run.append_metrics(each)
            assert newest < 38 or run.newest_test_metrics() == lines[0 if newest < 40 else 40]
        for each in lines[41:]:
            run.append_metrics(each)
        assert run.newest_test_metrics() == lines[40]
        with run.metrics_path.open("ab") as file:
            file.write(line(60, "test").model_dump_json().encode())
        assert run.newest_test_metrics() == lines[40]
        with run.metrics_path.open("ab") as file:
            file.write(b"\n")
        assert run.newest_test_metrics() == line(60, "test")


def test_the_newest_test_line_costs_a_block_of_a_long_file(run: Run) -> None:
    whole = b"".join(line(step, "test").model_dump_json().encode() + b"\n" for step in range(20))
    run.metrics_path.write_bytes(b"x" * 5_000_000 + b"\n" + whole * 5)  # what is before is not looked at
    assert run.newest_test_metrics() == line(19, "test")


@pytest.mark.parametrize("end", [b"nonsense\n", b"x" * 20_000, b"\n"])
def test_a_damaged_end_gets_a_sentence(end: bytes, run: Run) -> None:
    run.append_metrics(line(1, "test"))
    with run.metrics_path.open("ab") as file:
        file.write(end)
    with pytest.raises(VaeError, match=r"metrics.jsonl is damaged"):
        run.newest_test_metrics()
