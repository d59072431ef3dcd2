"""Packed runs: what is kept, how near it is, and that everything that can be done with a run still can."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vae import VaeError
from vae.datasets.registry import load
from vae.evaluation.evaluate import evaluate
from vae.inference.forward import Model
from vae.inference.scoring import scores_match
from vae.runs import checkpoints
from vae.runs.archive import check_run, pack, unpack
from vae.runs.catalogue import new_run
from vae.runs.evaluation_record import load_evaluation, save_evaluation
from vae.runs.history import read_losses
from vae.runs.packing import evenly_changing, pack_run
from vae.runs.records import FORMAT, Status
from vae.runs.run import Run
from vae.training.loop import fit


@pytest.fixture
def original(trained: Run) -> Run:
    return trained


@pytest.fixture
def packed(runs_dir: Path, trained: Run) -> Run:
    """The same run with four moments."""
    run = Run(runs_dir / trained.name)
    pack_run(run, 4)
    return run


def test_it_is_smaller_and_keeps_the_moments_that_were_asked_for(original: Run, packed: Run) -> None:
    check_run(packed)
    steps = [int(path.stem) for path in packed.snapshots()]
    assert len(steps) == 3  # and the final weights
    assert steps[0] == 0
    assert steps[-1] < original.status().step
    assert packed.size() < original.size() / 4
    assert not packed.resume_path.exists()
    assert f'"format": {FORMAT}' in (packed.path / "config.json").read_text(encoding="utf-8")


def test_kernels_of_convolutions_are_packed_in_float16(small: Path, convolved: Run) -> None:
    shutil.copytree(convolved.path, small / convolved.name)
    run = Run(small / convolved.name)
    before = checkpoints.load_snapshot(run.snapshots()[0], run.config)
    pack_run(run, 4)
    check_run(run)
    path = run.snapshots()[0]
    stored = load_file(path)
    assert stored["decoder.logits.weight"].dtype == np.float16
    assert stored["decoder.hidden.0.weight"].dtype == np.int8
    after = checkpoints.load_snapshot(path, run.config)
    for name, values in before.decoder.items():
        largest = float(np.abs(values).max())
        np.testing.assert_allclose(after.decoder[name], values, atol=largest / 127, err_msg=name)


def test_a_run_that_cannot_be_read_whole_is_left_as_it_is(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    broken = run.snapshots()[1]
    broken.write_bytes(broken.read_bytes()[:1000])
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(VaeError, match=broken.name):
        pack_run(run)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_weights_differ_by_rounding_and_the_scores_are_theirs(original: Run, packed: Run) -> None:
    before, after = original.saved_model(), packed.saved_model()
    for name, values in before.model.weights.items():
        assert after.model.weights[name].dtype == np.float32
        np.testing.assert_array_equal(after.model.weights[name], values.astype(np.float16))
    assert (after.step, after.epoch) == (before.step, before.epoch)
    assert before.scores is not None
    assert after.scores is not None
    images = load("mnist", train=False).images
    assert scores_match(after.scores, after.model, images)
    assert (after.scores.reconstruction != before.scores.reconstruction).any()
    # The log says what the scores say.
    line = packed.newest_test_metrics()
    assert line is not None
    mean = float((after.scores.reconstruction.astype(float) + after.scores.kl).mean())
    assert line.elbo == pytest.approx(-mean, abs=1e-4)
    assert -line.elbo == pytest.approx(line.reconstruction + line.kl)
    unpacked = original.newest_test_metrics()
    assert unpacked is not None
    assert line.elbo == pytest.approx(unpacked.elbo, abs=0.05)
    assert line.elbo_std == pytest.approx(unpacked.elbo_std, rel=1e-3)
    assert len(packed.metric_lines()[0]) == len(original.metric_lines()[0])


def test_moments_show_the_same_images(original: Run, packed: Run) -> None:
    for path in packed.snapshots():
        before = checkpoints.load_snapshot(original.snapshot_path(int(path.stem)), original.config)
        after = checkpoints.load_snapshot(path, packed.config)
        np.testing.assert_array_equal(after.mean, before.mean)
        assert np.abs(after.logvar - before.logvar).max() < 0.05
        assert np.abs(after.reconstructions - before.reconstructions).max() < 1 / 127
        assert after.metrics == before.metrics
        models = [
            Model(original.config, {name: values.astype(np.float32) for name, values in each.decoder.items()})
            for each in (before, after)
        ]
        drawn = [model.decode(before.mean.astype(np.float32)).astype(int) for model in models]
        assert np.abs(drawn[0] - drawn[1]).max() <= 4


def test_it_is_packed_again_evaluated_and_zipped(packed: Run, tmp_path: Path) -> None:
    save_evaluation(packed, evaluate(packed, samples=2))
    assert load_evaluation(packed) is not None
    kept = {path.name: path.read_bytes() for path in packed.path.rglob("*.safetensors")}
    file = io.BytesIO()
    pack(packed, file)
    copy = unpack(file, tmp_path / "elsewhere")
    assert {path.name: path.read_bytes() for path in copy.path.rglob("*.safetensors")} == kept
    pack_run(copy, 4)
    assert load_evaluation(copy) is None
    again, once = (load_file(run.model_path) for run in (copy, packed))
    assert all(np.array_equal(again[name], values) for name, values in once.items())
    assert [path.name for path in copy.snapshots()] == [path.name for path in packed.snapshots()]
    pack_run(copy, 1)
    assert copy.snapshots() == []
    check_run(copy)


def test_it_is_trained_longer(packed: Run) -> None:
    config = packed.config.extended(1)
    run = new_run(config, packed.path.parent, origin=packed)
    for _ in fit(run):
        pass
    assert run.status().state == "finished"
    check_run(run)
    assert int(run.snapshots()[0].stem) == 0
    assert read_losses(run).test["epoch"].tolist() == [0, 1, 2, 3, 4]


def test_only_a_finished_run_is_packed(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    size = run.size()
    with pytest.raises(VaeError, match="0 moments cannot be kept"):
        pack_run(run, 0)
    run.write_status(Status(state="stopped", step=9))
    with pytest.raises(VaeError, match="is not finished"):
        pack_run(run)
    with run.lock(), pytest.raises(VaeError, match="is being trained by another process"):
        pack_run(run)
    assert run.size() == pytest.approx(size, abs=500)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("decoder.logits.weight", lambda values: values[1:]),
        ("decoder.logits.weight", lambda values: values.astype(np.uint8)),
        ("decoder.logits.weight.scale", lambda values: values[1:]),
        ("decoder.logits.weight.scale", lambda values: values.astype(np.float32)),
        ("decoder.logits.weight.scale", lambda values: values[:, 0]),
        ("decoder.logits.weight.scale", lambda values: values[:1].repeat(24, axis=1)),  # one a column
        ("mean.scale", lambda _: np.ones((1, 2), np.float16)),
        ("decoder.logits.weight.scale", None),
    ],
)
def test_a_moment_whose_scales_do_not_fit_is_refused(packed: Run, name: str, change: object) -> None:
    path = packed.snapshots()[1]
    tensors = load_file(path)
    if callable(change):
        tensors[name] = np.ascontiguousarray(change(tensors.get(name)))
    else:
        del tensors[name]
    save_file(tensors, path)
    with pytest.raises(VaeError, match=f"{path.name} cannot be used: its weights are of other sizes"):
        checkpoints.load_snapshot(path, packed.config)


@pytest.mark.parametrize("name", ["decoder.logits.bias", "mean"])
def test_what_is_never_packed_in_int8_is_refused_in_int8(packed: Run, name: str) -> None:
    """A bias times a column of scales would be a matrix."""
    path = packed.snapshots()[1]
    tensors = load_file(path)
    values = tensors[name].astype(np.int8)
    scale = np.ones((len(values), 1), np.float16)
    save_file(tensors | {name: values, f"{name}.scale": scale}, path)
    with pytest.raises(VaeError, match=f"{path.name} cannot be used: its weights are of other sizes"):
        checkpoints.load_snapshot(path, packed.config)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_scale_that_is_no_number_is_refused(packed: Run, value: float) -> None:
    path = packed.snapshots()[1]
    tensors = load_file(path)
    tensors["logvar.scale"][0, 1] = value
    save_file(tensors, path)
    with pytest.raises(VaeError, match=f"{path.name} cannot be used: the scales of 'logvar' are no numbers"):
        checkpoints.load_snapshot(path, packed.config)


def test_weights_in_int8_are_no_model(packed: Run) -> None:
    tensors = load_file(packed.model_path)
    tensors["decoder.logits.weight"] = tensors["decoder.logits.weight"].astype(np.int8)
    save_file(tensors, packed.model_path, {"step": "36", "epoch": "3", "config": "{}"})
    with pytest.raises(VaeError, match="of other sizes than its config implies"):
        packed.saved_model()


def test_moments_are_kept_where_the_images_change() -> None:
    levels = np.array([0, 0.01, 0.02, 0.03, 0.3, 0.5, 0.7, 0.98, 0.99, 1], np.float32)
    drawn = np.broadcast_to(levels[:, None, None], (10, 2, 3))
    every = range(10)
    assert evenly_changing(drawn, every, 0) == []
    assert evenly_changing(drawn, every, 1) == [0]
    assert evenly_changing(drawn, every, 4) == [0, 4, 5, 6]
    assert evenly_changing(drawn, every, 10) == list(every)
    still = np.zeros((5, 2, 3), np.float32)
    assert evenly_changing(still, range(5), 3) == [0, 1, 2]
    # The end, which the final weights show, is no choice.
    late = np.array([0, 0.1, 0.2, 1], np.float32)[:, None, None]
    assert evenly_changing(late, range(3), 3) == [0, 1, 2]
    assert evenly_changing(late, range(3), 9) == [0, 1, 2]


def test_the_last_step_is_not_kept_in_place_of_an_earlier_one(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    *earlier, last = run.snapshots()
    for path in earlier[3:]:
        path.unlink()
    for path, level in zip(run.snapshots(), (0, 0.1, 0.2, 1), strict=True):
        snapshot = checkpoints.load_snapshot(path, run.config)
        images = np.full_like(snapshot.reconstructions, level)
        checkpoints.save_snapshot(path, snapshot._replace(reconstructions=images))
    pack_run(run, 4)
    assert run.snapshots() == earlier[:3]
    assert last not in run.snapshots()


def test_a_row_of_zeros_and_a_row_of_tiny_numbers_are_packed(packed: Run, tmp_path: Path) -> None:
    snapshot = checkpoints.load_snapshot(packed.snapshots()[1], packed.config)
    weights = snapshot.decoder["decoder.logits.weight"]
    weights[0], weights[1], weights[2, 0] = 0, 1e-9, 1e3
    path = tmp_path / "snapshots" / "00000001.safetensors"
    shutil.copytree(packed.path / "snapshots", path.parent)
    checkpoints.save_snapshot(path, snapshot, packed=True)
    found = checkpoints.load_snapshot(path, packed.config).decoder["decoder.logits.weight"]
    assert (found[:2] == 0).all()
    assert found[2, 0] == pytest.approx(1e3, rel=1e-3)
    np.testing.assert_allclose(found[3:], weights[3:], atol=float(np.abs(weights[3:]).max()) / 127)
