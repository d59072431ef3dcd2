"""A model run by NumPy, from the description of its layers: encoding, decoding and losses. Imports no torch.

The web server computes with this: torch would cost it seconds and 280 MB.

Shapes: B batch, C channels, S pixels of a side, P = C · S · S values of a picture, Z latent size, I and O a
network's inputs and outputs.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from vae.config import TrainConfig
from vae.datasets.images import MAX_LEVEL, ImageArray, as_rows, rows_as_images, to_levels
from vae.inference.scored_set import Floats
from vae.models.layers import (
    Convolution,
    DecoderSpec,
    Kind,
    Layers,
    decoder_layers,
    decoder_spec,
    encoder_layers,
    image_layers,
    phase_kernels,
)

Values = npt.NDArray[Any]  # float32, of any shape

BATCH = 500  # large enough to keep the matrix products busy, small enough for the processor's cache
WINDOW_VALUES = 2**22  # about as many numbers are copied for a convolution at once: 16 MB

# erfcc of Press et al., Numerical Recipes: a relative error below 1.2e-7 everywhere, as that of float32.
_ERFC = (
    *(0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807),
    *(-0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223),
)


def _gelu(x: Values) -> Values:
    """x Φ(x), with the normal distribution function Φ(x) = erfc(-x / √2) / 2."""
    scaled = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + scaled / 2)
    total = np.zeros_like(x)
    for coefficient in _ERFC:
        total = total * t + np.float32(coefficient)
    half = t * np.exp(total - scaled * scaled)  # erfc of the absolute value
    return x / 2 * np.where(x < 0, half, 2 - half)


def _sigmoid(x: Values) -> Values:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Values) -> Values:
    """log(1 + exp(x)), without overflow; np.logaddexp takes ten times as long."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


ACTIVATIONS: Mapping[Kind, Callable[[Values], Values]] = {
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": _gelu,
    "tanh": np.tanh,
    "sine": np.sin,
    "sigmoid": _sigmoid,
    "clip": lambda x: x.clip(0, 1),
    "negative_softplus": lambda x: -_softplus(x),
}


@np.errstate(over="ignore", invalid="ignore")  # of a sigmoid's exp, and of weights that have diverged
def run_layers(layers: Layers, weights: Mapping[str, Floats], x: Floats) -> Floats:
    """The layers one after the other: (B, I) -> (B, O).

    Args:
        weights: W and b of each dense layer and convolution, by its name with `.weight` and `.bias`.
    """
    convolutions = [layer for layer in layers if layer["kind"] == "downsample" or layer["kind"] == "upsample"]
    windows = max((4 * max(layer["inputs"], layer["outputs"]) for layer in convolutions), default=0)
    size = max(1, WINDOW_VALUES // windows) if windows else len(x)
    if len(x) > size:
        parts = [x[start : start + size] for start in range(0, len(x), size)]
        return np.concatenate([run_layers(layers, weights, part) for part in parts])
    before = x
    for layer in layers:
        if layer["kind"] == "dense" or layer["kind"] == "downsample" or layer["kind"] == "upsample":
            weight, bias = weights[f"{layer['name']}.weight"], weights[f"{layer['name']}.bias"]
            before = x
            x = x @ weight.T + bias if layer["kind"] == "dense" else _convolve(layer, weight, bias, x)
        elif layer["kind"] == "add":
            x = before + x
        else:
            x = ACTIVATIONS[layer["kind"]](x)
    return x


def _convolve(layer: Convolution, weight: Floats, bias: Floats, x: Floats) -> Floats:
    """A convolution as matrix products of its kernels and the pixels below them: (B, I) -> (B, O)."""
    (channels, made), (side, out_side) = layer["channels"], layer["sides"]
    doubles = layer["kind"] == "upsample"
    kernels = phase_kernels(weight) if doubles else weight
    size = kernels.shape[-1]
    places = (side + 2 - size) // (1 if doubles else 2) + 1  # of the kernel, along a side
    padded = np.pad(x.reshape(-1, channels, side, side), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (size, size), axis=(2, 3))  # (B, C, S, S, size, size)
    if not doubles:
        windows = windows[:, :, ::2, ::2]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), -1, places**2)
    products = kernels.reshape(-1, channels * size**2) @ columns
    if not doubles:
        return (products + bias[:, None]).reshape(len(x), -1)
    phases = products.reshape(-1, 2, 2, made, places, places)
    y = np.empty((len(x), made, out_side, out_side), np.float32)
    for row, column in np.ndindex(2, 2):
        part = y[:, :, row::2, column::2]
        height, width = part.shape[2:]
        part[:] = phases[:, row, column, :, row : row + height, column : column + width]
    y += bias[:, None, None]
    return y.reshape(len(x), -1)


class Posterior(NamedTuple):
    """q(z|x), a diagonal Gaussian for each image."""

    mean: Floats  # (B, Z)
    logvar: Floats  # (B, Z)


def pixels(images: ImageArray) -> Floats:
    """Images as a model reads them: (B, S, S) or (B, S, S, 3) uint8 -> (B, P) in [0, 1]."""
    return as_rows(images).astype(np.float32) / np.float32(MAX_LEVEL)


@dataclass(frozen=True)
class Model:
    """A model of a config with its weights, by their names in a state dict; for inference only."""

    config: TrainConfig
    weights: Mapping[str, Floats]

    @cached_property
    def decoder(self) -> DecoderSpec:
        """The decoder as it is sent to browsers."""
        return decoder_spec(self.config, self.weights)

    def _part(self, name: str) -> dict[str, Floats]:
        prefix = f"{name}."
        return {
            key.removeprefix(prefix): value for key, value in self.weights.items() if key.startswith(prefix)
        }

    def encode(self, x: Floats) -> Posterior:
        """The posterior of each image, (B, P) in [0, 1]."""
        layers, weights = encoder_layers(self.config), self._part("encoder")
        shared = run_layers(layers.shared, weights, x)
        return Posterior(*(run_layers(part, weights, shared) for part in (layers.mean, layers.logvar)))

    def logits(self, places: Floats) -> Floats:
        """The decoder's outputs before the last activation: (B, Z) -> (B, P)."""
        return run_layers(decoder_layers(self.config), self._part("decoder"), places)

    def reconstruction_loss(self, logits: Floats, x: Floats) -> Floats:
        """-log p(x|z) of each image, nats: (B, P), (B, P) -> (B,); as in `vae.models.losses`."""
        if self.config.likelihood == "bernoulli":
            losses = (_softplus(logits) - x * logits).sum(axis=1, dtype=np.float64)
        else:
            log_deviation = float(self.weights["log_deviation"][0])
            squares = np.square(logits - x).sum(axis=1, dtype=np.float64)
            each = log_deviation + math.log(2 * math.pi) / 2 + math.log(MAX_LEVEL)
            losses = squares * math.exp(-2 * log_deviation) / 2 + x.shape[1] * each
        return losses.astype(np.float32)

    def decode(self, places: Floats) -> ImageArray:
        """The images that are decoded from latent points: (B, Z) -> (B, S, S) or (B, S, S, 3) uint8."""
        layers, weights = image_layers(self.config), self._part("decoder")
        rows = np.empty((len(places), self.config.pixels), np.uint8)
        for start in range(0, len(places), BATCH):
            batch = slice(start, start + BATCH)
            rows[batch] = to_levels(run_layers(layers, weights, places[batch]))
        return rows_as_images(rows, self.config.channels)


def kl(mean: Floats, logvar: Floats) -> Floats:
    """KL(N(mean, exp(logvar)) || N(0, I)), nats: (B, Z), (B, Z) -> (B,); as `vae.models.losses.kl`."""
    return -0.5 * (1 + logvar - mean**2 - np.exp(logvar)).sum(axis=1)
