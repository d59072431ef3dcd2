"""The training process as the pages start, find and stop it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import vae
from tests.support.browser import wait_until
from tests.support.paths import ROOT
from tests.support.small_runs import small_config
from vae import VaeError
from vae.runs.catalogue import default_runs_dir, list_runs, new_run, open_run
from vae.runs.records import LIVE, Status
from vae.runs.run import Run
from vae.training import jobs, processes


@pytest.fixture
def nothing_left_running(small: Path, forked: None) -> Iterator[None]:  # noqa: ARG001
    yield
    if (run := jobs.live_run(small)) is not None:
        run.request_stop()
        wait_until(lambda: jobs.live_run(small) is None)


@pytest.mark.usefixtures("nothing_left_running")
def test_a_started_run_trains_in_its_own_session_stops_and_resumes(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(processes, "subprocess", subprocess)  # once as it is
        run = jobs.start(small_config(epochs=2000), small)
    assert run.status().state == "starting"
    assert jobs.live_run(small) == run
    wait_until(lambda: run.status().step > 20)
    pid = run.status().pid
    assert pid is not None
    assert os.getsid(pid) == pid != os.getsid(0)
    threads = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    assert {os.getpriority(os.PRIO_PROCESS, each) for each in threads} == {processes.NICENESS}
    assert jobs.live_run(small) == run

    with pytest.raises(VaeError, match=f"{run.name} is being trained. Watch it, or stop it"):
        jobs.start(small_config(seed=2), small)
    assert len(list_runs(small)) == 1, "a refused start leaves a run behind"
    assert jobs.start(run.config, small) == run, "the same config is the same run"

    run.request_stop()
    wait_until(lambda: run.status().state == "stopped")
    assert jobs.live_run(small) is None
    step = run.status().step

    jobs.resume(run)
    wait_until(lambda: run.status().step > step)
    run.request_stop()
    wait_until(lambda: run.status().state == "stopped")
    assert (run.path / "log.txt").read_text().count(run.name) >= 2


@pytest.mark.usefixtures("nothing_left_running")
def test_a_log_that_leads_elsewhere_gives_way(small: Path, tmp_path: Path) -> None:
    run = new_run(small_config(), small)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (run.path / "log.txt").symlink_to(elsewhere)
    run.write_status(run.status().model_copy(update={"state": "stopped"}))
    jobs.resume(run)
    wait_until(lambda: run.status().state == "finished")
    assert elsewhere.read_text() == "mine"
    assert run.name in (run.path / "log.txt").read_text()


@pytest.mark.usefixtures("nothing_left_running")
def test_of_two_starts_at_the_same_instant_one_wins(small: Path) -> None:
    def start(seed: int) -> str:
        try:
            return jobs.start(small_config(epochs=2000, seed=seed), small).name
        except VaeError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(start, (1, 2)))
    assert sum("is being trained. Watch it" in answer for answer in answers) == 1
    assert len(list_runs(small)) == 1


def test_a_finished_run_is_not_started_again(trained: Run) -> None:
    before = trained.status()
    assert jobs.start(trained.config, trained.path.parent).path == trained.path
    assert trained.status() == before


@pytest.mark.usefixtures("nothing_left_running")
def test_a_finished_run_that_was_steered_does_not_stand_for_its_config(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    assert not jobs.unfinished(run.config, runs_dir)
    run.write_status(run.status().model_copy(update={"steered": True, "beta": 40.0}))
    assert jobs.unfinished(run.config, runs_dir)
    other = jobs.start(run.config, runs_dir)
    assert other.name == f"{run.name}-2"
    wait_until(lambda: other.status().state == "finished")
    assert not jobs.unfinished(run.config, runs_dir)
    assert [each.name for each in jobs.start_all([run.config], runs_dir)] == [other.name]


def test_a_damaged_run_does_not_hinder_the_search_for_a_live_one(small: Path) -> None:
    (new_run(small_config(), small, "broken").path / "status.json").write_text("{")
    assert jobs.live_run(small) is None


@pytest.mark.usefixtures("nothing_left_running")
def test_longer_is_what_a_config_with_a_restart_trains(small: Path, trained: Run) -> None:
    shutil.copytree(trained.path, small / trained.name)
    run = open_run(small / trained.name)
    (run.path / "resume.safetensors").unlink()  # as in a run that was mailed
    longer = jobs.train_longer(run, 2)
    assert longer.status().epoch >= 3
    assert jobs.train_longer(run, 2) == longer
    wait_until(lambda: longer.status().state == "finished")
    assert jobs.train_longer(run, 2) == longer
    assert (longer.config.epochs, longer.config.restarts) == (5, (3,))
    lines, _ = longer.metric_lines()
    assert [line.epoch for line in lines if line.split == "test"] == [0, 1, 2, 3, 4, 5]
    assert [line.seconds for line in lines] == sorted(line.seconds for line in lines)
    scratch = vae.train(longer.config, small, again=True)
    expected = load_file(scratch.model_path)
    assert all(torch.equal(part, expected[name]) for name, part in load_file(longer.model_path).items())
    assert run.status() == trained.status(), "the first run stays as it was"


@pytest.mark.usefixtures("nothing_left_running")
def test_each_run_is_continued_by_itself(small: Path, trained: Run) -> None:
    for name in (trained.name, f"{trained.name}-2"):
        shutil.copytree(trained.path, small / name)
    first = jobs.train_longer(open_run(small / trained.name), 1)
    wait_until(lambda: first.status().state == "finished")
    second = jobs.train_longer(open_run(small / f"{trained.name}-2"), 1)
    assert second.name == f"{first.name}-2"


@pytest.mark.usefixtures("nothing_left_running")
def test_a_steered_run_is_continued_at_the_rates_it_ended_with(small: Path, trained: Run) -> None:
    run = open_run(shutil.copytree(trained.path, small / trained.name))
    run.write_status(run.status().model_copy(update={"steered": True, "learning_rate": 1e-4, "beta": 2}))
    longer = jobs.train_longer(run, 1)
    wait_until(lambda: longer.status().state == "finished")
    assert (longer.config.learning_rate, longer.config.beta) == (1e-4, 2)
    assert longer.status().steered, "its first epochs were trained at other rates"


@pytest.mark.usefixtures("nothing_left_running")
def test_several_are_trained_one_after_the_other_and_none_twice(small: Path, trained: Run) -> None:
    shutil.copytree(trained.path, small / trained.name)
    configs = [small_config(seed=seed) for seed in (2, 1, 3)]
    slow, stale = (new_run(config, small) for config in (configs[0], configs[2]))
    for run in (slow, stale):
        run.write_status(Status(state="stopped"))
    slow.update_request(delay=5)  # seconds a batch: it is trained until that is withdrawn
    stale.request_stop()  # those who watched it did
    runs = jobs.start_all(configs, small)
    assert [run.config for run in runs] == configs
    assert runs[0].status().state in LIVE
    assert [run.status().state for run in runs[1:]] == ["finished", "stopped"]
    assert [jobs.unfinished(config, small) for config in configs] == [True, False, True]
    with pytest.raises(VaeError, match="is being trained"):
        jobs.start_all(configs, small)
    runs[0].clear_request()
    wait_until(lambda: runs[2].status().state == "finished")
    assert runs[0].status().heartbeat < runs[2].status().heartbeat
    assert runs[0].status().state == "finished"
    assert runs[1].status() == trained.status()
    assert jobs.start_all(configs, small) == runs  # and nothing is to do
    assert jobs.live_run(small) is None


@pytest.mark.usefixtures("nothing_left_running")
def test_who_stops_the_first_stops_those_that_wait(small: Path) -> None:
    first, second = jobs.start_all([small_config(epochs=2000), small_config()], small)
    wait_until(lambda: first.status().step > 0)
    process = Path(f"/proc/{first.status().pid}")
    first.request_stop()
    wait_until(lambda: not process.exists())
    assert first.status().state == "stopped"
    assert second.status().state == "stopped"
    assert second.status().step == 0


def test_only_a_finished_run_is_trained_longer(small: Path) -> None:
    with pytest.raises(VaeError, match=r"is not finished\. Resume it first"):
        jobs.train_longer(new_run(small_config(), small), 1)


@pytest.mark.parametrize("end", ["kill -TERM $$", "kill -INT $$", "kill -HUP $$", "exit 130", "exit 143"])
def test_a_trainer_that_is_ended_while_it_starts_is_stopped(
    end: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{end}\n")
    python.chmod(0o755)
    monkeypatch.setattr("vae.training.processes.sys.executable", str(python))
    run = jobs.start(small_config(), small)
    wait_until(lambda: run.status().state == "stopped")
    assert run.status().error is None


def test_a_trainer_that_is_interrupted_while_it_imports_modules_is_stopped(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cyclopts.py").write_text(
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "signal.raise_signal(signal.SIGINT)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = jobs.start(small_config(), small)
    wait_until(lambda: run.status().state == "stopped")
    assert run.status().error is None
    assert (run.path / "log.txt").read_text() == "Interrupted.\n"


@pytest.mark.usefixtures("nothing_left_running")
def test_a_run_that_was_killed_while_it_started_starts_again(small: Path) -> None:
    """What the dead trainer was doing must not make the new one look interrupted, or another could start."""
    run = new_run(small_config(epochs=1000), small)
    run.write_status(Status(state="starting", activity="Downloading kmnist: 3 of 21 MB.", notice="A notice."))
    assert run.status().state == "interrupted"
    jobs.resume(run)
    status = run.status()
    assert status.state in LIVE
    assert status.notice is None
    with pytest.raises(jobs.BusyError):
        jobs.start(small_config(seed=9), small)


def test_a_trainer_that_never_began_is_told_of(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.training.processes.sys.executable", shutil.which("false"))
    run = jobs.start(small_config(), small)
    wait_until(lambda: run.status().state == "failed")
    assert "log.txt" in (run.status().error or "")
    assert jobs.live_run(small) is None


@pytest.mark.usefixtures("nothing_left_running")
def test_the_trainer_finds_the_relative_folders_of_the_server(
    small: Path, small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts in the project's folder, wherever the server was started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my data").symlink_to(small_data)
    monkeypatch.setenv("VAE_DATA_DIR", "my data")
    monkeypatch.setenv("VAE_RUNS_DIR", small.name)
    run = jobs.start(small_config(), default_runs_dir())
    assert run.path.parent == small
    wait_until(lambda: run.status().state == "finished")
    assert run.status().total_steps == 36, "it was trained on another data set"


def test_a_process_gets_absolute_folders_and_finds_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONIOENCODING", "cp949")
    started: list[dict[str, str]] = []
    monkeypatch.setattr(processes, "_lower_priority", lambda _: None)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, env, **__: started.append(env))
    for name in ("data", "../data", "~/data", ""):
        monkeypatch.setenv("VAE_DATA_DIR", name)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("lib", "/lib")))
        processes.start_process("runs")
    folders = [tmp_path / "data", tmp_path.parent / "data", tmp_path / "home" / "data", ROOT / "data"]
    assert [Path(environment["VAE_DATA_DIR"]) for environment in started] == folders
    assert {environment["PYTHONIOENCODING"] for environment in started} == {"utf-8"}
    paths = os.pathsep.join((str(ROOT), str(tmp_path / "lib"), "/lib"))
    assert {environment["PYTHONPATH"] for environment in started} == {paths}


def test_a_start_with_a_folder_that_cannot_be_fails_with_a_sentence(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", "~nobody-of-this-name/data")
    with pytest.raises(VaeError, match="VAE_DATA_DIR is wrong: '~nobody-of-this-name/data' cannot be used"):
        jobs.start(small_config(), small)
    (run,) = list_runs(small)
    assert run.status().state == "failed"
