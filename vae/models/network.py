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
from vae.models.layers import Kind

ACTIVATIONS: dict[Kind, type[nn.Module]]
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU, "tanh": nn.Tanh}


class Sine(nn.Module):
    """sin(x) of each value."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


class Hidden(nn.Sequential):
    """Linear layers from size to size, each followed by its activation.

    In a residual network, layers with as many outputs as inputs have a skip connection: the inputs are added
    to the outputs (He et al. 2015, arXiv:1512.03385).
    """

    def __init__(self, sizes: tuple[int, ...], config: TrainConfig) -> None:
        layers = [
            (nn.Linear(wide, narrow), ACTIVATIONS[config.activation]()) for wide, narrow in pairwise(sizes)
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
        self.mean = nn.Linear(config.hidden_dims[-1], config.latent_dim)
        self.logvar = nn.Linear(config.hidden_dims[-1], config.latent_dim)
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
        self.hidden = Hidden((config.latent_dim, *widths), config)
        self.logits = nn.Linear(widths[-1], PIXELS)
        if config.network == "residual":
            first, *_ = self.hidden.steps()
            nn.init.normal_(first[0].weight)  # radians per unit of z
            nn.init.uniform_(first[0].bias, -math.pi, math.pi)
            self.hidden[1] = Sine()

    def forward(self, z: Tensor) -> Tensor:
        return self.logits(self.hidden(z))


class VAE(nn.Module):
    """Encoder and decoder of Kingma & Welling 2013, with a Gaussian posterior of diagonal covariance."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x): (B, 1, 28, 28) or (B, 784) in [0, 1] -> (B, Z), (B, Z)."""
        return self.encoder(images.flatten(start_dim=1))

    def reparameterize(self, mean: Tensor, logvar: Tensor, noise: Tensor | None = None) -> Tensor:
        """z = mean + exp(logvar / 2) * noise, all (B, Z); noise is standard normal unless given."""
        if noise is None:
            noise = torch.randn_like(mean)
        return mean + torch.exp(logvar / 2) * noise

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z): (B, Z) -> (B, 1, 28, 28) in [0, 1]."""
        return torch.sigmoid(self.decoder(z)).view(-1, 1, SIDE, SIDE)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction from a sampled z, with its posterior: images -> (B, 1, 28, 28), mean, logvar."""
        mean, logvar = self.encode(images)
        return self.decode(self.reparameterize(mean, logvar)), mean, logvar
