"""The three that run a description of layers agree: torch, NumPy, and JavaScript in the browser.

The descriptions are random, and made of all kinds of layers: a kind that one of them lacks, or computes
otherwise, fails. Gradients of such networks are compared in `test_gradients`.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
import torch
from playwright.sync_api import Page
from torch.nn import functional

from tests.support.decoders import decode, make_decoder
from tests.support.layers import KINDS, Weights, random_convolutions, random_layers, random_weights
from tests.support.small_runs import small_config, with_numpy
from vae.config import MAX_SIDE, MIN_SIDE, TrainConfig
from vae.datasets.images import as_rows
from vae.inference.forward import run_layers
from vae.inference.scored_set import Floats
from vae.models.layers import (
    Activation,
    Addition,
    DecoderSpec,
    Layers,
    blocks,
    convolution,
    decoder_layers,
    encoder_layers,
)
from vae.models.network import VAE, Network

COUNT = 60  # descriptions


def assert_close(found: Floats, expected: Floats, what: str = "") -> None:
    """To 1e-5 of each value, or of the largest one: terms of a sum can be larger than the sum."""
    largest = max(1, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * largest, err_msg=what)


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
        if seed % 2:
            maps = random_convolutions(generator, outputs)
            (*_, (last, _, _)) = blocks(maps)
            after = random_layers(generator, last["outputs"], outputs, "after") if seed % 3 else ()
            layers = (*layers, *maps, *after)
        weights = random_weights(generator, layers)
        inputs = 2 * generator.standard_normal((20, latent_dim), np.float32)
        network = Network(layers).requires_grad_(False)
        network.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
        yield Example(layers, weights, inputs, network.run(layers, torch.from_numpy(inputs)).numpy())


@pytest.fixture(scope="module")
def made() -> list[Example]:
    return list(examples())


def test_the_examples_have_layers_of_all_kinds(made: list[Example]) -> None:
    kinds = {layer["kind"] for example in made for layer in example.layers}
    assert kinds == {"dense", "downsample", "upsample", "add", *KINDS}
    weighted = [layer for example in made for layer, _, _ in blocks(example.layers)]
    sides = [layer["sides"] for layer in weighted if layer["kind"] == "upsample"]
    assert {(before % 2, after % 2) for before, after in sides} == {(0, 0), (0, 1), (1, 0), (1, 1)}
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


@pytest.mark.parametrize(
    ("network", "picture"),
    [("plain", {}), ("residual", {}), ("conv", {}), ("conv", {"dataset": "own", "channels": 3, "side": 33})],
)
@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "tanh"])
@torch.no_grad()
def test_numpy_encodes_and_decodes_as_torch_does(
    network: str, picture: dict[str, object], activation: str
) -> None:
    """Models of random configs, with their initial weights and with larger ones."""
    torch.manual_seed(5)
    generator = np.random.default_rng(len(activation))
    for scale in (1, 2):
        widths = [int(width) for width in generator.integers(1, 40, generator.integers(1, 4))]
        latent_dim = int(generator.integers(1, 21))
        config = small_config(
            network=network,
            activation=activation,
            latent_dim=latent_dim,
            hidden_dims=(*widths, widths[-1]),
            width=int(generator.integers(1, 9)),
            **picture,
        )
        model = VAE(config)
        for parameter in model.parameters():
            parameter.mul_(scale)
        x = generator.random((30, config.pixels), np.float32)
        places = generator.standard_normal((30, latent_dim), np.float32)
        ours = with_numpy(model, config)
        for found, expected in zip(ours.encode(x), model.encoder(torch.from_numpy(x)), strict=True):
            assert_close(found, expected.numpy())
        logits = model.decoder(torch.from_numpy(places))
        assert_close(ours.logits(places), logits.numpy())
        pixels = 255 * torch.sigmoid(logits).numpy()
        assert np.abs(as_rows(ours.decode(places)) - pixels).max() <= 0.51


def test_layers_in_another_order_are_no_blocks() -> None:
    """Gradients and refined posteriors know a layer with weights, then an activation, then an addition."""
    generator = np.random.default_rng(0)
    layers = random_layers(generator, 3, 3)
    dense = next(layer for layer in layers if layer["kind"] == "dense")
    add, tanh = Addition(kind="add"), Activation(kind="tanh")
    for order in ((dense, tanh, tanh), (dense, add, tanh), (dense, add, add), (tanh, dense)):
        with pytest.raises(TypeError, match="No activation or addition can stand"):
            list(blocks(order))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("width", [1, 16, 200])
@pytest.mark.parametrize("side", range(MIN_SIDE, MAX_SIDE + 1))
def test_a_conv_network_leads_any_picture_to_a_small_map_and_back(
    channels: int, width: int, side: int
) -> None:
    config = TrainConfig(dataset="own", channels=channels, side=side, network="conv", width=width)
    encoder, decoder = encoder_layers(config), decoder_layers(config)
    down = [layer for layer in encoder.shared if layer["kind"] == "downsample"]
    up = [layer for layer in decoder if layer["kind"] == "upsample"]
    assert up[-1] == decoder[-1]
    assert 4 <= down[-1]["sides"][1] <= 7
    assert [(layer["channels"], layer["sides"]) for layer in up] == [
        (layer["channels"][::-1], layer["sides"][::-1]) for layer in reversed(down)
    ]
    for layers in (encoder.shared, decoder):
        weighted = [layer for layer, _, _ in blocks(layers)]
        for before, after in itertools.pairwise(weighted):
            assert before["outputs"] == after["inputs"]
    assert (down[0]["inputs"], up[-1]["outputs"]) == (config.pixels, config.pixels)


@pytest.mark.parametrize(
    ("side", "width", "sides", "channels"),
    [
        (28, 16, [14, 7], [16, 32]),
        (32, 16, [16, 8, 4], [16, 32, 64]),
        (64, 32, [32, 16, 8, 4], [32, 64, 128, 128]),
        (63, 150, [32, 16, 8, 4], [150, 150, 150, 150]),
    ],
)
def test_channels_double_at_each_halving_up_to_128(
    side: int, width: int, sides: list[int], channels: list[int]
) -> None:
    config = TrainConfig(dataset="own", channels=3, side=side, network="conv", width=width)
    down = [layer for layer in encoder_layers(config).shared if layer["kind"] == "downsample"]
    assert [layer["sides"][1] for layer in down] == sides
    assert [layer["channels"][1] for layer in down] == channels
    assert Activation(kind="negative_softplus") in encoder_layers(config).logvar


@pytest.mark.parametrize("sides", [(4, 8), (5, 9), (1, 1)])
@torch.no_grad()
def test_an_upsampling_repeats_pixels_and_convolves_them(sides: tuple[int, int]) -> None:
    layer = convolution("upsample", "up", (3, 2), sides)
    network = Network((layer,))
    x = torch.randn(4, 3, sides[0], sides[0])
    module = network.weighted("up")
    wide = functional.conv2d(functional.interpolate(x, scale_factor=2), module.weight, module.bias, padding=1)
    expected = wide[..., : sides[1], : sides[1]].flatten(1)
    assert_close(network.run((layer,), x.flatten(1)).numpy(), expected.numpy())


def test_many_pictures_are_convolved_in_parts() -> None:
    """So that their windows take little memory; the parts join without a seam."""
    config = small_config(network="conv", width=4)
    model = with_numpy(VAE(config), config)
    x = np.random.default_rng(1).random((300, 784), np.float32)
    whole = model.encode(x)
    with mock.patch("vae.inference.forward.WINDOW_VALUES", 1):
        one_by_one = model.encode(x)
    assert_close(one_by_one.mean, whole.mean)
    assert_close(one_by_one.logvar, whole.logvar)
