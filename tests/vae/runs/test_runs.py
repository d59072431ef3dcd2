"""The run directory and the runs directory: what is refused, repaired and kept."""

import json
import multiprocessing
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import filelock
import pytest

from tests.support.small_runs import small_config
from vae import VaeError
from vae.runs.catalogue import delete_run, find_run, list_runs, new_run, open_run, run_of_config, summary
from vae.runs.records import Metrics, State, Status
from vae.runs.run import STARTING_SECONDS, Run


def line(step: int, split: str = "train") -> Metrics:
    numbers = dict.fromkeys(Metrics.model_fields, 1.5)
    return Metrics.model_validate({**numbers, "split": split, "step": step})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(small_config(), tmp_path / "runs")


def test_the_same_config_finds_the_same_run(run: Run) -> None:
    runs_dir = run.path.parent
    assert new_run(run.config, runs_dir) == run
    again = new_run(run.config, runs_dir, again=True)
    assert again.name == f"{run.name}-2"
    assert again.config == run.config
    assert {found.name for found in list_runs(runs_dir)} == {run.name, again.name}
    # Nothing half made is left over.
    assert sorted(path.name for path in runs_dir.iterdir()) == sorted([run.name, again.name])


@pytest.mark.parametrize("state", ["stopped", "finished"])
def test_a_steered_run_is_not_that_of_its_config(run: Run, state: State) -> None:
    runs_dir = run.path.parent
    assert run_of_config(run.config, runs_dir) == run
    run.write_status(run.status().model_copy(update={"state": state, "steered": True, "beta": 40.0}))
    assert run_of_config(run.config, runs_dir) is None
    with pytest.raises(VaeError, match=f"{run.name} was steered: .* resume {run.name}"):
        new_run(run.config, runs_dir, run.name)
    with pytest.raises(VaeError, match="another config"):
        new_run(run.config.model_copy(update={"beta": 2.0}), runs_dir, run.name)
    other = new_run(run.config, runs_dir)
    assert other.name == f"{run.name}-2"
    assert new_run(run.config, runs_dir) == run_of_config(run.config, runs_dir) == other
    assert run.status().steered


def test_other_rates_are_steering_whatever_the_flag_says(run: Run) -> None:
    """A version that had no flag wrote them; a request will put them in force; a copy goes on with them."""
    status = run.status().model_copy(update={"state": "finished", **run.config.rates})
    run.write_status(status)
    assert not run.is_steered()
    run.write_status(status.model_copy(update={"beta": 0.0}))
    assert run.is_steered()
    run.write_status(status.model_copy(update={"learning_rate": 1e-4}))
    assert run.is_steered()
    run.write_status(status)
    run.update_request(pause_at=3)
    assert not run.is_steered()
    run.update_request(beta=0)
    assert not run.is_steered(), "a finished run is not changed by a request"
    run.write_status(status.model_copy(update={"state": "stopped"}))
    assert run.is_steered()
    assert summary(run)["steered"], "as its title says"
    run.clear_request()
    run.write_status(status.model_copy(update={"steered": True, "epoch": 3.0}))  # and changed back
    copy = new_run(run.config.extended(1), run.path.parent, origin=run)
    assert copy.status().steered
    assert run_of_config(copy.config, run.path.parent) is None


def test_runs_stand_in_the_order_of_their_training_whatever_the_times_of_their_files(tmp_path: Path) -> None:
    """A checkout or a copy gives all files about the same time; a stranger's status names any."""
    now = time.time()
    runs = [new_run(small_config(), tmp_path, f"run-{number}") for number in range(5)]
    for run, age in zip(runs, (300, 100, 200, -900, 50), strict=True):
        status = {"state": "finished", "heartbeat": now - age}
        (run.path / "status.json").write_text(json.dumps(status), encoding="utf-8")
    (runs[4].path / "status.json").write_text("{", encoding="utf-8")  # then the time of its config counts
    for run in runs:
        for path in (run.path / "status.json", run.path / "config.json"):
            os.utime(path, (now - 150, now - 150))
    os.utime(runs[0].path / "config.json", (now, now))
    for run in runs[:3]:
        os.utime(run.path / "status.json", (now, now))
    assert [run.name for run in list_runs(tmp_path)] == ["run-1", "run-3", "run-4", "run-2", "run-0"]


def test_a_name_can_be_given_but_not_taken(run: Run) -> None:
    mine = new_run(run.config, run.path.parent, "mine")
    assert mine.name == "mine"
    with pytest.raises(VaeError, match="mine is a run of another config"):
        new_run(small_config(seed=2), run.path.parent, "mine")


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", ".hidden", "", "A", "a" * 81, "a b", "a\n", "ä"])
def test_what_is_no_name_is_refused(name: str, run: Run) -> None:
    with pytest.raises(VaeError, match="no run's name: 1 to 80 small letters"):
        find_run(run.path.parent, name)
    if name:
        with pytest.raises(VaeError, match="no run's name"):
            new_run(run.config, run.path.parent, name)


def test_a_further_run_has_a_name_that_can_be_opened(run: Run) -> None:
    name = "a" * 79
    new_run(run.config, run.path.parent, name)
    with pytest.raises(VaeError, match="no run's name"):
        new_run(run.config, run.path.parent, name, again=True)


def test_how_a_run_is_carried_out_can_be_changed(run: Run) -> None:
    changed = run.config.model_copy(update={"threads": 2, "device": "auto"})
    with run.lock():
        assert new_run(changed, run.path.parent).config.threads == 1
    assert new_run(changed, run.path.parent).config == changed
    assert open_run(run.path).config == changed


def test_the_size_is_told_while_files_come_and_go(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Path.glob

    def gone(self: Path, pattern: str) -> list[Path]:
        return [*found(self, pattern), self / f".status.json.{pattern[-1]}"]

    expected = run.size()
    monkeypatch.setattr(Path, "glob", gone)
    assert run.size() == expected > 0


@pytest.mark.parametrize("target", ["../elsewhere", "link", "nowhere", "a" * 300])
def test_a_link_in_the_place_of_a_run_is_refused(target: str, run: Run, tmp_path: Path) -> None:
    new_run(small_config(), tmp_path, "elsewhere")
    (run.path.parent / "link").symlink_to(target)
    with pytest.raises(VaeError, match="link is a link; runs are plain folders in"):
        find_run(run.path.parent, "link")
    assert list_runs(run.path.parent) == [run]


@pytest.mark.parametrize("target", ["config.json", "nowhere", "a" * 300])
def test_a_folder_whose_config_is_a_link_to_nowhere_hides_no_others(target: str, run: Run) -> None:
    strange = run.path.with_name("strange")
    strange.mkdir()
    (strange / "config.json").symlink_to(target)
    assert list_runs(run.path.parent) == [run]


@pytest.mark.parametrize("target", ["00000001.safetensors", "a" * 300])
def test_links_take_no_room(target: str, run: Run) -> None:
    expected = run.size()
    run.snapshot_path(1).parent.mkdir()
    run.snapshot_path(1).symlink_to(target)
    assert run.size() == expected


def test_an_unknown_run_says_how_to_list_them(run: Run) -> None:
    with pytest.raises(VaeError, match=r"There is no run in .*nope.*python -m vae runs"):
        find_run(run.path.parent, "nope")
    with pytest.raises(VaeError, match="There is no run in"):
        open_run(run.path.parent)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "config.json cannot be read"),
        ("[1, 2]", "config.json cannot be read"),
        ("{}", "config.json cannot be read"),
        ('{"format": 2, "epochs": 0}', "epochs: input should be greater than or equal to 1"),
        ('{"format": 2, "colour": "red"}', "colour: extra inputs are not permitted"),
        ('{"format": 0}', "it names no format"),
        ('{"format": 9}', "written by a newer version; update"),
    ],
)
def test_a_config_that_does_not_parse_is_named(content: str, sentence: str, run: Run) -> None:
    (run.path / "config.json").write_text(content)
    with pytest.raises(VaeError, match=sentence):
        _ = Run(run.path).config


def test_a_damaged_status_is_named(run: Run) -> None:
    (run.path / "status.json").write_text('{"state": "flying"}')
    with pytest.raises(VaeError, match=r"status\.json is damaged\. Put it back"):
        run.status()


def test_metrics_are_read_by_tail_and_a_torn_line_waits(run: Run) -> None:
    run.append_metrics(line(1))
    first, offset = run.metric_lines()
    run.append_metrics(line(2))
    file = run.path / "metrics.jsonl"
    torn = line(3).model_dump_json()
    with file.open("a") as stream:
        stream.write(torn[:20])
    second, later = run.metric_lines(offset)
    assert [m.step for m in first + second] == [1, 2]
    with file.open("a") as stream:
        stream.write(torn[20:] + "\n")
    assert [m.step for m in run.metric_lines(later)[0]] == [3]


def test_resuming_forgets_later_lines_and_repairs_the_torn_one(run: Run) -> None:
    for step in (1, 2, 3):
        run.append_metrics(line(step))
    with (run.path / "metrics.jsonl").open("a") as stream:
        stream.write('{"split": "tr')
    run.truncate_metrics(2)
    run.append_metrics(line(3, "test"))
    assert [(m.step, m.split) for m in run.metric_lines()[0]] == [(1, "train"), (2, "train"), (3, "test")]


def test_damaged_metrics_are_named(run: Run) -> None:
    (run.path / "metrics.jsonl").write_text("nonsense\n")
    with pytest.raises(VaeError, match=r"metrics\.jsonl is damaged"):
        run.metric_lines()


def test_a_live_state_needs_a_living_trainer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.status().state == "starting"
    later = time.time() + STARTING_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert run.status().state == "interrupted"
    run.write_status(Status(state="running"))
    assert run.status().state == "interrupted"
    with run.lock():
        assert run.status().state == "running"


def test_a_trainer_that_ends_while_one_looks_did_not_die(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_status(Status(state="running"))

    def ended(_: Run) -> bool:
        run.write_status(Status(state="finished"))
        return False

    monkeypatch.setattr(Run, "is_locked", ended)
    assert run.status().state == "finished"


@pytest.mark.parametrize("begun", [Status(state="starting", activity="Loading."), Status(state="running")])
def test_a_trainer_that_begins_while_one_looks_is_alive(
    begun: Status, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [False, True]

    def locked(self: Run) -> bool:
        self.write_status(begun)
        return answers.pop(0)

    monkeypatch.setattr(Run, "is_locked", locked)
    assert run.status().state == begun.state


def test_only_one_holds_a_run(run: Run) -> None:
    with (
        filelock.FileLock(run.path / "lock"),
        pytest.raises(VaeError, match="trained by another"),
        run.lock(),
    ):
        pytest.fail("two trainers in one run")


def _create(runs_dir: Path) -> str:
    return new_run(small_config(), runs_dir).name


def test_two_starts_at_the_same_instant_make_one_run(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        names = pool.map(_create, [tmp_path / "runs"] * 8, chunksize=1)
    assert len(set(names)) == 1
    assert [path.name for path in (tmp_path / "runs").iterdir()] == names[:1]


def test_deleting_takes_the_whole_run_and_no_other(run: Run) -> None:
    other = new_run(run.config, run.path.parent, again=True)
    with other.lock(), pytest.raises(VaeError, match="trained by another process"):
        delete_run(other)
    delete_run(run)
    assert [path.name for path in run.path.parent.iterdir()] == [other.name]


def test_folders_without_end_get_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(_: Path) -> None:  # none are made: pytest could not remove them either
        raise RecursionError

    monkeypatch.setattr("shutil.rmtree", too_deep)
    with pytest.raises(VaeError, match=r"folders in folders, too deep .* Remove .* by hand"):
        delete_run(run)
    assert list_runs(run.path.parent) == []


def test_who_looks_while_a_run_is_deleted_leaves_nothing_of_its_name(run: Run) -> None:
    """A lock that makes its folder anew would block the name: a folder, but no run."""
    done, config = threading.Event(), run.config

    def look() -> None:
        while not done.is_set():
            with suppress(VaeError):
                run.is_locked()

    looking = [threading.Thread(target=look) for _ in range(2)]
    for each in looking:
        each.start()
    try:
        for _ in range(100):
            with suppress(VaeError):  # just looked at
                delete_run(run)
            new_run(config, run.path.parent)
    finally:
        done.set()
        for each in looking:
            each.join()


def test_a_lock_of_a_run_that_was_deleted_is_no_lock(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def deleted(path: Path, *arguments: int) -> int:
        descriptor = opened(path, *arguments)
        monkeypatch.undo()
        run.path.rename(run.path.with_name("doomed"))
        return descriptor

    monkeypatch.setattr(os, "open", deleted)
    with pytest.raises(VaeError, match="is gone: it was deleted"), run.lock():
        pytest.fail("held")
    assert not run.path.exists()


def test_folders_that_are_no_runs_are_not_listed(run: Run) -> None:
    for name in ("empty", ".hidden", "My run"):
        (run.path.parent / name).mkdir()
    for name in (".hidden", "My run"):
        (run.path.parent / name / "config.json").write_text("{}")
    assert list_runs(run.path.parent) == [run]
    assert list_runs(run.path.parent / "nowhere") == []
