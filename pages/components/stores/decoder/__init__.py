"""Store of a model's decoder: its weights in the browser, once, for all components of the page.

JavaScript gets it by its name (see `registry`):

    const decoder = await decoders().get(data.decoder);
    put(canvas, imageOf(decoder.greyLevels(decoder.decode([0.41, -1.2]))));  // see pictures/levels.js

It also has `layers`, `weights` and `source`, from which a Worker makes its own decoder (decoder.js), and
`withWeights`, which makes a decoder of the same network with other weights.

Shapes: Z latent size, P pixels.
"""

from pathlib import Path

from pages.components.stores.registry import store
from vae.models.layers import DecoderSpec

_mount = store("decoders", *(Path(__file__).with_name(name) for name in ("decoder.js", "component.js")))


def decoder_store(spec: DecoderSpec, key: str = "decoder") -> str:
    """Sends a decoder to the browser, and returns its name, by which components get it.

    To be called outside of fragments. The weights are sent when they are new to the tab, or when it has run
    ten times on other pages meanwhile: then Streamlit's cache has dropped them (`maxCachedMessageAge`).

    Args:
        spec: cached for all tabs, as reading and hashing the weights takes some milliseconds.
        key: the component's key, unique in the app; the same when another decoder replaces this one.
            Two stores of the same decoder send it twice.
    """
    _mount(key=key, data=spec.payload)
    return spec.name
