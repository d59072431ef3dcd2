"""A network as plain data, layers and weights, for the decoder in the browser. Imports no torch.

Shapes: Z latent size, P pixels.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypedDict

Kind = Literal["relu", "silu", "gelu", "tanh", "sine", "sigmoid"]


class Dense(TypedDict):
    """y = W x + b, with W (outputs, inputs)."""

    kind: Literal["dense"]
    inputs: int
    outputs: int


class Activation(TypedDict):
    """A function of each single value, as torch defines it; gelu in its exact form."""

    kind: Kind


class Addition(TypedDict):
    """A skip connection: adds the inputs of the dense layer before it."""

    kind: Literal["add"]


Layer = Dense | Activation | Addition


@dataclass(frozen=True)
class DecoderSpec:
    """A decoder: its layers and weights.

    Attributes:
        layers: in order, from Z values to P in [0, 1]; the first is dense.
        weights: of each dense layer W, row by row, then b; float32, little-endian.
    """

    layers: tuple[Layer, ...]
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
