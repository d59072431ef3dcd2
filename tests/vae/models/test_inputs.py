"""What callers may pass to a model, and what they are told about everything else."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import vae
from tests.support.small_runs import small_config
from vae import VaeError
from vae.models.network import VAE
from vae.runs.checkpoints import load_snapshot
from vae.runs.run import Run

FIVE = np.random.default_rng(0).random((5, 784))


@pytest.fixture(scope="module")
def model() -> VAE:
    torch.manual_seed(0)
    return VAE(small_config(latent_dim=3)).eval().requires_grad_(False)


def read_only(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values.flags.writeable = False
    return values


TAKEN: dict[str, Any] = {
    "float64": FIVE,
    "float32": FIVE.astype(np.float32),
    "other byte order": FIVE.astype(">f4"),
    "read only": read_only(FIVE),
    "reversed": FIVE[::-1, ::-1].copy()[::-1, ::-1],
    "Fortran's order": np.asfortranarray(FIVE),
    "images": FIVE.reshape(5, 28, 28),
    "with a channel": FIVE.reshape(5, 1, 28, 28),
    "channel last": FIVE.reshape(5, 28, 28, 1),
    "float64 tensor": torch.tensor(FIVE),
    "with a gradient": torch.tensor(FIVE, requires_grad=True),
    "a little beyond 1": np.where(FIVE.max() == FIVE, 1 + 1e-6, FIVE),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_arrays_and_tensors_of_any_float_type_are_encoded(kind: str, model: VAE) -> None:
    expected = model.encoder(torch.tensor(FIVE, dtype=torch.float32))
    for result, right in zip(model.encode(TAKEN[kind]), expected, strict=True):
        torch.testing.assert_close(result, right, rtol=1e-4, atol=1e-4)
        assert result.dtype == torch.float32
    assert model(TAKEN[kind])[0].shape == (5, 1, 28, 28)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_are_taken(dtype: torch.dtype, model: VAE) -> None:
    mean, _ = model.encode(torch.tensor(FIVE, dtype=dtype))
    torch.testing.assert_close(mean, model.encode(FIVE)[0], rtol=0.05, atol=0.05)
    places = mean.to(dtype)
    torch.testing.assert_close(model.decode(places), model.decode(places.float().numpy()))


def test_no_images_are_no_images(model: VAE) -> None:
    assert model.encode(np.empty((0, 784)))[0].shape == (0, 3)
    assert model.decode(np.empty((0, 3))).shape == (0, 1, 28, 28)


def test_what_was_made_in_inference_mode_is_taken_outside_of_it() -> None:
    model = VAE(small_config())
    with torch.inference_mode():
        images = torch.tensor(FIVE, dtype=torch.float32)
    model.encode(images)[0].sum().backward()
    assert all(weights.grad is not None for weights in model.encoder.get_submodule("hidden").parameters())


def test_nested_tensors_get_a_sentence(model: VAE) -> None:
    with warnings.catch_warnings(action="ignore"):  # torch calls them a prototype
        images = torch.nested.nested_tensor(list(torch.tensor(FIVE)))
    with pytest.raises(VaeError, match="not a nested tensor"):
        model.encode(images)


def with_one(value: float) -> np.ndarray:
    images = FIVE.copy()
    images[3, 40] = value
    return images


REFUSED: dict[str, tuple[Any, str]] = {
    "grey levels": (FIVE * 255, r"values from .* to 25\d.*Divide grey levels from 0 to 255 by 255"),
    "from -1": (FIVE * 2 - 1, r"from -0.99.* to 0.99.*\(images \+ 1\) / 2"),
    "standardised": ((FIVE - 0.13) / 0.31, "Undo the standardisation"),
    "overshooting": (with_one(1.07), r"to 1.07.*clip\(0, 1\)"),
    "NaN": (with_one(np.nan), "NaN is no number"),
    "infinite": (with_one(np.inf), "to inf"),
    "bytes": ((FIVE * 255).astype(np.uint8), "images are uint8.*Divide grey levels from 0 to 255 by 255"),
    "byte tensor": (torch.zeros(5, 28, 28, dtype=torch.uint8), r"images are torch.uint8.*by 255"),
    "truth": (FIVE > 0.5, "images are bool"),
    "complex": (FIVE + 1j, "images are complex128"),
    "objects": (FIVE.astype(object), "images are object"),
    "a list": (FIVE.tolist(), "must be a NumPy array or a dense torch tensor, not list"),
    "nothing": (None, "not NoneType"),
    "without values": (torch.zeros(5, 784, device="meta"), "on the device meta"),
    "too large for float64": (np.full((1, 784), np.longdouble("1e400")), "to inf"),
    "sparse": (torch.zeros(5, 784).to_sparse(), "not a sparse tensor"),
    "one image": (FIVE[0].reshape(28, 28), r"shape \(28, 28\).*Pass images\[None\] for a single one"),
    "one flat image": (FIVE[0], r"shape \(784,\).*Pass images\[None\]"),
    "a number": (np.array(0.5), r"shape \(\)"),
    "colours": (np.zeros((5, 3, 28, 28)), r"shape \(5, 3, 28, 28\)"),
    "columns": (FIVE.T, r"shape \(784, 5\)"),
    "32 pixels": (np.zeros((5, 32, 32)), r"reads \(B, 784\), \(B, 28, 28\) or \(B, 1, 28, 28\)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_images_get_a_sentence(kind: str, model: VAE) -> None:
    images, why = REFUSED[kind]
    for call in (model.encode, model):
        with pytest.raises(VaeError, match=why):
            call(images)


@pytest.mark.parametrize(
    ("z", "why"),
    [
        (np.zeros(3), r"z has the shape \(3,\).*Pass z\[None\] for a single one"),
        (np.zeros((5, 2)), r"z has the shape \(5, 2\). The model reads \(B, 3\)"),
        (torch.zeros(2, 5, 3), r"z has the shape \(2, 5, 3\)"),
        (torch.zeros(5, 3, dtype=torch.int64), "values of z are torch.int64.*Convert them to float32"),
        ([[0.0, 0.0, 0.0]], "z must be a NumPy array or a dense torch tensor, not list"),
        (np.array([[0, np.nan, 0]]), "infinite or no number"),
        (np.array([[0, 1e300, 0]]), "infinite or no number"),
    ],
)
def test_other_latent_points_get_a_sentence(z: Any, why: str, model: VAE) -> None:
    with pytest.raises(VaeError, match=why):
        model.decode(z)


def test_gradients_and_torchs_transformations_pass_through(model: VAE) -> None:
    z = torch.randn(4, 3, requires_grad=True)
    model.decode(z).sum().backward()
    assert z.grad is not None

    def pixels(place: torch.Tensor) -> torch.Tensor:
        return model.decode(place[None]).flatten()

    jacobian = torch.func.vmap(torch.func.jacrev(pixels))(z.detach())
    assert jacobian.shape == (4, 784, 3)
    torch.testing.assert_close(jacobian.sum(1), z.grad)


def test_a_model_in_float64_computes_in_float64() -> None:
    model = VAE(small_config()).double()
    assert model.encode(FIVE)[0].dtype == model.decode(np.zeros((1, 2), np.float32)).dtype == torch.float64


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("setting", ["float64", "bfloat16", "device", "no gradients"])
def test_a_training_does_not_depend_on_torchs_defaults(setting: str, trained: Run, tmp_path: Path) -> None:
    gradients, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    try:
        if setting == "device":
            torch.set_default_device("meta")  # where nothing can be computed
        elif setting == "no gradients":
            torch.set_grad_enabled(False)
        else:
            torch.set_default_dtype(getattr(torch, setting))
        config = trained.config.model_copy(update={"pixel_dropout": 0.1, "epochs": 1, "threads": 1})
        runs = [vae.train(config, tmp_path / "same")]
        assert runs[0].load_model().encode(FIVE)[0].dtype == torch.float32
    finally:
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(dtype)
        torch.set_default_device(None)
    runs.append(vae.train(config, tmp_path / "usual"))
    weights, usual = (load_file(run.model_path) for run in runs)
    assert all(np.array_equal(weights[name], values) for name, values in usual.items())
    same, usual_mean = (load_snapshot(run.snapshots()[-1], config).mean for run in runs)
    assert np.array_equal(same, usual_mean)
