"""The fully connected variational autoencoder.

Shapes: B batch, P = 784 pixels, Z latent size.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from vae.config import TrainConfig

SIDE = 28
PIXELS = SIDE * SIDE
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def _dense(sizes: tuple[int, ...], activation: str) -> nn.Sequential:
    """Linear layers from size to size, each followed by the activation."""
    layers = [(nn.Linear(wide, narrow), ACTIVATIONS[activation]()) for wide, narrow in pairwise(sizes)]
    return nn.Sequential(*(part for layer in layers for part in layer))


class Encoder(nn.Module):
    """Pixels to the posterior's mean and log-variance: (B, P) -> (B, Z), (B, Z)."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.hidden = _dense((PIXELS, *config.hidden_dims), config.activation)
        self.mean = nn.Linear(config.hidden_dims[-1], config.latent_dim)
        self.logvar = nn.Linear(config.hidden_dims[-1], config.latent_dim)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(pixels)
        return self.mean(hidden), self.logvar(hidden)


class Decoder(nn.Module):
    """Latent points to logits of the pixels: (B, Z) -> (B, P). The sigmoid belongs to the loss."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        widths = config.hidden_dims[::-1]
        self.hidden = _dense((config.latent_dim, *widths), config.activation)
        self.logits = nn.Linear(widths[-1], PIXELS)

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
