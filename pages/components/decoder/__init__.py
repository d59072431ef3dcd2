"""A model's decoder in the browser: the store that brings it there, once, for all components of the page.

In a component whose data says the name (see `stores`), JavaScript gets it by

    const decoder = await decoders().get(data.decoder);
    put(canvas, imageOf(decoder.greyLevels(decoder.decode([0.41, -1.2]))));  // of pictures/levels.js

What else it has: `layers`, `weights` and `source`, of which a Worker makes its own
(decoder.js), and `withWeights`, the same network with others.

Shapes: Z latent size, P pixels.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypedDict

from pages.components.stores import store

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


_HERE = Path(__file__).parent
_DECODER, _COMPONENT = ((_HERE / name).read_text(encoding="utf-8") for name in ("decoder.js", "component.js"))
_mount = store("decoders", _DECODER + _COMPONENT)


def decoder_store(spec: DecoderSpec, key: str = "decoder") -> str:
    """Put a decoder at hand in the browser, and return its name, which components ask for it by.

    To be called outside of fragments. Nothing is to be seen of it. The weights travel when they are new to
    the tab, or when it has run two times on other pages meanwhile: then Streamlit has forgotten them.

    Args:
        spec: made once for all viewers, as reading the weights and hashing them takes some milliseconds.
        key: the store's identity, unique in the app; it stays when another decoder takes the place. Two
            stores of the same decoder send it twice.
    """
    _mount(key=key, data=spec.payload)
    return spec.name
