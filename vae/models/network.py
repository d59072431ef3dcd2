"""The variational autoencoder as torch modules, made from the description of its layers (`layers`).

Shapes: B batch, C channels, S pixels of a side, P = C · S · S values of a picture, Z latent size, I and O a
network's inputs and outputs.
"""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.config import TrainConfig
from vae.models.inputs import Array, as_latent_points, as_pixels
from vae.models.layers import Dense, Floats, Kind, Layers, decoder_layers, encoder_layers
from vae.models.losses import FIRST_DEVIATION, Bernoulli, Gaussian, Likelihood

ACTIVATIONS: dict[Kind, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "sine": torch.sin,
    "sigmoid": torch.sigmoid,
    "negative_softplus": lambda x: -functional.softplus(x),
}


class Network(nn.Module):
    """The dense layers of a description, as submodules with the names that it gives them.

    They are initialised as torch does it. One that is followed by a sine gets a random direction and
    frequency in each unit.
    """

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        for layer in layers:
            if layer["kind"] == "dense":
                self._add_linear(layer)
        for layer, following in pairwise(layers):
            if layer["kind"] == "dense" and following["kind"] == "sine":
                linear = self.linear(layer["name"])
                nn.init.normal_(linear.weight)  # radians per unit of the inputs
                nn.init.uniform_(linear.bias, -math.pi, math.pi)

    def _add_linear(self, layer: Dense) -> None:
        *parents, name = layer["name"].split(".")
        module: nn.Module = self
        for parent in parents:
            if not hasattr(module, parent):
                module.add_module(parent, nn.Module())
            module = module.get_submodule(parent)
        # In float32, whatever `torch.set_default_dtype` says.
        module.add_module(name, nn.Linear(layer["inputs"], layer["outputs"], dtype=torch.float32))

    def linear(self, name: str) -> nn.Linear:
        """The dense layer of this name."""
        linear = self.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        return linear

    def run(self, layers: Layers, x: Tensor) -> Tensor:
        """Some layers of the description, one after the other: (B, I) -> (B, O)."""
        before = x
        for layer in layers:
            if layer["kind"] == "dense":
                before, x = x, self.linear(layer["name"])(x)
            elif layer["kind"] == "add":
                x = before + x
            else:
                x = ACTIVATIONS[layer["kind"]](x)
        return x


class Encoder(Network):
    """Pixels to the posterior's mean and log-variance: (B, P) -> (B, Z), (B, Z)."""

    def __init__(self, config: TrainConfig) -> None:
        layers = encoder_layers(config)
        super().__init__(layers.shared + layers.mean + layers.logvar)
        self.layers = layers

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        shared = self.run(self.layers.shared, pixels)
        return self.run(self.layers.mean, shared), self.run(self.layers.logvar, shared)


class Decoder(Network):
    """Latent points to logits of the pixels: (B, Z) -> (B, P); the loss includes the sigmoid."""

    def __init__(self, config: TrainConfig) -> None:
        layers = decoder_layers(config)
        super().__init__(layers)
        self.layers = layers
        self.latent_dim, self.pixels = config.latent_dim, config.pixels
        self.picture_shape = config.channels, config.side, config.side

    def forward(self, z: Tensor) -> Tensor:
        return self.run(self.layers, z)

    def mean_images(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), without a check of z: (B, Z) -> (B, C, S, S) in [0, 1]."""
        return torch.sigmoid(self(z)).view(-1, *self.picture_shape)


class VAE(nn.Module):
    """Encoder and decoder of Kingma & Welling 2013, with a Gaussian posterior of diagonal covariance.

    `encode`, `decode` and the call of the model take NumPy arrays, and tensors of any floating-point type on
    any device; results are on the model's device. They raise VaeError if type, shape or range are wrong.
    Training and scoring use `encoder` and `decoder` themselves, which check nothing.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        if config.likelihood == "gaussian":
            # Not by its gradient, which the training step leaves at 0, but by `Gaussian.fitted`.
            self.log_deviation = nn.Parameter(
                torch.full((1,), math.log(FIRST_DEVIATION), dtype=torch.float32)
            )

    @property
    def likelihood(self) -> Likelihood:
        """p(x|z), given the decoder's outputs."""
        deviation = self._parameters.get("log_deviation")
        return Bernoulli() if deviation is None else Gaussian(deviation.detach())

    @torch.no_grad()
    def fit_deviation(self, reconstruction: Tensor) -> None:
        """Fits the deviation of a Gaussian likelihood to a batch, by its mean reconstruction loss in nats."""
        if isinstance(likelihood := self.likelihood, Gaussian):
            self.log_deviation.copy_(likelihood.fitted(reconstruction, self.decoder.pixels))

    def encode(self, images: Array) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x): (B, C, S, S) or (B, P) in [0, 1] -> (B, Z), (B, Z)."""
        return self.encoder(as_pixels(images, next(self.parameters()), self.decoder.picture_shape))

    def reparameterize(self, mean: Tensor, logvar: Tensor, noise: Tensor | None = None) -> Tensor:
        """z = mean + exp(logvar / 2) * noise, all (B, Z); noise is standard normal unless given."""
        if noise is None:
            noise = torch.randn_like(mean)
        return mean + torch.exp(logvar / 2) * noise

    def decode(self, z: Array) -> Tensor:
        """Mean of p(x|z): (B, Z) -> (B, C, S, S) in [0, 1]."""
        points = as_latent_points(z, next(self.parameters()), self.decoder.latent_dim)
        return self.decoder.mean_images(points)

    def forward(self, images: Array) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction from a sampled z, with its posterior: images -> (B, C, S, S), mean, logvar."""
        mean, logvar = self.encode(images)
        return self.decoder.mean_images(self.reparameterize(mean, logvar)), mean, logvar


def load_vae(config: TrainConfig, weights: Mapping[str, Floats]) -> VAE:
    """A model of a config with these weights, by their names in its state dict; in eval mode on the CPU."""
    with torch.device("meta"):  # names and shapes without memory
        model = VAE(config)
    tensors = {name: torch.from_numpy(values) for name, values in weights.items()}
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False)
