import itertools
import threading
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from tests.support.small_runs import TEST_IMAGES, save_model, small_config, with_numpy
from vae import VaeError
from vae.inference.scoring import Scores, score_images
from vae.models.network import VAE
from vae.runs import checkpoints
from vae.runs.catalogue import delete_run, new_run
from vae.runs.records import Status
from vae.runs.run import Run
from vae.storage.atomic import write_atomic


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, VAE]:
    path, model = tmp_path / "model.safetensors", VAE(small_config())
    save_model(path, model, small_config(), step=7, epoch=0.5)
    return path, model


def test_weights_come_back_as_they_were(saved: tuple[Path, VAE]) -> None:
    path, model = saved
    loaded = checkpoints.load_model(path, small_config())
    state = model.state_dict()
    assert list(loaded.model.weights) == list(state)
    assert all(np.array_equal(values, state[name]) for name, values in loaded.model.weights.items())
    assert (loaded.step, loaded.epoch, loaded.scores) == (7, 0.5, None)


@pytest.mark.parametrize("size", [0, 5, 400, -1])
def test_torn_weights_are_named(size: int, saved: tuple[Path, VAE]) -> None:
    path, _ = saved
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(VaeError, match=r"model\.safetensors cannot be used: it is damaged"):
        checkpoints.load_model(path, small_config())


def test_weights_of_other_sizes_are_refused(saved: tuple[Path, VAE]) -> None:
    path, _ = saved
    for config in (
        small_config(latent_dim=3),
        small_config(hidden_dims=(24,)),
        small_config(hidden_dims=(9, 9)),
    ):
        with pytest.raises(VaeError, match="of other sizes than its config implies"):
            checkpoints.load_model(path, config)
    halves = {name: tensor.bfloat16() for name, tensor in saved[1].state_dict().items()}
    save_file(halves, path, {"step": "7", "epoch": "0.5", "config": "{}"})
    with pytest.raises(VaeError, match="of other sizes than its config implies"):
        checkpoints.load_model(path, small_config())


@pytest.fixture
def scored() -> checkpoints.SavedModel:
    """A model of random weights, with its scores of five images."""
    model = with_numpy(VAE(small_config()), small_config())
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    return checkpoints.SavedModel(model, score_images(model, images), 7, 0.5)


def test_scores_come_back_with_their_weights(scored: checkpoints.SavedModel, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    checkpoints.save_model(path, scored)
    loaded = checkpoints.load_model(path, small_config())
    assert scored.scores is not None
    assert loaded.scores is not None
    assert all(map(np.array_equal, loaded.scores, scored.scores))
    assert (loaded.step, loaded.epoch) == (7, 0.5)


@pytest.mark.parametrize("part", Scores._fields)
@pytest.mark.parametrize(
    "damage", ["missing", "longer", "flat", "deep", "scalar", "doubles", "NaN", "infinite"]
)
def test_scores_of_another_kind_are_refused(
    part: str, damage: str, scored: checkpoints.SavedModel, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    checkpoints.save_model(path, scored)
    arrays = load_arrays(path)
    name = f"test.{part}"
    values = arrays.pop(name)
    if damage == "longer":
        arrays[name] = np.concatenate((values, values))
    elif damage == "flat":
        arrays[name] = values.reshape(-1)[:-1]
    elif damage == "deep":
        arrays[name] = values[..., None]
    elif damage == "scalar":
        arrays[name] = np.ones((), np.float32)
    elif damage == "doubles":
        arrays[name] = values.astype(np.float64)
    elif damage != "missing":
        values.reshape(-1)[2] = np.nan if damage == "NaN" else np.inf
        arrays[name] = values
    save_arrays(arrays, path, {"config": "{}", "step": "7", "epoch": "0.5"})
    sentence = "are no numbers" if damage in ("NaN", "infinite") else "of other sizes than its config implies"
    with pytest.raises(VaeError, match=sentence):
        checkpoints.load_model(path, small_config())


def test_weights_and_scores_match_while_the_file_is_replaced(tmp_path: Path) -> None:
    """By a thread that writes one version after another, as a trainer does beside its viewers."""
    run = new_run(small_config(), tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    versions = []
    for step in range(2):
        model = with_numpy(VAE(small_config()), small_config())
        versions.append(checkpoints.SavedModel(model, score_images(model, images), step, step))
    checkpoints.save_model(run.model_path, versions[0])
    ended, seen = threading.Event(), list[int]()

    def replace() -> None:
        for version in itertools.cycle(versions):
            if ended.is_set():
                return
            checkpoints.save_model(run.model_path, version)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        while len(set(seen)) < 2 or len(seen) < 200:
            saved = run.saved_model()
            assert saved.scores is not None
            expected = versions[saved.step]
            assert expected.scores is not None
            assert all(map(np.array_equal, saved.scores, expected.scores))
            assert all(map(np.array_equal, saved.model.weights.values(), expected.model.weights.values()))
            seen.append(saved.step)
    finally:
        ended.set()
        writer.join()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (Status(state="running"), "has no weights yet: the first come after an epoch, or at a pause."),
        (
            Status(state="failed", step=3, error="No space left on device. Mend that, then resume."),
            "has no weights: it failed before the first were saved. No space left on device. Mend that, then "
            "resume. Resume it, or choose another run.",
        ),
        (Status(state="failed"), "it failed before the first were saved. Resume it, or choose another run."),
        (Status(state="stopped", step=3), "it was stopped before the first were saved. Resume it"),
        (Status(state="stopped"), "it waits for trainings before it, or was stopped before its first batch."),
        (Status(state="interrupted"), "its training ended before the first were saved. Resume it"),
        (
            Status(state="finished", step=9),
            "are missing, although it is finished. Put model.safetensors back",
        ),
    ],
    ids=lambda value: value.state if isinstance(value, Status) else "",
)
def test_missing_weights_are_explained_by_the_state_of_the_run(
    status: Status, sentence: str, tmp_path: Path
) -> None:
    run = new_run(small_config(), tmp_path)
    run.write_status(status)
    with run.lock() if status.state == "running" else nullcontext(), pytest.raises(VaeError) as caught:
        run.load_model()
    assert sentence in str(caught.value)


def test_other_missing_files_are_named(tmp_path: Path) -> None:
    run = new_run(small_config(), tmp_path)
    with pytest.raises(VaeError, match=rf"{run.name}/resume\.safetensors is missing"):
        checkpoints.load_training(run.resume_path, run.config)
    with pytest.raises(VaeError, match=rf"{run.name}/snapshots/00000005\.safetensors is missing"):
        checkpoints.load_snapshot(run.snapshot_path(5), run.config)
    delete_run(run)
    with pytest.raises(VaeError, match="is gone: it was deleted"):
        run.load_model()


def test_weights_without_a_position_are_refused(tmp_path: Path) -> None:
    save_file(VAE(small_config()).state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(VaeError, match="no valid step"):
        checkpoints.load_model(tmp_path / "model.safetensors", small_config())


def test_a_snapshot_holds_what_time_travel_needs(trained: Run) -> None:
    path = trained.snapshot_path(36)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert tensors["mean"].shape == tensors["logvar"].shape == (TEST_IMAGES, 2)
    assert tensors["reconstructions"].shape == (10, 784)
    model = trained.load_model()
    for name, value in model.decoder.state_dict().items():
        torch.testing.assert_close(tensors[f"decoder.{name}"].float(), value, atol=1e-3, rtol=1e-3)


def test_a_snapshot_says_what_the_log_said_at_its_moment(trained: Run) -> None:
    lines, _ = trained.metric_lines()
    for path in trained.snapshots():
        newest = [line for line in lines if line.step <= int(path.stem)][-1]
        assert checkpoints.load_snapshot(path, trained.config).metrics == newest


def test_a_snapshot_of_older_versions_says_nothing_and_one_of_strangers_no_nonsense(
    trained: Run, tmp_path: Path
) -> None:
    snapshot = checkpoints.load_snapshot(trained.snapshot_path(36), trained.config)
    path = tmp_path / "snapshots" / "00000036.safetensors"
    path.parent.mkdir()
    checkpoints.save_snapshot(path, snapshot._replace(metrics=None))
    assert checkpoints.load_snapshot(path, trained.config).metrics is None
    save_file(load_file(path), path, {"metrics": '{"step": -1}'})
    with pytest.raises(VaeError, match=r"snapshots/00000036.safetensors cannot be used: .*step"):
        checkpoints.load_snapshot(path, trained.config)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"os.{call}", full)
            with pytest.raises(OSError, match="No space"):
                write_atomic(path, b"new")
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]
