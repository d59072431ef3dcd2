"""The table of runs and the run picker with many runs."""

import os
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
from vae.runs.titles import give_title, title_of, title_path, titles_of

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
    assert set(table["name"]) == set(many)
    assert set(table["title"]) == set(options(test))
    assert len(set(table["title"])) == MANY, "equal titles are told apart"
    assert table["−ELBO"].nunique() == 1
    assert set(read) == {many[3]}


def test_a_loss_stands_beside_the_epoch_of_its_test(runs_dir: Path, trained: Run) -> None:
    stopped = new_run(small_config(seed=2), runs_dir)
    stop_within_first_epoch(stopped)
    untested = new_run(small_config(seed=3), runs_dir)
    test = visit(PAGES[2], run=stopped.name, show="Runs")
    rows = test.dataframe[0].value.set_index("name")
    assert rows.loc[stopped.name, ["epochs", "−ELBO", "at epoch"]].tolist() == ["0.85 of 3", 547.76, 0]
    assert rows.loc[trained.name, ["epochs", "at epoch"]].tolist() == ["3 of 3", 3]
    assert rows.loc[untested.name, ["−ELBO", "at epoch"]].isna().all()


def options(test: object) -> list[str]:
    return [label.split(" · ")[0] for label in test.sidebar.selectbox[0].options]  # type: ignore[attr-defined]


def test_of_many_chosen_runs_the_newest_are_overlaid(many: list[str]) -> None:
    test = visit(PAGES[2], {"chosen_runs": many}, run=many[0])
    assert not test.exception
    figure = component(test, "curves")["figure"]
    titles = titles_of(map(Run, Path(os.environ["VAE_RUNS_DIR"]).iterdir()))
    overlaid = [name for name in many[1:] if f"<extra>{titles[name]}: test" in figure]
    assert OVERLAID - 1 <= len(overlaid) <= OVERLAID
    test = visit(PAGES[2], {"chosen_runs": many}, run=many[0], show="Runs")
    assert any(f"newest {OVERLAID}" in caption.value for caption in test.caption)


def test_a_run_is_given_a_title(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    test = visit(PAGES[2], {"chosen_runs": [run.name]}, run=run.name, show="Runs")
    (field,) = (each for each in test.text_input if each.label == "Title")
    field.input("My first").run()
    (save,) = (button for button in test.button if button.label == "Save")
    save.click().run()
    assert title_of(run) == "My first"
    assert options(test) == ["My first"]
    assert test.query_params["run"] in (run.name, [run.name])
    assert test.dataframe[0].value["title"].tolist() == ["My first"]
    visited = visit(PAGES[2], run=run.name)
    assert "My first: finished" in [heading.value for heading in visited.subheader]


def test_a_damaged_title_is_replaced_and_takes_nothing_away(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    title_path(run).write_text("{")
    test = visit(PAGES[2], {"chosen_runs": [run.name]}, run=run.name, show="Runs")
    assert not test.error
    assert {"Delete", "Save"} <= {button.label for button in test.button}
    (field,) = (each for each in test.text_input if each.label == "Title")
    field.input("Whole again").run()
    (save,) = (button for button in test.button if button.label == "Save")
    save.click().run()
    assert title_of(run) == "Whole again"


def test_a_title_that_looks_like_another_runs_label_opens_its_own(runs_dir: Path, trained: Run) -> None:
    stopped = new_run(small_config(seed=2), runs_dir)
    stop_within_first_epoch(stopped)
    stranger = Run(runs_dir / trained.name)
    give_title(stopped, "mine")
    give_title(stranger, "mine · stopped")
    test = visit(PAGES[2], run=stopped.name)
    assert len(set(test.sidebar.selectbox[0].options)) == 2
    test.sidebar.selectbox[0].select(stranger.name).run()
    assert test.query_params["run"] in (stranger.name, [stranger.name])
