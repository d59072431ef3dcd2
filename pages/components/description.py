"""A model's decoder as a description that the browser can follow.

Shapes: Z latent size, P pixels.
"""

import numpy as np
from torch import nn

from pages.components.decoder import Activation, DecoderSpec, Dense, Kind, Layer
from vae.model import VAE

ACTIVATIONS: dict[type[nn.Module], Kind] = {
    nn.ReLU: "relu",
    nn.SiLU: "silu",
    nn.GELU: "gelu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
}


def decoder_spec(model: VAE) -> DecoderSpec:
    """What `model.decode` computes, (Z,) -> (P,), for a decoder that calls its modules one after the other in
    the order in which it has them.

    Raises TypeError for a module that the browser does not know.
    """
    layers: list[Layer] = []
    weights = b""
    for module in model.decoder.modules():
        if isinstance(module, nn.Linear) and module.bias is not None:
            layers.append(Dense(kind="dense", inputs=module.in_features, outputs=module.out_features))
            for values in (module.weight, module.bias):
                weights += values.detach().cpu().numpy().astype(np.dtype("<f4")).tobytes()
        elif type(module) in ACTIVATIONS and getattr(module, "approximate", "none") == "none":
            layers.append(Activation(kind=ACTIVATIONS[type(module)]))
        elif not isinstance(module, nn.Sequential) and module is not model.decoder:
            raise TypeError(f"The browser cannot decode with {module}.")
    layers.append(Activation(kind="sigmoid"))  # which `decode` adds
    return DecoderSpec(tuple(layers), weights)
