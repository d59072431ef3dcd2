"""A network as plain data: layers and weights, which the browser's decoder follows. Knows no torch.

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
    """A function of each value by itself, as torch defines it; gelu in its exact form."""

    kind: Kind


class Addition(TypedDict):
    """Adds what the dense layer before it was given."""

    kind: Literal["add"]


Layer = Dense | Activation | Addition


@dataclass(frozen=True)
class DecoderSpec:
    """All that the browser needs in order to decode.

    Attributes:
        layers: in order, from Z values to P in [0, 1]; the first is dense.
        weights: of each dense layer W, row after row, and then b; float32, little-endian.
    """

    layers: tuple[Layer, ...]
    weights: bytes

    @cached_property
    def name(self) -> str:
        """The same for the same content, and for no other."""
        return hashlib.sha256(json.dumps(self.layers).encode() + self.weights).hexdigest()[:16]

    @property
    def payload(self) -> bytes:
        """Name and layers as a line of JSON, then the weights.

        One mount takes bytes or JSON, and bytes inside of JSON would have to be text.
        """
        return json.dumps({"name": self.name, "layers": self.layers}).encode() + b"\n" + self.weights
