"""TensorBoard's files, read back by its own reader."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vae.datasets.registry import load
from vae.export.tensorboard import is_written_here, sprite, write_run
from vae.inference.scored_set import example_indices
from vae.runs.run import Run

pytest.importorskip("tensorboard")


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0}).Reload()


@pytest.fixture
def run(small: Path, trained: Run) -> Run:
    shutil.copytree(trained.path, small / trained.name)
    return Run(small / trained.name)


def test_all_of_a_run_is_read_back(run: Run, tmp_path: Path) -> None:
    folder, shares = tmp_path / run.name, list[float]()
    folder.mkdir()
    saved = run.saved_model()
    assert saved.scores is not None
    write_run(folder, run, saved, shares.append)
    assert shares[-1] == 1
    losses, status = run.metrics(), run.status()
    for split, rows in losses._asdict().items():
        read = events(folder / split)
        for tag, expected in (
            ("loss/negative_elbo", -rows["elbo"]),
            ("loss/reconstruction", rows["reconstruction"]),
            ("loss/kl", rows["kl"]),
            ("rates/learning_rate", rows["learning_rate"]),
            ("rates/beta", rows["beta"]),
        ):
            found = read.Scalars(tag)
            assert [each.step for each in found] == rows["step"].tolist()
            np.testing.assert_allclose([each.value for each in found], expected, rtol=1e-6)
            ended = [
                each.wall_time + status.seconds - seconds
                for each, seconds in zip(found, rows["seconds"], strict=True)
            ]
            np.testing.assert_allclose(ended, status.heartbeat, atol=1e-3)

    read = events(folder / "test")
    steps = [int(path.stem) for path in run.snapshots()]
    examples = example_indices(load("mnist", train=False).labels)
    decoded = saved.model.decode(saved.scores.mean[examples])
    for number in range(10):
        moments = read.Images(f"reconstructions/{number}")
        assert [each.step for each in moments] == [*(step for step in steps if step < saved.step), saved.step]
        last = np.asarray(Image.open(io.BytesIO(moments[-1].encoded_image_string)))
        np.testing.assert_array_equal(last, decoded[number])
        (real,) = read.Images(f"test images/{number}")
        shown = np.asarray(Image.open(io.BytesIO(real.encoded_image_string)))
        np.testing.assert_array_equal(shown, load("mnist", train=False).images[examples[number]])
    assert is_written_here(folder)


def test_the_projector_finds_its_files(run: Run, tmp_path: Path) -> None:
    from google.protobuf import text_format
    from tensorboard.plugins.projector import projector_config_pb2

    folder = tmp_path / "test"
    saved, test = run.saved_model(), load("mnist", train=False)
    assert saved.scores is not None
    write_run(tmp_path, run, saved, lambda _: None)
    config = text_format.Parse(
        (folder / "projector_config.pbtxt").read_text(), projector_config_pb2.ProjectorConfig()
    )
    (embedding,) = config.embeddings
    means = np.loadtxt(folder / embedding.tensor_path, delimiter="\t")
    np.testing.assert_allclose(means[:, :2], saved.scores.mean, rtol=1e-5)
    assert means.shape[1] == 3, "of two dimensions it would show nothing"
    assert not means[:, 2].any()
    header, *rows = (folder / embedding.metadata_path).read_text().splitlines()
    assert header == "class\tindex"
    assert rows == [f"{label}\t{index}" for index, label in enumerate(test.labels)]
    picture = np.asarray(Image.open(folder / embedding.sprite.image_path))
    assert list(embedding.sprite.single_image_dim) == [28, 28]
    assert picture.shape == (15 * 28, 15 * 28)  # 200 pictures
    np.testing.assert_array_equal(picture[28:56, 56:84], test.images[17])


def test_a_sprite_of_colours() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    picture = np.asarray(Image.open(io.BytesIO(sprite(images))))
    assert picture.shape == (16, 16, 3)
    np.testing.assert_array_equal(picture[8:, :8], images[2])
    assert not picture[8:, 8:].any()


def test_other_files_are_told_from_those_written_here(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "sprite.png").touch()
    assert is_written_here(tmp_path)
    (tmp_path / "config.json").touch()
    assert not is_written_here(tmp_path)
