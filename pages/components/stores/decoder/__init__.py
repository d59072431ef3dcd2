"""A model's decoder in the browser: the store that brings it there, once, for all components of the page.

In a component whose data says the name (see `stores`), JavaScript gets it by

    const decoder = await decoders().get(data.decoder);
    put(canvas, imageOf(decoder.greyLevels(decoder.decode([0.41, -1.2]))));  // of pictures/levels.js

What else it has: `layers`, `weights` and `source`, of which a Worker makes its own
(decoder.js), and `withWeights`, the same network with others.

Shapes: Z latent size, P pixels.
"""

from pathlib import Path

from pages.components.stores.registry import store
from vae.models.layers import DecoderSpec

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
