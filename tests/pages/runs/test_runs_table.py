"""The table of runs and the run picker with many runs."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from pages.components.runs.runs_table import OVERLAID
from tests.support.app_test import PAGES, component, visit
from tests.support.small_runs import small_config, stop_within_first_epoch
from vae.runs.catalogue import new_run
from vae.runs.records import Metrics
from vae.runs.run import Run

MANY = 40


@pytest.fixture
def many(runs_dir: Path, trained: Run) -> list[str]:
    """The names of 40 runs, copies of one."""
    names = [trained.name, *(f"run-{number}" for number in range(1, MANY))]
    for name in names[1:]:
        shutil.copytree(trained.path, runs_dir / name)
    return names


def test_only_the_selected_runs_curve_is_read(many: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = Run.read_metrics

    def noting(run: Run, file: BinaryIO, offset: int) -> Iterator[tuple[list[Metrics], int]]:
        read.append(run.name)
        return whole(run, file, offset)

    monkeypatch.setattr(Run, "read_metrics", noting)
    visit(PAGES[2], run=many[3]).run()
    test = visit(PAGES[2], run=many[3], show="Runs")
    table = test.dataframe[0].value
    assert set(table["run"]) == set(many) == set(options(test))
    assert table["−ELBO"].nunique() == 1
    assert set(read) == {many[3]}


def test_a_loss_stands_beside_the_epoch_of_its_test(runs_dir: Path, trained: Run) -> None:
    stopped = new_run(small_config(seed=2), runs_dir)
    stop_within_first_epoch(stopped)
    untested = new_run(small_config(seed=3), runs_dir)
    test = visit(PAGES[2], run=stopped.name, show="Runs")
    rows = test.dataframe[0].value.set_index("run")
    assert rows.loc[stopped.name, ["epochs", "−ELBO", "at epoch"]].tolist() == ["0.85 of 3", 547.76, 0]
    assert rows.loc[trained.name, ["epochs", "at epoch"]].tolist() == ["3 of 3", 3]
    assert rows.loc[untested.name, ["−ELBO", "at epoch"]].isna().all()


def options(test: object) -> list[str]:
    return [label.split(" · ")[0] for label in test.sidebar.selectbox[0].options]  # type: ignore[attr-defined]


def test_of_many_chosen_runs_the_newest_are_overlaid(many: list[str]) -> None:
    test = visit(PAGES[2], {"chosen_runs": many}, run=many[0])
    assert not test.exception
    figure = component(test, "curves")["figure"]
    overlaid = [name for name in many[1:] if f"<extra>{name}: test" in figure]
    assert OVERLAID - 1 <= len(overlaid) <= OVERLAID
    test = visit(PAGES[2], {"chosen_runs": many}, run=many[0], show="Runs")
    assert any(f"newest {OVERLAID}" in caption.value for caption in test.caption)
