"""What is shown of a training while it goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from tests.support.small_runs import small_config
from tests.support.tensors import load
from vae import VaeError
from vae.datasets.images import grey_levels
from vae.inference.planes import axis_directions
from vae.runs.catalogue import new_run
from vae.runs.live_view import MAX_POINTS, load_view, save_view
from vae.runs.run import Run
from vae.training.loop import Trainer
from vae.training.requests import Requests
from vae.training.scoring import encode_set


def test_a_finished_run_shows_its_last_moment(trained: Run, small: Path) -> None:
    assert not small.exists()  # for its data
    view = load_view(trained.view_path)
    assert view is not None
    assert view.step == 36
    images, labels = load("mnist", train=False)
    model = trained.load_model()
    means, _ = encode_set(model, images)
    first = [int((labels == label).nonzero()[0]) for label in range(10)]
    np.testing.assert_array_equal(view.pictures, images[first])
    np.testing.assert_allclose(view.points, means[: len(view.points)], atol=1e-5)
    np.testing.assert_array_equal(view.labels, labels[: len(view.points)])
    expected = grey_levels(model.decode(means[first])[:, 0].numpy())
    assert np.abs(view.reconstructions.astype(int) - expected).max() <= 1


def test_a_view_that_is_not_there_yet_is_none(tmp_path: Path) -> None:
    assert load_view(tmp_path / "view.safetensors") is None


DAMAGES = (
    *("torn", "nonsense", "huge", "flat", "empty"),
    *("nowhere", "short", "floats", "classes", "without a step"),
)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_view_gets_a_sentence(name: str, trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "run" / "view.safetensors"
    path.parent.mkdir()
    view = load_view(trained.view_path)
    assert view is not None
    if name == "torn":
        path.write_bytes(trained.view_path.read_bytes()[:1000])
    elif name == "nonsense":
        path.write_text("nonsense")
    elif name == "huge":
        save_view(path, view._replace(points=np.zeros((MAX_POINTS + 1, 2), np.float32)))
    elif name == "empty":
        save_view(path, view._replace(points=view.points[:0], labels=view.labels[:0]))
    elif name == "nowhere":
        save_view(path, view._replace(points=np.full_like(view.points, np.nan)))
    elif name == "short":
        save_view(path, view._replace(labels=view.labels[:-1]))
    elif name == "floats":
        save_view(path, view._replace(pictures=view.pictures.astype(np.float64)))
    elif name == "classes":
        save_view(path, view._replace(labels=np.full_like(view.labels, 10)))
    elif name == "flat":
        save_view(path, view._replace(pictures=np.zeros(784, np.uint8)))
    else:
        save_file(
            {key: np.ascontiguousarray(array) for key, array in view._asdict().items() if key != "step"}, path
        )
    with pytest.raises(VaeError, match=r"run/view.safetensors is damaged"):
        load_view(path)


def test_a_diverged_model_leaves_the_last_view(small: Path) -> None:
    run = new_run(small_config(threads=torch.get_num_threads()), small)
    trainer = Trainer(run, Requests(run), fall_back=False)
    trainer.write_view()
    trainer.model.encoder.linear("mean").weight.data.fill_(torch.nan)
    trainer.state.step = 1
    trainer.write_view()
    view = load_view(run.view_path)
    assert view is not None
    assert view.step == 0


def test_a_line_of_a_latent_space_is_drawn_against_its_log_variance() -> None:
    means = np.arange(3, dtype=np.float32)[:, None]
    assert axis_directions(1).map_coordinates(means, -means).tolist() == [[0, 0], [1, -1], [2, -2]]
    wide = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert axis_directions(3).map_coordinates(wide, wide).tolist() == [[0, 1], [3, 4]]
