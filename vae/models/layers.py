"""A network as plain data: its layers, and the names and shapes of their weights. Imports no torch.

From this description are made the torch module (`network`), its hand-written gradients (`gradients`), the
NumPy network of the web server (`vae.inference.forward`) and the browser's decoder (`DecoderSpec`).

Every layer turns rows into rows: (B, I) -> (B, O). A row of a convolution is a picture of several channels,
one channel after the other, each row by row.

Shapes: B batch, Z latent size, P pixels, I and O a layer's inputs and outputs, C its channels, S pixels of a
side.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, TypedDict, TypeGuard

import numpy as np
import numpy.typing as npt

from vae.config import TrainConfig

Kind = Literal["relu", "silu", "gelu", "tanh", "sine", "sigmoid", "clip", "negative_softplus"]
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


class Convolution(TypedDict):
    """A convolution of square pictures that halves or doubles their side, with zeros around them.

    downsample: kernels of 3 x 3 at every second pixel, W (C_out, C_in, 3, 3); the side is halved, rounded up.
    upsample: nearest-neighbour upsampling by 2, then kernels of 3 x 3, W as above; the last row and column
        can be cut off, so that it leads back to an odd side. An output depends on 2 x 2 pixels alone, so
        that four products do the work of nine (`phase_kernels`).

    `name`, `inputs` and `outputs` as of a dense layer: inputs = C_in · S_in², outputs = C_out · S_out².
    """

    kind: Literal["downsample", "upsample"]
    name: str
    inputs: int
    outputs: int
    channels: tuple[int, int]  # in and out
    sides: tuple[int, int]  # in and out


Weighted = Dense | Convolution  # the layers with weights
Layer = Weighted | Activation | Addition
Layers = tuple[Layer, ...]
KERNEL = 3  # pixels of a side
MIN_MAP = 7  # a picture is halved until its side is at most this: 28 to 7, powers of two to 4
MAX_CHANNELS = 128  # to which halving doubles the channels; more only if the width is more
# Which rows of a kernel of 3 meet the first and the second of the two pixels that an output of an upsampling
# depends on, for outputs in even and in odd places.
PHASES = (((1, 0, 0), (0, 1, 1)), ((1, 1, 0), (0, 0, 1)))


class EncoderLayers(NamedTuple):
    """Pixels to the posterior: the shared layers, then those of its mean and of its log-variance."""

    shared: Layers
    mean: Layers
    logvar: Layers


def encoder_layers(config: TrainConfig) -> EncoderLayers:
    """The encoder of a config: P pixels in [0, 1] to the mean and log-variance of q(z|x), Z each."""
    width = config.hidden_dims[-1]
    downsamples, inputs = _downsamples(config), config.pixels
    if downsamples:
        inputs = downsamples[-1]["outputs"]
    # An observation only narrows the prior. A posterior wider than the prior is an error of the encoder, and
    # the exp(logvar) of one such image can make a training diverge.
    bound: Layers = () if config.network == "plain" else (Activation(kind="negative_softplus"),)
    return EncoderLayers(
        shared=(
            *_activated(downsamples, config),
            *_hidden((inputs, *config.hidden_dims), [config.activation] * len(config.hidden_dims), config),
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
    downsamples = _downsamples(config)
    if downsamples:
        widths = (*widths, downsamples[-1]["outputs"])
    kinds: list[Kind] = [config.activation] * len(widths)
    if config.network == "residual":
        kinds[0] = "sine"
    hidden = _hidden((config.latent_dim, *widths), kinds, config)
    if not downsamples:
        return (*hidden, _dense("logits", widths[-1], config.pixels))
    *upsamples, last = _upsamples(downsamples)
    return (*hidden, *_activated(upsamples, config), last)


def image_layers(config: TrainConfig) -> Layers:
    """As `decoder_layers`, to the mean of p(x|z): P pixels in [0, 1]."""
    return (*decoder_layers(config), Activation(kind=mean_activation(config)))


def mean_activation(config: TrainConfig) -> Kind:
    """What makes the mean of p(x|z) of a decoder's outputs, in [0, 1]."""
    # A Gaussian's mean is the output itself: through a sigmoid, pixels that are black in most pictures have a
    # vanishing derivative, and trainings collapse (docs/LOG.md).
    return "sigmoid" if config.likelihood == "bernoulli" else "clip"


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


def _activated(layers: Iterable[Convolution], config: TrainConfig) -> Layers:
    """Convolutions, each followed by the config's activation."""
    return tuple(each for layer in layers for each in (layer, Activation(kind=config.activation)))


def _downsamples(config: TrainConfig) -> list[Convolution]:
    """The convolutions of the encoder, from the picture to maps of at most MIN_MAP pixels a side."""
    layers: list[Convolution] = []
    if config.network != "conv":
        return layers
    channels: int = config.channels
    side, wide = config.side, config.width
    while side > MIN_MAP:
        half = -(-side // 2)
        layers.append(convolution("downsample", f"conv.{len(layers)}", (channels, wide), (side, half)))
        channels, side, wide = wide, half, max(wide, min(2 * wide, MAX_CHANNELS))
    return layers


def _upsamples(downsamples: Sequence[Convolution]) -> list[Convolution]:
    """The convolutions of the decoder: those of the encoder in reverse; the last one is `logits`."""
    names = [f"conv.{number}" for number in range(len(downsamples) - 1)] + ["logits"]
    return [
        convolution("upsample", name, layer["channels"][::-1], layer["sides"][::-1])
        for name, layer in zip(names, reversed(downsamples), strict=True)
    ]


def _dense(name: str, inputs: int, outputs: int) -> Dense:
    return Dense(kind="dense", name=name, inputs=inputs, outputs=outputs)


def convolution(
    kind: Literal["downsample", "upsample"], name: str, channels: tuple[int, int], sides: tuple[int, int]
) -> Convolution:
    """The convolution with these channels and sides, in and out."""
    inputs, outputs = (count * side**2 for count, side in zip(channels, sides, strict=True))
    return Convolution(kind=kind, name=name, inputs=inputs, outputs=outputs, channels=channels, sides=sides)


def is_weighted(layer: Layer) -> TypeGuard[Weighted]:
    """Whether a layer has weights: a dense one or a convolution."""
    return layer["kind"] in ("dense", "downsample", "upsample")


def has_convolutions(layers: Layers) -> bool:
    """Whether any of the layers is a convolution."""
    return any(is_weighted(layer) and layer["kind"] != "dense" for layer in layers)


class Block(NamedTuple):
    """A layer with weights, with what follows it: its activation, if any, and whether it has a skip."""

    weighted: Weighted
    activation: Kind | None
    skips: bool


def blocks(layers: Layers) -> Iterator[Block]:
    """Layers in blocks of one with weights each. Raises TypeError for layers in another order."""
    block: Block | None = None
    for layer in layers:
        if layer["kind"] == "dense" or layer["kind"] == "downsample" or layer["kind"] == "upsample":
            if block:
                yield block
            block = Block(layer, None, skips=False)
        elif block is None or block.skips or (layer["kind"] != "add" and block.activation):
            raise TypeError(f"No activation or addition can stand where {layer} does.")
        elif layer["kind"] == "add":
            block = block._replace(skips=True)
        else:
            block = block._replace(activation=layer["kind"])
    if block:
        yield block


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
        if is_weighted(layer):
            weight, bias = shapes_of(layer)
            shapes[f"{part}.{layer['name']}.weight"] = weight
            shapes[f"{part}.{layer['name']}.bias"] = bias
    return shapes


def shapes_of(layer: Weighted) -> tuple[Shape, Shape]:
    """The shapes of a layer's W and b."""
    if layer["kind"] == "dense":
        return (layer["outputs"], layer["inputs"]), (layer["outputs"],)
    channels, made = layer["channels"]
    return (made, channels, KERNEL, KERNEL), (made,)


def phase_kernels(kernel: Floats) -> Floats:
    """The kernels of an upsampling for outputs in even and odd rows (E) and columns (F), at its 2 x 2 pixels.

    (C_out, C_in, 3, 3) -> (E, F, C_out, C_in, 2, 2)
    """
    sums = np.array(PHASES, np.float32)
    return np.einsum("eur,fvs,ocrs->efocuv", sums, sums, kernel, optimize=True)


@dataclass(frozen=True)
class DecoderSpec:
    """A decoder for the browser: its layers and weights.

    Attributes:
        layers: in order, from Z values to P in [0, 1]; the first is dense.
        weights: of each dense layer and convolution W, row by row, then b; float32, little-endian.
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
    """The decoder of a config to the mean of p(x|z), with its tensors by their names (`decoder_shapes`)."""
    ordered = (weights[name].astype("<f4").tobytes() for name in decoder_shapes(config))
    return DecoderSpec(image_layers(config), b"".join(ordered))
