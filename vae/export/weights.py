"""A model's weights for torch, as a state dict that needs nothing of this project."""

import json
from collections.abc import Mapping

import numpy as np
from safetensors.numpy import save

from vae.inference.forward import Model
from vae.models.layers import encoder_layers, image_layers


def state_dict(model: Model, facts: Mapping[str, str]) -> bytes:
    """The weights by their names in a state dict, float32, as a safetensors file.

    Its metadata are `facts`, the config, and the layers of encoder and decoder as JSON (`vae.models.layers`).
    """
    layers = encoder_layers(model.config)._asdict()
    described = {
        "config": model.config.model_dump_json(),
        "encoder": json.dumps(layers),
        "decoder": json.dumps(image_layers(model.config)),
    }
    arrays = {name: np.ascontiguousarray(values, "<f4") for name, values in model.weights.items()}
    return save(arrays, {**facts, **described})
