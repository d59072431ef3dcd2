"""The fully connected variational autoencoder.

Shapes: B batch, P = 784 pixels, Z latent size.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.config import PIXELS, SIDE, TrainConfig
from vae.models.inputs import Array, as_latent_points, as_pixels
from vae.models.layers import Kind

ACTIVATIONS: dict[Kind, type[nn.Module]]
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU, "tanh": nn.Tanh}


class Sine(nn.Module):
    """sin(x) of each value."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer in float32, whatever `torch.set_default_dtype` says."""
    return nn.Linear(inputs, outputs, dtype=torch.float32)


class Hidden(nn.Sequential):
    """Linear layers from size to size, each followed by its activation.

    In a residual network, layers with as many outputs as inputs have a skip connection: the inputs are added
    to the outputs (He et al. 2015, arXiv:1512.03385).
    """

    def __init__(self, sizes: tuple[int, ...], config: TrainConfig) -> None:
        layers = [
            (_linear(wide, narrow), ACTIVATIONS[config.activation]()) for wide, narrow in pairwise(sizes)
        ]
        super().__init__(*(part for layer in layers for part in layer))
        self.residual = config.network == "residual"

    def steps(self) -> Iterator[tuple[nn.Linear, nn.Module, bool]]:
        """Each layer, its activation, and whether it has a skip connection."""
        modules = list(self)  # slicing a Sequential would make another one
        for linear, activation in zip(modules[::2], modules[1::2], strict=True):
            assert isinstance(linear, nn.Linear)
            yield linear, activation, self.residual and linear.in_features == linear.out_features

    def forward(self, x: Tensor) -> Tensor:
        for linear, activation, skips in self.steps():
            y = activation(linear(x))
            x = x + y if skips else y
        return x


class Encoder(nn.Module):
    """Pixels to the posterior's mean and log-variance: (B, P) -> (B, Z), (B, Z)."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.hidden = Hidden((PIXELS, *config.hidden_dims), config)
        self.mean = _linear(config.hidden_dims[-1], config.latent_dim)
        self.logvar = _linear(config.hidden_dims[-1], config.latent_dim)
        self.bounded = config.network == "residual"

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(pixels)
        logvar = self.logvar(hidden)
        # An observation only narrows the prior. A posterior wider than the prior is an error of the encoder,
        # and the exp(logvar) of one such image can make a training diverge.
        return self.mean(hidden), -functional.softplus(logvar) if self.bounded else logvar


class Decoder(nn.Module):
    """Latent points to logits of the pixels: (B, Z) -> (B, P); the loss includes the sigmoid.

    In a residual network the first activation is a sine, each unit with a random direction and frequency:
    Fourier features (Tancik et al. 2020, arXiv:2006.10739), trained further. Without them a network of few
    inputs is slow to learn functions that change fast.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        widths = config.hidden_dims[::-1]
        self.latent_dim = config.latent_dim
        self.hidden = Hidden((config.latent_dim, *widths), config)
        self.logits = _linear(widths[-1], PIXELS)
        if config.network == "residual":
            first, *_ = self.hidden.steps()
            nn.init.normal_(first[0].weight)  # radians per unit of z
            nn.init.uniform_(first[0].bias, -math.pi, math.pi)
            self.hidden[1] = Sine()

    def forward(self, z: Tensor) -> Tensor:
        return self.logits(self.hidden(z))

    def mean_images(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), without a check of z: (B, Z) -> (B, 1, 28, 28) in [0, 1]."""
        return torch.sigmoid(self(z)).view(-1, 1, SIDE, SIDE)


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

    def encode(self, images: Array) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x): (B, 1, 28, 28) or (B, P) in [0, 1] -> (B, Z), (B, Z)."""
        return self.encoder(as_pixels(images, self.encoder.mean.weight))

    def reparameterize(self, mean: Tensor, logvar: Tensor, noise: Tensor | None = None) -> Tensor:
        """z = mean + exp(logvar / 2) * noise, all (B, Z); noise is standard normal unless given."""
        if noise is None:
            noise = torch.randn_like(mean)
        return mean + torch.exp(logvar / 2) * noise

    def decode(self, z: Array) -> Tensor:
        """Mean of p(x|z): (B, Z) -> (B, 1, 28, 28) in [0, 1]."""
        decoder = self.decoder
        return decoder.mean_images(as_latent_points(z, decoder.logits.weight, decoder.latent_dim))

    def forward(self, images: Array) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction from a sampled z, with its posterior: images -> (B, 1, 28, 28), mean, logvar."""
        mean, logvar = self.encode(images)
        return self.decoder.mean_images(self.reparameterize(mean, logvar)), mean, logvar
