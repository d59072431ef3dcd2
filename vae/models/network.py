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
from vae.models.layers import (
    KERNEL,
    PHASES,
    Floats,
    Kind,
    Layers,
    Weighted,
    decoder_layers,
    encoder_layers,
    has_convolutions,
    is_weighted,
    mean_activation,
)
from vae.models.losses import FIRST_DEVIATION, Bernoulli, Gaussian, Likelihood

WeightedModule = nn.Linear | nn.Conv2d
ACTIVATIONS: dict[Kind, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "sine": torch.sin,
    "sigmoid": torch.sigmoid,
    "clip": lambda x: x.clamp(0, 1),
    "negative_softplus": lambda x: -functional.softplus(x),
}


# Upsampling by 2 and a kernel of 3 are together a transposed convolution with stride 2 and this kernel of 4,
# which computes 4/9 of the products: rows are its pixels, columns those of the kernel of 3 that they sum.
_TRANSPOSED = torch.tensor(
    [PHASES[1][1], PHASES[0][1], PHASES[1][0], PHASES[0][0]], dtype=torch.float32, device="cpu"
)


class Network(nn.Module):
    """The layers of a description that have weights, as submodules with the names that it gives them.

    They are initialised as torch does it, but in networks with convolutions a layer before an activation as
    He et al. 2015 (arXiv:1502.01852): so they learn faster (docs/LOG.md). One that is followed by a sine gets
    a random direction and frequency in each unit.
    """

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        for layer in layers:
            if is_weighted(layer):
                self._add(layer)
        for layer, following in pairwise(layers):
            if not is_weighted(layer) or is_weighted(following):
                continue
            module = self.weighted(layer["name"])
            weight, bias = module.weight, module.get_parameter("bias")
            if following["kind"] == "sine":
                nn.init.normal_(weight)  # radians per unit of the inputs
                nn.init.uniform_(bias, -math.pi, math.pi)
            elif has_convolutions(layers):
                nn.init.kaiming_normal_(weight)
                nn.init.zeros_(bias)

    def _add(self, layer: Weighted) -> None:
        *parents, name = layer["name"].split(".")
        module: nn.Module = self
        for parent in parents:
            if not hasattr(module, parent):
                module.add_module(parent, nn.Module())
            module = module.get_submodule(parent)
        # In float32, whatever `torch.set_default_dtype` says.
        if layer["kind"] == "dense":
            module.add_module(name, nn.Linear(layer["inputs"], layer["outputs"], dtype=torch.float32))
        else:
            module.add_module(name, nn.Conv2d(*layer["channels"], KERNEL, dtype=torch.float32))

    def weighted(self, name: str) -> WeightedModule:
        """The dense layer or convolution of this name."""
        module = self.get_submodule(name)
        assert isinstance(module, nn.Linear | nn.Conv2d)
        return module

    def linear(self, name: str) -> nn.Linear:
        """The dense layer of this name."""
        linear = self.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        return linear

    def run(self, layers: Layers, x: Tensor) -> Tensor:
        """Some layers of the description, one after the other: (..., I) -> (..., O)."""
        leading, x = x.shape[:-1], x.reshape(-1, x.shape[-1])
        before = x
        for layer in layers:
            if layer["kind"] == "dense" or layer["kind"] == "downsample" or layer["kind"] == "upsample":
                before, x = x, self.product(layer, x)
            elif layer["kind"] == "add":
                x = before.flatten(start_dim=1) + x.flatten(start_dim=1)
            else:
                x = ACTIVATIONS[layer["kind"]](x)
        x = x.flatten(start_dim=1)
        return x.view(*leading, x.shape[-1])

    def product(self, layer: Weighted, x: Tensor, *, with_bias: bool = True) -> Tensor:
        """W x + b of a layer of the description: (B, I), or (B, C, S, S) -> (B, O), or (B, C, S, S).

        Convolutions return (B, C, S, S): the next one takes it as it lies in memory.
        """
        module = self.weighted(layer["name"])
        bias = module.bias if with_bias else None
        if layer["kind"] == "dense":
            return functional.linear(x.flatten(start_dim=1), module.weight, bias)
        (channels, _), (side, out_side) = layer["channels"], layer["sides"]
        # Convolutions are several times as fast if the channels of each pixel lie side by side.
        maps = x.view(-1, channels, side, side).contiguous(memory_format=torch.channels_last)
        if layer["kind"] == "downsample":
            return functional.conv2d(maps, module.weight, bias, stride=2, padding=1)
        sums = _TRANSPOSED.to(module.weight)
        kernel = torch.einsum("ur,vs,ocrs->couv", sums, sums, module.weight)
        wide = functional.conv_transpose2d(maps, kernel, bias, stride=2, padding=1)
        return wide[..., :out_side, :out_side]


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
    """Latent points to logits of the pixels: (B, Z) -> (B, P); the loss includes a sigmoid."""

    def __init__(self, config: TrainConfig) -> None:
        layers = decoder_layers(config)
        super().__init__(layers)
        self.layers = layers
        self.latent_dim, self.pixels = config.latent_dim, config.pixels
        self.mean_activation = mean_activation(config)
        self.picture_shape = config.channels, config.side, config.side

    def forward(self, z: Tensor) -> Tensor:
        return self.run(self.layers, z)

    def mean_images(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), without a check of z: (B, Z) -> (B, C, S, S) in [0, 1]."""
        return ACTIVATIONS[self.mean_activation](self(z)).view(-1, *self.picture_shape)


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
