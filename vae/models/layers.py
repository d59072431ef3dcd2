"""A network as plain data: its layers, and the names and shapes of their weights. Imports no torch.

From this description are made the torch module (`network`), its hand-written gradients (`gradients`), the
NumPy network of the web server (`vae.inference.forward`) and the browser's decoder (`DecoderSpec`).

Shapes: Z latent size, P pixels, I and O a layer's inputs and outputs.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from vae.config import TrainConfig

Kind = Literal["relu", "silu", "gelu", "tanh", "sine", "sigmoid", "negative_softplus"]
Floats = npt.NDArray[np.float32]
Shape = tuple[int, ...]


class Dense(TypedDict):
    """y = W x + b, with W (O, I) and b (O,); `name` is that of the weights, before `.weight` and `.bias`."""

    kind: Literal["dense"]
    name: str
    inputs: int
    outputs: int


class Activation(TypedDict):
    """A function of each single value, as torch defines it; gelu in its exact form."""

    kind: Kind


class Addition(TypedDict):
    """A skip connection: adds the inputs of the dense layer before it."""

    kind: Literal["add"]


Layer = Dense | Activation | Addition
Layers = tuple[Layer, ...]


class EncoderLayers(NamedTuple):
    """Pixels to the posterior: the shared layers, then those of its mean and of its log-variance."""

    shared: Layers
    mean: Layers
    logvar: Layers


def encoder_layers(config: TrainConfig) -> EncoderLayers:
    """The encoder of a config: P pixels in [0, 1] to the mean and log-variance of q(z|x), Z each."""
    width, residual = config.hidden_dims[-1], config.network == "residual"
    # An observation only narrows the prior. A posterior wider than the prior is an error of the encoder, and
    # the exp(logvar) of one such image can make a training diverge.
    bound: Layers = (Activation(kind="negative_softplus"),) if residual else ()
    return EncoderLayers(
        shared=_hidden(
            (config.pixels, *config.hidden_dims), [config.activation] * len(config.hidden_dims), config
        ),
        mean=(_dense("mean", width, config.latent_dim),),
        logvar=(_dense("logvar", width, config.latent_dim), *bound),
    )


def decoder_layers(config: TrainConfig) -> Layers:
    """The decoder of a config: Z latent coordinates to the logits of P pixels.

    In a residual network the first activation is a sine, each unit with a random direction and frequency:
    Fourier features (Tancik et al. 2020, arXiv:2006.10739), trained further. Without them a network of few
    inputs is slow to learn functions that change fast.
    """
    widths = config.hidden_dims[::-1]
    kinds: list[Kind] = [config.activation] * len(widths)
    if config.network == "residual":
        kinds[0] = "sine"
    hidden = _hidden((config.latent_dim, *widths), kinds, config)
    return (*hidden, _dense("logits", widths[-1], config.pixels))


def image_layers(config: TrainConfig) -> Layers:
    """As `decoder_layers`, to the mean of p(x|z): P pixels in [0, 1]."""
    return (*decoder_layers(config), Activation(kind="sigmoid"))


def _hidden(sizes: Shape, kinds: Iterable[Kind], config: TrainConfig) -> Layers:
    """Dense layers from size to size, each followed by its activation.

    In a residual network, layers with as many outputs as inputs have a skip connection: the inputs are added
    to the outputs (He et al. 2015, arXiv:1512.03385).
    """
    layers: list[Layer] = []
    for number, ((inputs, outputs), kind) in enumerate(zip(pairwise(sizes), kinds, strict=True)):
        # Even numbers, as in files of earlier versions, whose activations had numbers, too.
        layers += [_dense(f"hidden.{2 * number}", inputs, outputs), Activation(kind=kind)]
        if config.network == "residual" and inputs == outputs:
            layers.append(Addition(kind="add"))
    return tuple(layers)


def _dense(name: str, inputs: int, outputs: int) -> Dense:
    return Dense(kind="dense", name=name, inputs=inputs, outputs=outputs)


class Block(NamedTuple):
    """A dense layer with what follows it: its activation, if any, and whether it has a skip connection."""

    dense: Dense
    activation: Kind | None
    skips: bool


def blocks(layers: Layers) -> Iterator[Block]:
    """Layers in blocks of one dense layer each. Raises TypeError for layers in another order."""
    starts = [number for number, layer in enumerate(layers) if number == 0 or layer["kind"] == "dense"]
    for start, end in pairwise([*starts, len(layers)]):
        dense, *rest = layers[start:end]
        kinds = [layer["kind"] for layer in rest]
        skips = kinds[-1:] == ["add"]
        activation = kinds[0] if len(kinds) > skips else None
        if dense["kind"] != "dense" or activation == "dense" or activation == "add" or len(kinds) > 1 + skips:
            raise TypeError(f"The layers {', '.join(kinds)} after {dense} are no activation and addition.")
        yield Block(dense, activation, skips)


def weight_shapes(config: TrainConfig) -> dict[str, Shape]:
    """The shape of each tensor of a model by its name in a file of weights, in a state dict's order."""
    encoder = encoder_layers(config)
    likelihood: dict[str, Shape] = {"log_deviation": (1,)} if config.likelihood == "gaussian" else {}
    own = _shapes("encoder", encoder.shared + encoder.mean + encoder.logvar)
    return likelihood | own | decoder_shapes(config)


def decoder_shapes(config: TrainConfig) -> dict[str, Shape]:
    """As `weight_shapes`, of the decoder alone; the order is that of the weights in a `DecoderSpec`."""
    return _shapes("decoder", decoder_layers(config))


def _shapes(part: str, layers: Layers) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    for layer in layers:
        if layer["kind"] == "dense":
            shapes[f"{part}.{layer['name']}.weight"] = (layer["outputs"], layer["inputs"])
            shapes[f"{part}.{layer['name']}.bias"] = (layer["outputs"],)
    return shapes


@dataclass(frozen=True)
class DecoderSpec:
    """A decoder for the browser: its layers and weights.

    Attributes:
        layers: in order, from Z values to P in [0, 1]; the first is dense.
        weights: of each dense layer W, row by row, then b; float32, little-endian.
    """

    layers: Layers
    weights: bytes

    @cached_property
    def name(self) -> str:
        """A hash of the content, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.layers).encode() + self.weights).hexdigest()[:16]

    @property
    def payload(self) -> bytes:
        """Name and layers as a line of JSON, then the weights.

        One message, because a Streamlit component takes either bytes or JSON.
        """
        return json.dumps({"name": self.name, "layers": self.layers}).encode() + b"\n" + self.weights


def decoder_spec(config: TrainConfig, weights: Mapping[str, Floats]) -> DecoderSpec:
    """The decoder of a config, with its tensors by their names (`decoder_shapes`); ends with a sigmoid."""
    ordered = (weights[name].astype("<f4").tobytes() for name in decoder_shapes(config))
    return DecoderSpec(image_layers(config), b"".join(ordered))
