"""What is shown of a training while it goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from tests.support.paths import ROOT
from tests.support.small_runs import small_config
from tests.support.tensors import load
from vae import VaeError
from vae.datasets.images import to_levels
from vae.inference.planes import KEEP_FACTOR, KEEP_NATS, axis_directions, largest_axes
from vae.runs.catalogue import new_run
from vae.runs.live_view import MAX_POINTS, load_view, save_view
from vae.runs.run import Run
from vae.training.loop import Trainer
from vae.training.requests import Requests
from vae.training.scoring import encode_set


def test_a_finished_run_shows_its_last_moment(trained: Run, small: Path) -> None:
    assert not small.exists()  # for its data
    view = load_view(trained.view_path, trained.config)
    assert view is not None
    assert view.step == 36
    images, labels = load("mnist", train=False)
    model = trained.load_model()
    means, _ = encode_set(model, images)
    first = [int((labels == label).nonzero()[0]) for label in range(10)]
    np.testing.assert_array_equal(view.pictures, images[first].view(-1, 28, 28))
    np.testing.assert_allclose(view.points, means[: len(view.points)], atol=1e-5)
    np.testing.assert_array_equal(view.labels, labels[: len(view.points)])
    assert view.kl is not None
    saved = trained.saved_model().scores
    assert saved is not None
    np.testing.assert_allclose(view.kl.sum(), saved.kl.mean(), rtol=1e-4)
    assert view.axes is not None
    assert view.axes.tolist() == [0, 1]
    expected = to_levels(model.decode(means[first])[:, 0].numpy())
    assert np.abs(view.reconstructions.astype(int) - expected).max() <= 1


def test_a_view_that_is_not_there_yet_is_none(tmp_path: Path) -> None:
    assert load_view(tmp_path / "view.safetensors", small_config()) is None


DAMAGES = (
    *("torn", "nonsense", "huge", "flat", "empty"),
    *("nowhere", "short", "floats", "classes", "without a step"),
    *("many dimensions", "one axis", "no such axis", "endless", "half"),
    "other dimensions",
)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_view_gets_a_sentence(name: str, trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "run" / "view.safetensors"
    path.parent.mkdir()
    view = load_view(trained.view_path, trained.config)
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
    elif name == "many dimensions":
        save_view(path, view._replace(kl=np.zeros(65, np.float32)))
    elif name == "other dimensions":  # than those of the run
        axes = np.array([40, 50], np.uint8)
        save_view(path, view._replace(kl=np.zeros(64, np.float32), axes=axes))
    elif name == "one axis":
        save_view(path, view._replace(axes=np.zeros(2, np.uint8)))
    elif name == "no such axis":
        save_view(path, view._replace(axes=np.array([0, 2], np.uint8)))
    elif name == "endless":
        save_view(path, view._replace(kl=np.full(2, np.inf, np.float32)))
    elif name == "half":
        save_view(path, view._replace(kl=None))
    else:
        save_file(
            {key: np.ascontiguousarray(array) for key, array in view._asdict().items() if key != "step"}, path
        )
    with pytest.raises(VaeError, match=r"run/view.safetensors is damaged"):
        load_view(path, trained.config)


def test_a_view_of_an_older_version_opens() -> None:
    run = Run(ROOT / "tests" / "run_of_format_3")
    view = load_view(run.view_path, run.config)
    assert view is not None
    assert (view.kl, view.axes) == (None, None)
    assert view.directions(5).names == axis_directions(5).names


def test_the_map_of_many_dimensions_shows_the_two_with_the_largest_kl(wide: Run) -> None:
    view = load_view(wide.view_path, wide.config)
    assert view is not None
    assert view.kl is not None
    assert view.axes is not None
    assert view.kl.shape == (5,)
    shown, hidden = view.kl[view.axes], np.delete(view.kl, view.axes)
    assert shown.min() * KEEP_FACTOR + KEEP_NATS >= hidden.max()
    axes = view.directions(5)
    means = axes.coordinates(wide.saved_model().scores.mean)  # type: ignore[union-attr]
    np.testing.assert_allclose(view.points, means[: len(view.points)], atol=1e-4)


def test_axes_stay_while_they_are_about_as_large() -> None:
    kl = np.array([1.0, 0.2, 1.1, 2.0], np.float32)
    assert largest_axes(kl) == (2, 3)
    assert largest_axes(kl, (0, 3)) == (0, 3)
    assert largest_axes(kl, (1, 3)) == (2, 3)
    assert largest_axes(kl[:1]) == (0, 0)


def test_a_diverged_model_leaves_the_last_view(small: Path) -> None:
    run = new_run(small_config(threads=torch.get_num_threads()), small)
    trainer = Trainer(run, Requests(run), fall_back=False)
    trainer.write_view()
    trainer.model.encoder.linear("mean").weight.data.fill_(torch.nan)
    trainer.state.step = 1
    trainer.write_view()
    view = load_view(run.view_path, run.config)
    assert view is not None
    assert view.step == 0


def test_a_line_of_a_latent_space_is_drawn_against_its_log_variance() -> None:
    means = np.arange(3, dtype=np.float32)[:, None]
    assert axis_directions(1).map_coordinates(means, -means).tolist() == [[0, 0], [1, -1], [2, -2]]
    wide = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert axis_directions(3).map_coordinates(wide, wide).tolist() == [[0, 1], [3, 4]]
