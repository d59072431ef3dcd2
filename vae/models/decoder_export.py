"""Export of a torch model's decoder as plain data (`layers`).

Shapes: Z latent size, P pixels.
"""

import numpy as np
from torch import nn

from vae.models.layers import Activation, Addition, DecoderSpec, Dense, Kind, Layer
from vae.models.network import ACTIVATIONS, VAE, Sine

KINDS: dict[type[nn.Module], Kind] = {module: kind for kind, module in ACTIVATIONS.items()} | {Sine: "sine"}


def weight_names(model: VAE) -> list[str]:
    """The names, in a snapshot's file, of the tensors that are the weights of `decoder_spec`, in order."""
    names = {id(parameter): f"decoder.{name}" for name, parameter in model.decoder.named_parameters()}
    linears = [*(linear for linear, _, _ in model.decoder.hidden.steps()), model.decoder.logits]
    return [names[id(values)] for linear in linears for values in (linear.weight, linear.bias)]


def decoder_spec(model: VAE) -> DecoderSpec:
    """`model.decode`, (Z,) -> (P,), as plain data. Raises TypeError for an unknown kind of activation."""
    layers: list[Layer] = []
    weights = b""

    def add_dense(linear: nn.Linear) -> None:
        nonlocal weights
        layers.append(Dense(kind="dense", inputs=linear.in_features, outputs=linear.out_features))
        for values in (linear.weight, linear.bias):
            weights += values.detach().cpu().numpy().astype(np.dtype("<f4")).tobytes()

    for linear, activation, skips in model.decoder.hidden.steps():
        add_dense(linear)
        if type(activation) not in KINDS or getattr(activation, "approximate", "none") != "none":
            raise TypeError(f"The browser cannot decode with {activation}.")
        layers.append(Activation(kind=KINDS[type(activation)]))
        if skips:
            layers.append(Addition(kind="add"))
    add_dense(model.decoder.logits)
    layers.append(Activation(kind="sigmoid"))  # which `decode` adds
    return DecoderSpec(tuple(layers), weights)
