"""A model's decoder in the browser: the store that brings it there, once, for all components of the page.

In a component whose script begins with `REGISTRY`, and whose data says the name, JavaScript gets it by

    const decoder = await decoders().get(data.decoder);
    context.putImageData(decoder.imageOf(decoder.decode([0.41, -1.2])), 0, 0);

whichever of the two is mounted first. What else it has: `greyLevels(pixels)`, and `layers`, `weights` and
`source`, of which a Worker makes its own (decoder.js).

Weights are a megabyte, so they must not travel with each run. Streamlit keeps messages of 10 kB and more in
the browser, by a hash of all their content, and sends a reference of 0.1 kB to one that is there. So the
store is a component of its own, with nothing in its data that changes, mounted outside of fragments. And
weights must not be taken for those of another run: so a decoder's name is a hash of its content, and one
that is not here yet is awaited.

Shapes: Z latent size, P pixels.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypedDict

from streamlit.components.v2 import component

Kind = Literal["relu", "silu", "gelu", "tanh", "sigmoid"]


class Dense(TypedDict):
    """y = W x + b, with W (outputs, inputs)."""

    kind: Literal["dense"]
    inputs: int
    outputs: int


class Activation(TypedDict):
    """A function of each value by itself, as torch defines it; gelu in its exact form."""

    kind: Kind


Layer = Dense | Activation


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
_REGISTRY, _DECODER, _COMPONENT = (
    (_HERE / name).read_text(encoding="utf-8") for name in ("registry.js", "decoder.js", "component.js")
)
REGISTRY = _REGISTRY  # what a component's script begins with, to have `decoders()`
_mount = component(
    "decoder_store",
    html='<div class="decoder-store"></div>',
    css=(_HERE / "component.css").read_text(encoding="utf-8"),
    js=_REGISTRY + _DECODER + _COMPONENT,
    isolate_styles=False,  # its style concerns the element around it
)


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
