"""Random descriptions of networks, with random weights."""

from typing import get_args

import numpy as np

from vae.inference.scored_set import Floats
from vae.models.layers import Activation, Addition, Dense, Kind, Layer, Layers

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


def random_weights(generator: np.random.Generator, layers: Layers) -> Weights:
    """W and b of each dense layer, such that values neither grow nor vanish on their way."""
    weights: Weights = {}
    for layer in layers:
        if layer["kind"] == "dense":
            name, inputs, outputs = layer["name"], layer["inputs"], layer["outputs"]
            matrix = generator.standard_normal((outputs, inputs), np.float32)
            weights[f"{name}.weight"] = matrix / np.float32(np.sqrt(inputs))
            weights[f"{name}.bias"] = generator.standard_normal(outputs, np.float32) / np.float32(3)
    return weights
