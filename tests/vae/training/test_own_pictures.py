"""Training on imported pictures: any channels, any side, with and without classes."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.own_pictures import TEST, write_own_pictures
from tests.support.small_runs import small_config
from vae import VaeError
from vae.config import TrainConfig
from vae.datasets.folder import RECORD, DatasetWriter
from vae.datasets.images import as_rows
from vae.datasets.registry import (
    UNLABELLED,
    MissingDataError,
    class_names,
    dataset_names,
    delete_dataset,
    load,
    load_for,
    with_data,
)
from vae.evaluation.evaluate import evaluate
from vae.inference.forward import pixels
from vae.inference.scoring import score_images, scores_match
from vae.runs.catalogue import new_run
from vae.runs.checkpoints import load_snapshot
from vae.runs.live_view import load_view
from vae.runs.run import Run
from vae.training.loop import fit, train


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def own_config(**changes: object) -> TrainConfig:
    return small_config(dataset="own", likelihood="gaussian", kl_warmup=1, free_bits=0.01, **changes)


@pytest.mark.parametrize(("channels", "side", "classes"), [(3, 12, 3), (1, 9, 0), (3, 8, 40)])
def test_a_run_has_the_form_of_its_pictures(
    channels: int, side: int, classes: int, data: Path, tmp_path: Path
) -> None:
    record = write_own_pictures(data, channels=channels, side=side, classes=classes)
    run = train(own_config(), tmp_path / "runs")
    config = run.config
    assert (config.channels, config.side, config.contents) == (channels, side, record.contents)
    assert run.name.startswith("own-24x16-z2-")
    images = load_for(config, train=False).images
    assert images.shape == ((TEST, side, side, 3) if channels == 3 else (TEST, side, side))
    assert len(class_names("own")) == max(classes, 1)
    assert classes or class_names("own") == UNLABELLED
    saved = run.saved_model()
    assert saved.scores is not None
    assert scores_match(saved.scores, saved.model, images)
    lines, _ = run.metric_lines()
    tests = [line for line in lines if line.split == "test"]
    assert tests[-1].elbo > tests[0].elbo
    view = load_view(run.view_path, config)
    assert view is not None
    assert view.pictures.shape[0] == 10
    assert view.pictures.shape[1:] == images.shape[1:]
    moment = load_snapshot(run.snapshots()[0], config)
    assert moment.reconstructions.shape == (10, channels * side**2)
    decoded = run.saved_model().model.decode(np.zeros((1, 2), np.float32))
    assert decoded.shape[1:] == images.shape[1:]
    torch_decoded = run.load_model().decode(np.zeros((1, 2), np.float32))
    np.testing.assert_allclose(as_rows(decoded) / 255, torch_decoded.flatten(1), atol=1 / 254)
    figures = evaluate(run, samples=20)
    # The bounds are in the order that theory says, as far as a few samples show it.
    assert figures.standard_error is not None
    assert figures.negative_elbo > figures.nll - 3 * figures.standard_error


def test_beta_rises_and_the_deviation_follows_the_errors(data: Path, tmp_path: Path) -> None:
    write_own_pictures(data)
    run = train(own_config(), tmp_path / "runs")
    lines = [line for line in run.metric_lines()[0] if line.split == "train"]
    weights = [line.kl_weight for line in lines]
    assert weights[:6] == pytest.approx([k / 6 for k in range(1, 7)])  # an epoch of six steps
    assert set(weights[6:]) == {1.0}
    assert {line.beta for line in lines} == {1.0}
    assert not run.is_steered()
    model = run.saved_model().model
    images = load("own", train=True).images
    scores = score_images(model, images)
    means = model.encode(pixels(images)).mean
    error = np.square(model.decode(means) / 255.0 - images / 255.0).mean()
    assert float(model.weights["log_deviation"][0]) == pytest.approx(np.log(error) / 2, abs=0.3)
    assert np.isfinite(scores.reconstruction).all()


def test_a_stopped_run_resumes_to_the_same_weights(data: Path, tmp_path: Path) -> None:
    write_own_pictures(data)
    whole = train(own_config(), tmp_path / "whole")
    run = new_run(own_config(), tmp_path / "parts")
    for _ in range(3):
        for count, _ in enumerate(fit(run)):
            if count == 4:
                break
    for _ in fit(run):
        pass
    first, second = (each.saved_model().model.weights for each in (whole, run))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_run_knows_the_set_that_it_learned(data: Path, tmp_path: Path) -> None:
    write_own_pictures(data)
    run = new_run(own_config(), tmp_path / "runs")
    delete_dataset("own")
    with pytest.raises(MissingDataError, match=r"own is not in .*python -m vae data add own SOURCE"):
        load_for(run.config, train=True)
    assert class_names("own") == UNLABELLED
    write_own_pictures(data, seed=1)
    with pytest.raises(VaeError, match="own is another than the one that this run learned"):
        load_for(run.config, train=True)
    other = new_run(own_config(), tmp_path / "runs")
    assert other.name != run.name
    assert Run(run.path).config.contents != other.config.contents
    delete_dataset("own")
    write_own_pictures(data)
    assert len(load_for(run.config, train=False).images) == TEST


def test_a_config_of_no_data_set_gets_a_sentence(data: Path) -> None:
    with pytest.raises(MissingDataError, match="nothing-such is not in"):
        with_data(TrainConfig(dataset="nothing-such"))
    assert data.name == "data"


def test_a_set_appears_whole_or_not_at_all(data: Path) -> None:
    with DatasetWriter(data / "own", 1, 8) as writer:  # and does not finish
        writer.add("train", np.zeros((5, 1, 8, 8), np.uint8))
        assert "own" not in dataset_names()
    assert list(data.iterdir()) == []
    write_own_pictures(data)
    assert "own" in dataset_names()
    with pytest.raises(FileExistsError):
        write_own_pictures(data)
    assert [path.name for path in data.iterdir()] == ["own"]


@pytest.mark.parametrize("damage", ["torn", "pickled", "other shape", "record", "newer", "renamed", "label"])
def test_a_damaged_set_gets_a_sentence(damage: str, data: Path) -> None:
    write_own_pictures(data)
    images, record = data / "own" / "test-images.npy", data / "own" / RECORD
    if damage == "torn":
        images.write_bytes(images.read_bytes()[:500])
    elif damage == "pickled":
        np.save(images, np.array([{"a": 1}], object), allow_pickle=True)
    elif damage == "other shape":
        np.save(images, np.zeros((3, 3), np.uint8))
    elif damage == "record":
        record.write_text("{")
    elif damage == "newer":
        record.write_text(record.read_text().replace('"format": 1', '"format": 2'))
    elif damage == "renamed":
        record.write_text(record.read_text().replace('"own"', '"other"'))
    else:
        np.save(data / "own" / "test-labels.npy", np.full(TEST, 9, np.uint8))
    with pytest.raises(VaeError, match="newer version" if damage == "newer" else "own in .* is damaged"):
        load("own", train=False)
