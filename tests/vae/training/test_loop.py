"""The loop: it learns, it repeats itself, and it goes on from wherever it was cut off."""

import itertools
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import vae
from tests.support.small_runs import small_config
from tests.support.tensors import load
from vae import VaeError
from vae.models.gradients import Gradients
from vae.runs.catalogue import new_run
from vae.runs.records import Status
from vae.runs.run import Run
from vae.training.loop import fit
from vae.training.schedule import masks, snapshot_steps
from vae.training.scoring import score_set
from vae.training.state import prune_snapshots


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.model_path)


def assert_same_weights(one: Run, other: Run) -> None:
    expected = weights(other)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights(one).items())


def test_a_finished_run_holds_what_the_design_says(trained: Run) -> None:
    files = {str(path.relative_to(trained.path)) for path in trained.path.rglob("*") if path.is_file()}
    snapshots = {f"snapshots/{step:08d}.safetensors" for step in snapshot_steps(36, 12, 1_000_000)}
    assert files - {"lock"} == snapshots | {
        "config.json",
        "status.json",
        "metrics.jsonl",
        "model.safetensors",
        "resume.safetensors",
        "view.safetensors",
    }
    status = trained.status()
    assert (status.state, status.step, status.total_steps, status.epoch) == ("finished", 36, 36, 3)
    assert status.images_per_second > 0
    assert status.threads == 1


def test_it_learns_and_writes_every_batch_into_the_metrics(trained: Run) -> None:
    lines, _ = trained.metric_lines()
    tests = [line for line in lines if line.split == "test"]
    assert [line.epoch for line in tests] == [0, 1, 2, 3]
    losses = [-line.elbo for line in tests]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.75 * losses[0]
    steps = [line.step for line in lines if line.split == "train"]
    # 12 batches an epoch: each has a line in the first, then at least ten lines an epoch.
    assert steps[:12] == list(range(1, 13))
    assert steps[-1] == 36
    assert len(set(steps)) == len(steps) >= 12 + 2 * 10
    for line in lines:
        assert line.elbo == pytest.approx(-line.reconstruction - line.kl)


def test_the_same_seed_trains_the_same_weights(trained: Run, small: Path) -> None:
    assert_same_weights(vae.train(trained.config, small), trained)
    other = vae.train(small_config(seed=2), small)
    assert not torch.equal(weights(other)["decoder.logits.weight"], weights(trained)["decoder.logits.weight"])


def test_a_finished_config_is_opened_and_again_trains_another(small: Path) -> None:
    config = small_config(epochs=1)
    run = vae.train(config, small)
    written = run.model_path.stat().st_mtime_ns
    assert vae.train(config, small) == run
    assert run.model_path.stat().st_mtime_ns == written
    assert vae.train(config, small, again=True).name == f"{run.name}-2"


@pytest.fixture(params=["trained", "convolved"])
def reference(request: pytest.FixtureRequest) -> Run:
    """Finished runs, without and with convolutions; read only."""
    run = request.getfixturevalue(request.param)
    assert isinstance(run, Run)
    return run


@pytest.mark.parametrize("line", [1, 5, 14, 25])
def test_a_stopped_run_resumes_to_the_same_weights(line: int, reference: Run, small: Path) -> None:
    run = new_run(reference.config, small)
    for number, _ in enumerate(fit(run)):
        if number == line:
            run.request_stop()
    assert run.status().state == "stopped"
    assert run.request() is None
    vae.train(reference.config, small)
    assert_same_weights(run, reference)
    assert [line.step for line in run.metric_lines()[0]] == [
        line.step for line in reference.metric_lines()[0]
    ]


def test_the_encoder_sees_a_picture_without_its_hidden_pixels(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[tuple[torch.Tensor, torch.Tensor]] = []
    compute = Gradients.__call__

    def watched(self: Gradients, x: torch.Tensor, seen: torch.Tensor, *others: Any) -> torch.Tensor:
        batches.append((x, seen))
        return compute(self, x, seen, *others)

    monkeypatch.setattr(Gradients, "__call__", watched)
    config = small_config(epochs=2, pixel_dropout=0.3)
    for _ in fit(new_run(config, small)):
        pass
    x, seen = batches[13]  # the second of the second epoch
    rows = torch.arange(50, 100)
    assert torch.equal(seen, x * masks(config, 1)[rows])
    assert 0.6 < (seen[x > 0] > 0).float().mean() < 0.8


def test_the_time_left_is_told_once_the_speed_is_known(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.training.device.SPEED_SECONDS", 0)
    first, *_, last = fit(new_run(small_config(epochs=1), small))
    assert first.eta_seconds is None
    assert last.eta_seconds == 0


def test_an_abandoned_run_resumes_to_the_same_weights(reference: Run, small: Path) -> None:
    """As if killed between a save and the next: the metrics are ahead of the weights."""
    run = new_run(reference.config, small)
    iterator = fit(run)
    for _ in itertools.takewhile(lambda status: status.epoch < 1.6, iterator):
        pass
    iterator.close()
    assert run.status().state == "interrupted"
    assert run.metric_lines()[0][-1].step > 12
    vae.train(reference.config, small)
    assert_same_weights(run, reference)
    assert [line.step for line in run.metric_lines()[0]] == [
        line.step for line in reference.metric_lines()[0]
    ]


@pytest.mark.parametrize("step", [23, 24, 25, 30])
def test_a_stop_at_or_after_a_restart_changes_nothing(step: int, small: Path) -> None:
    new = {"network": "residual", "pixel_dropout": 0.1, "adam_beta2": 0.99}
    config = small_config(epochs=4, restarts=(2,), **new)  # at step 24
    whole = vae.train(config, small)
    run = new_run(config, small, again=True)
    run.update_request(pause_at=step)
    statuses = fit(run)
    assert next(status for status in statuses if status.state == "paused").step == step
    statuses.close()
    list(fit(run))
    assert_same_weights(run, whole)


def test_a_diverging_loss_fails_with_a_sentence_and_keeps_the_last_good_weights(small: Path) -> None:
    config = small_config(schedule="constant", epochs=40, learning_rate=1.0)
    with pytest.raises(VaeError, match=r"no longer a number by step .*, at learning rate 1.*third"):
        vae.train(config, small)
    run = new_run(config, small)
    status = run.status()
    assert status.state == "failed"
    assert status.error is not None
    assert "lower the learning rate" in status.error


@pytest.mark.parametrize("seed", range(1, 4))
def test_weights_are_saved_only_if_their_loss_is_finite(
    seed: int, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.training.loop.SAVE_SECONDS", -1)  # at every line
    config = small_config(schedule="constant", epochs=40, learning_rate=1.0, seed=seed)
    with pytest.raises(VaeError, match="no longer a number"):
        vae.train(config, small)
    run = new_run(config, small)
    if run.model_path.exists():
        images, _ = load("mnist", train=False)
        assert all(part.isfinite().all() for part in score_set(run.load_model(), images))


def test_a_trainer_that_dies_between_its_last_two_files_leaves_the_right_weights(
    trained: Run, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(trained.config, small)
    statuses = fit(run)
    while next(statuses).epoch < 2.9:
        pass
    with monkeypatch.context() as patch:
        patch.setattr("vae.runs.checkpoints.save_model", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            list(statuses)
    vae.train(trained.config, small)
    assert run.status().state == "finished"
    assert_same_weights(run, trained)


def test_a_request_to_a_dead_trainer_does_not_stop_the_next(small: Path) -> None:
    run = new_run(small_config(), small)
    run.write_status(Status(state="stopped"))
    run.request_stop()
    assert vae.train(small_config(), small).status().state == "finished"


def test_a_run_that_failed_for_its_device_trains_on_another(small: Path) -> None:
    missing = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(VaeError, match=f"no device {missing}. Take device auto or cpu"):
        vae.train(small_config(device=missing), small)
    assert vae.train(small_config(), small).status().state == "finished"


def test_a_run_from_a_machine_with_another_device_goes_on_where_there_is_none(small: Path) -> None:
    missing = "mps" if torch.cuda.is_available() else "cuda"
    config = small_config(epochs=1, device=missing)
    first, *_, last = fit(new_run(config, small), fall_back=True)
    assert first.notice == f"This machine has no device {missing}: the run is trained on {last.device}."
    assert (last.state, last.notice) == ("finished", None)
    assert new_run(config, small).config == config, "the other machine still uses its device"


@pytest.mark.parametrize("threads", [3, 1024])
def test_more_threads_than_cores_are_bounded_with_a_sentence(
    threads: int, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("device", "threads"):
        monkeypatch.setattr(f"vae.training.{module}.cores", lambda: 2)
    first, *_, last = fit(new_run(small_config(epochs=1, threads=threads), small))
    assert first.notice == f"{threads:,} threads are set; 2 cores can be used here, with a thread each."
    assert first.threads == last.threads == 2


def test_the_threads_asked_for_are_used_from_the_next_start_on(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.training.threads.cores", lambda: 2)
    run = new_run(small_config(), small)
    statuses = fit(run)
    next(statuses)
    run.request_stop()
    list(statuses)
    vae.train(small_config(threads=2), small)
    assert run.status().threads == 2


def test_a_full_disk_fails_with_a_sentence_and_can_be_resumed(
    trained: Run, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    run = new_run(trained.config, small)
    statuses = fit(run)
    while next(statuses).epoch < 1:
        pass
    with monkeypatch.context() as patch:
        patch.setattr("vae.runs.checkpoints.save_training", full)
        with pytest.raises(VaeError, match=r"No space left on device.*then resume"):
            list(statuses)
    assert run.status().state == "failed"
    vae.train(trained.config, small)
    assert_same_weights(run, trained)


def test_another_trainer_is_told(small: Path) -> None:
    run = new_run(small_config(), small)
    with run.lock(), pytest.raises(VaeError, match="trained by another process"):
        next(fit(run))


def test_the_thread_count_and_random_state_of_the_caller_are_left_alone(small: Path) -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    vae.train(small_config(epochs=1, threads="auto"), small)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_snapshots_of_a_course_that_is_not_taken_are_gone(trained: Run, tmp_path: Path) -> None:
    """A run that was broken off goes on from its last save, and with other rates if these are asked for."""
    run = new_run(trained.config, tmp_path)
    shutil.copytree(trained.path / "snapshots", run.path / "snapshots")
    with closing(fit(run)) as training:
        step = next(training).step
        assert max(int(path.stem) for path in run.snapshots()) <= step < trained.status().step


def test_a_longer_plan_keeps_the_past_that_is_nearest_to_it(trained: Run, tmp_path: Path) -> None:
    run = new_run(trained.config, tmp_path)
    shutil.copytree(trained.path / "snapshots", run.path / "snapshots")
    before = [int(path.stem) for path in run.snapshots()]
    prune_snapshots(run, {0, 13, 35, 50, 72}, 36)
    kept = [int(path.stem) for path in run.snapshots()]
    assert kept == [0, min(before, key=lambda step: abs(step - 13)), 36]
    assert len(before) > 3
