"""The three that run a description of layers agree: torch, NumPy, and JavaScript in the browser.

The descriptions are random, and made of all kinds of layers: a kind that one of them lacks, or computes
otherwise, fails. Gradients of such networks are compared in `test_gradients`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

from tests.support.decoders import decode, make_decoder
from tests.support.layers import KINDS, Weights, random_layers, random_weights
from tests.support.small_runs import small_config, with_numpy
from vae.inference.forward import run_layers
from vae.inference.scored_set import Floats
from vae.models.layers import DecoderSpec, Layers, blocks
from vae.models.network import VAE, Network

COUNT = 60  # descriptions


def assert_close(found: Floats, expected: Floats, what: str = "") -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=what)


class Example(NamedTuple):
    layers: Layers
    weights: Weights
    inputs: Floats  # (B, I)
    outputs: Floats  # (B, O), by torch


def examples() -> Iterator[Example]:
    for seed in range(COUNT):
        generator = np.random.default_rng(seed)
        latent_dim, outputs = seed % 20 + 1, int(generator.integers(1, 90))
        layers = random_layers(generator, latent_dim, outputs)
        weights = random_weights(generator, layers)
        inputs = 2 * generator.standard_normal((20, latent_dim), np.float32)
        network = Network(layers).requires_grad_(False)
        network.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
        yield Example(layers, weights, inputs, network.run(layers, torch.from_numpy(inputs)).numpy())


@pytest.fixture(scope="module")
def made() -> list[Example]:
    return list(examples())


def test_the_examples_have_layers_of_all_kinds(made: list[Example]) -> None:
    assert {layer["kind"] for example in made for layer in example.layers} == {"dense", "add", *KINDS}
    dense = [layer for example in made for layer in example.layers if layer["kind"] == "dense"]
    assert {layer["outputs"] % 4 for layer in dense} == {0, 1, 2, 3}
    assert {example.inputs.shape[1] for example in made} == set(range(1, 21))
    assert all(0.01 < example.outputs.std() < 100 for example in made if example.outputs.size > 100)


def test_numpy_computes_what_torch_does(made: list[Example]) -> None:
    for number, (layers, weights, inputs, outputs) in enumerate(made):
        assert_close(run_layers(layers, weights, inputs), outputs, f"example {number}")


@pytest.mark.browser
def test_javascript_computes_what_torch_does(bare_page: Page, made: list[Example]) -> None:
    for number, (layers, weights, inputs, outputs) in enumerate(made):
        content = b"".join(values.astype("<f4").tobytes() for values in weights.values())
        make_decoder(bare_page, str(number), DecoderSpec(layers, content))
        assert_close(decode(bare_page, str(number), inputs), outputs, f"example {number}")


@pytest.mark.parametrize("network", ["plain", "residual"])
@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "tanh"])
@torch.no_grad()
def test_numpy_encodes_and_decodes_as_torch_does(network: str, activation: str) -> None:
    """Models of random configs, with their initial weights and with larger ones."""
    generator = np.random.default_rng(len(activation))
    for scale in (1, 2):
        widths = [int(width) for width in generator.integers(1, 40, generator.integers(1, 4))]
        latent_dim = int(generator.integers(1, 21))
        config = small_config(
            network=network,
            activation=activation,
            latent_dim=latent_dim,
            hidden_dims=(*widths, widths[-1]),
        )
        model = VAE(config)
        for parameter in model.parameters():
            parameter.mul_(scale)
        x = generator.random((30, 784), np.float32)
        places = generator.standard_normal((30, latent_dim), np.float32)
        ours = with_numpy(model, config)
        for found, expected in zip(ours.encode(x), model.encoder(torch.from_numpy(x)), strict=True):
            assert_close(found, expected.numpy())
        logits = model.decoder(torch.from_numpy(places))
        assert_close(ours.logits(places), logits.numpy())
        pixels = 255 * torch.sigmoid(logits).numpy()
        assert np.abs(ours.decode(places).reshape(30, -1) - pixels).max() <= 0.501


def test_layers_in_another_order_are_no_blocks() -> None:
    """Gradients and refined posteriors know a dense layer, then an activation, then an addition."""
    generator = np.random.default_rng(0)
    layers = random_layers(generator, 3, 3)
    dense = next(layer for layer in layers if layer["kind"] == "dense")
    add, tanh = {"kind": "add"}, {"kind": "tanh"}
    for order in ((dense, tanh, tanh), (dense, add, tanh), (dense, add, add), (tanh, dense)):
        with pytest.raises(TypeError, match="are no activation and addition"):
            list(blocks(order))  # type: ignore[arg-type]
