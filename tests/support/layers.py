"""Random descriptions of networks, with random weights."""

from typing import get_args

import numpy as np

from vae.inference.scored_set import Floats
from vae.models.layers import (
    Activation,
    Addition,
    Dense,
    Kind,
    Layer,
    Layers,
    convolution,
    is_weighted,
    shapes_of,
)

KINDS: tuple[Kind, ...] = get_args(Kind)
Weights = dict[str, Floats]


def random_layers(
    generator: np.random.Generator,
    inputs: int,
    outputs: int,
    part: str = "hidden",
    kinds: tuple[Kind, ...] = KINDS,
) -> Layers:
    """One to five dense layers; most with an activation, half of those of equal widths with a skip.

    Args:
        part: begins the names of the dense layers.
        kinds: of the activations.
    """
    layers: list[Layer] = []
    widths = [int(width) for width in generator.integers(1, 60, generator.integers(0, 5))]
    for number, width in enumerate([*widths, outputs]):
        if number < len(widths) and generator.random() < 0.5:
            width = inputs
        layers.append(Dense(kind="dense", name=f"{part}.{number}", inputs=inputs, outputs=width))
        if generator.random() < 0.8:
            layers.append(Activation(kind=kinds[generator.integers(len(kinds))]))
        if inputs == width and generator.random() < 0.5:
            layers.append(Addition(kind="add"))
        inputs = width
    return tuple(layers)


def random_convolutions(generator: np.random.Generator, inputs: int) -> Layers:
    """A dense layer to a small picture, and one to three convolutions; most with an activation.

    Sides are even and odd, and lead from each to both.
    """
    channels, side = (int(each) for each in generator.integers(1, 8, 2))
    layers: list[Layer] = [Dense(kind="dense", name="map", inputs=inputs, outputs=channels * side**2)]
    for number in range(generator.integers(1, 4)):
        made = int(generator.integers(1, 10))
        if generator.random() < 0.5:
            half = -(-side // 2)
            layers.append(convolution("downsample", f"conv.{number}", (channels, made), (side, half)))
            side = half
        else:
            double = 2 * side - int(generator.integers(2))
            layers.append(convolution("upsample", f"conv.{number}", (channels, made), (side, double)))
            side = double
        channels = made
        if generator.random() < 0.8:
            layers.append(Activation(kind=KINDS[generator.integers(len(KINDS))]))
    return tuple(layers)


def random_weights(generator: np.random.Generator, layers: Layers) -> Weights:
    """W and b of each layer that has weights, such that values neither grow nor vanish on their way."""
    weights: Weights = {}
    for layer in layers:
        if is_weighted(layer):
            (outputs, *factors), _ = shapes_of(layer)
            matrix = generator.standard_normal((outputs, *factors), np.float32)
            weights[f"{layer['name']}.weight"] = matrix / np.float32(np.sqrt(np.prod(factors)))
            weights[f"{layer['name']}.bias"] = generator.standard_normal(outputs, np.float32) / np.float32(3)
    return weights
