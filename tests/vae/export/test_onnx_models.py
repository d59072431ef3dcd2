"""ONNX files, run by onnxruntime beside torch."""

import io
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.small_runs import small_config, with_numpy
from vae.config import TrainConfig
from vae.export.onnx_models import OPSET, decoder_onnx, encoder_onnx
from vae.models.network import VAE

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

CONFIGS = [
    small_config(latent_dim=3, activation="relu"),
    small_config(hidden_dims=(24, 24), activation="gelu", likelihood="gaussian"),
    small_config(network="residual", hidden_dims=(24, 24)),
    small_config(network="residual", hidden_dims=(24, 24), likelihood="gaussian", activation="tanh"),
    *(
        small_config(
            dataset="own", network="conv", width=3, side=side, channels=channels, likelihood=likelihood
        )
        for side, channels, likelihood in (
            (28, 1, "bernoulli"),
            (32, 3, "gaussian"),
            (45, 3, "bernoulli"),
            (64, 1, "gaussian"),
        )
    ),
]


def session(content: bytes) -> Any:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.network}-{config.side}")
@pytest.mark.parametrize("count", [1, 5])
def test_onnx_computes_what_torch_does(config: TrainConfig, count: int) -> None:
    torch.manual_seed(1)
    model = VAE(config).eval().requires_grad_(False)
    numpy_model = with_numpy(model, config)
    generator = np.random.default_rng(count)
    images = generator.random((count, config.channels, config.side, config.side), np.float32)
    places = 2 * generator.standard_normal((count, config.latent_dim), np.float32)

    mean, logvar = session(encoder_onnx(numpy_model, {})).run(["mean", "logvar"], {"image": images})
    (image,) = session(decoder_onnx(numpy_model, {})).run(["image"], {"z": places})

    for found, expected in zip((mean, logvar), model.encode(images), strict=True):
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4, rtol=1e-4)
    assert image.shape == images.shape
    np.testing.assert_allclose(image, model.decode(places).numpy().reshape(images.shape), atol=1e-4)


def test_a_file_says_what_it_takes_and_of_what_it_is() -> None:
    config = small_config(network="conv", width=2)
    numpy_model = with_numpy(VAE(config).requires_grad_(False), config)
    encoder, decoder = (
        make(numpy_model, {"run": "mine", "negative_elbo": "132.100"})
        for make in (encoder_onnx, decoder_onnx)
    )
    values = [(each.name, each.shape, each.type) for each in session(encoder).get_inputs()]
    assert values == [("image", ["N", 1, 28, 28], "tensor(float)")]
    assert [(each.name, each.shape) for each in session(encoder).get_outputs()] == [
        ("mean", ["N", 2]),
        ("logvar", ["N", 2]),
    ]
    assert [(each.name, each.shape) for each in session(decoder).get_inputs()] == [("z", ["N", 2])]
    assert [(each.name, each.shape) for each in session(decoder).get_outputs()] == [
        ("image", ["N", 1, 28, 28])
    ]
    model = onnx.load(io.BytesIO(decoder))
    assert [(each.domain, each.version) for each in model.opset_import] == [("", OPSET)]
    assert session(decoder).get_modelmeta().custom_metadata_map == {
        "run": "mine",
        "negative_elbo": "132.100",
    }
