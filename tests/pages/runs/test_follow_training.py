"""A run that trains while it is explored: what is said of its weights, the first and newer ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app_test import messages, read
from tests.support.small_runs import small_config
from vae import VaeError
from vae.runs.catalogue import new_run
from vae.runs.records import State, Status
from vae.runs.run import Run
from vae.runs.titles import title_of


def exploring() -> None:
    """A page that shows what a run has; `meanwhile` happens while it is explored."""
    import streamlit as st

    from pages.components.runs import loaded_model
    from pages.components.runs.follow_training import follow_training, wait_for_weights
    from pages.components.shell.messages import show_errors

    run = st.session_state["run"]
    with show_errors():
        if not wait_for_weights(run):
            loaded = loaded_model.load(run)
            st.session_state.pop("meanwhile", lambda: None)()
            follow_training(run, loaded)


def visit(run: Run, **state: object) -> AppTest:
    test = AppTest.from_function(exploring, default_timeout=60)
    for name, value in {"run": run, **state}.items():
        test.session_state[name] = value
    test.run()
    assert not test.exception
    return test


@pytest.fixture
def training(runs_dir: Path, trained: Run) -> Iterator[Run]:
    """A run with weights whose training goes on."""
    run = Run(runs_dir / trained.name)
    with run.lock():
        run.write_status(Status(state="running", epoch=1.25, total_steps=36))
        yield run


@pytest.mark.parametrize("state", ["stopped", "interrupted", "failed"])
def test_weights_of_an_unfinished_run_are_shown_with_their_epoch(
    state: State, runs_dir: Path, trained: Run
) -> None:
    from tests.support.small_runs import save_model

    run = Run(runs_dir / trained.name)
    assert not visit(run).caption
    save_model(run.model_path, run.load_model(), run.config, 10, 10 / 12)
    # The status may be further than the weights, after a kill.
    run.write_status(Status(state=state, step=20, epoch=1.67, total_steps=36))
    assert read(visit(run).caption[0].value) == f"Shown is {title_of(run)} after epoch 0.83 of 3."


def test_newer_weights_are_offered_also_if_they_came_while_others_were_read(training: Run) -> None:
    from tests.support.small_runs import save_model

    def save() -> None:
        save_model(training.model_path, training.load_model(), training.config, 18, 1.5)

    still = {f"follow {training.name}": False}
    assert not visit(training, **still).button
    test = visit(training, meanwhile=save, **still)
    assert test.caption[0].value.endswith("trains: epoch 1.2 now; shown is epoch 3.0.")
    test.button[0].click().run()
    assert test.caption[0].value.endswith("shown is epoch 1.5.")
    assert not test.button


def test_newer_weights_come_by_themselves_once_the_last_have_rested(training: Run) -> None:
    from pages.components.runs import loaded_model
    from tests.support.small_runs import save_model

    def save() -> None:
        save_model(training.model_path, training.load_model(), training.config, 18, 1.5)

    def save_and_wait() -> None:
        save()
        loaded_model._cached_change.clear()

    assert visit(training, meanwhile=save).caption[0].value.endswith("shown is epoch 3.0.")
    assert visit(training, meanwhile=save_and_wait).caption[0].value.endswith("shown is epoch 1.5.")


def test_weights_rest_while_a_run_trains_so_that_the_test_set_is_scored_once_for_all(training: Run) -> None:
    from pages.components.runs import loaded_model, run_data
    from tests.support.small_runs import save_model

    first = loaded_model.load(training)
    save_model(training.model_path, training.load_model(), training.config, 2, 0.2)
    assert loaded_model.load(training) is first
    loaded_model.refresh(training)
    assert loaded_model.load(training).written == training.model_path.stat().st_mtime_ns != first.written
    training.write_status(Status(state="finished", epoch=3, total_steps=36))
    save_model(training.model_path, training.load_model(), training.config, 36, 3)
    run_data.status.clear()
    assert loaded_model.load(training).written == training.model_path.stat().st_mtime_ns


def test_a_run_that_is_resumed_shows_no_older_weights_than_before(training: Run) -> None:
    from pages.components.runs import loaded_model, run_data
    from tests.support.small_runs import save_model

    loaded_model.load(training)
    shown = []
    for state, step in (("stopped", 2), ("running", 3)):
        save_model(training.model_path, training.load_model(), training.config, step, 0.2)
        training.write_status(training.status().model_copy(update={"state": state}))
        run_data.status.clear()
        shown.append(loaded_model.load(training).written)
        if state == "stopped":
            stopped_at = training.model_path.stat().st_mtime_ns
    assert min(shown) >= stopped_at


def test_another_run_of_the_same_name_shows_weights_of_its_own(training: Run) -> None:
    from pages.components.runs import loaded_model
    from tests.support.small_runs import save_model

    model = training.load_model()
    before = loaded_model.load(training).written
    training.write_config(training.config)
    save_model(training.model_path, model, training.config, 1, 0.1)
    assert loaded_model.load(training).written == training.model_path.stat().st_mtime_ns != before


def test_weights_that_are_gone_get_a_sentence(training: Run) -> None:
    test = visit(training, meanwhile=training.model_path.unlink)
    assert "model.safetensors cannot be read or written" in messages(test)


@pytest.mark.parametrize("has_weights", [False, True])
def test_a_status_that_is_damaged_meanwhile_gets_a_sentence(
    has_weights: bool, runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(runs_dir / trained.name) if has_weights else new_run(small_config(seed=5), runs_dir)
    asked: list[Run] = []

    def status(run: Run) -> Status:
        asked.append(run)
        if len(asked) == 1:
            return Status(state="running", total_steps=36)
        raise VaeError("status.json is damaged.")

    monkeypatch.setattr(Run, "status", status)
    assert "status.json is damaged." in messages(visit(run))
