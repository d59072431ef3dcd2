"""The two terms of the negative ELBO, per image, in nats.

Shapes: B batch, P values of a picture, Z latent size.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from vae.datasets.images import MAX_LEVEL

FIRST_DEVIATION = 0.25  # of a Gaussian, before the first step
LEAST_DEVIATION = 1e-3  # a quarter of a level
UPDATE = 0.1  # the share of the newest batch in a Gaussian's variance


class Likelihood(Protocol):
    """p(x|z), given the decoder's outputs, called logits although only those of a Bernoulli are."""

    def loss(self, logits: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z), nats: (B, P), (B, P) in [0, 1] -> (B,)."""

    def slope(self, logits: Tensor, x: Tensor) -> Tensor:
        """The derivative of the loss by the logits: (B, P), (B, P) -> (B, P)."""

    def curvature(self, logits: Tensor) -> Tensor:
        """The Gauss-Newton approximation of its second derivative by each logit: (B, P) -> (B, P)."""

    def loss_of_samples(self, logits: Tensor, x: Tensor) -> Tensor:
        """The loss of each of K decoded points for their picture: (B, K, P), (B, P) -> (B, K)."""

    def factors(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The loss in parts, for all pairs of decoded points and pictures: (M, P) -> (M, P), (M,).

        With these, t and c, the loss is c - x · t and a part that depends on the picture alone, so that the
        costly part is a matrix product. Of a Gaussian these are differences of large numbers, which serve to
        find the best point for a picture, not to say its loss.
        """


class Bernoulli:
    """The sigmoid of each output is the probability of white: the binary cross-entropy.

    It is linear in grey values in [0, 1], so it is the mean over all binarisations of the image.
    Kingma & Welling 2013, appendix C.1, equation (11).
    """

    def loss(self, logits: Tensor, x: Tensor) -> Tensor:
        # The formula includes the sigmoid, so that the loss of a saturated pixel stays finite.
        return functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=-1)

    def slope(self, logits: Tensor, x: Tensor) -> Tensor:
        return torch.sigmoid(logits) - x

    def curvature(self, logits: Tensor) -> Tensor:
        mean = torch.sigmoid(logits)
        return mean * (1 - mean)

    def loss_of_samples(self, logits: Tensor, x: Tensor) -> Tensor:
        factors, constant = self.factors(logits)
        return constant - torch.bmm(factors, x[:, :, None])[..., 0]

    def factors(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        return logits, functional.softplus(logits).sum(dim=-1)


@dataclass(frozen=True)
class Gaussian:
    """Normal distributions around the decoder's outputs, of one standard deviation for all values.

    -log p(x|z) = |x - mean|² / (2 σ²) + P (log σ + log(2 π) / 2 + log 255): the density of levels
    from 0 to 255, as if they were not rounded.
    Rybkin, Daniilidis & Levine 2021, "Simple and effective VAE training with calibrated decoders"
    (arXiv:2006.13202), who set σ² to the mean squared error, where the loss is lowest. Here it is the mean of
    the last batches (`fitted`), so that test pictures do not choose their own.

    Attributes:
        log_deviation: log σ, of values in [0, 1]: (1,).
    """

    log_deviation: Tensor

    @property
    def _precision(self) -> Tensor:
        return torch.exp(-2 * self.log_deviation)

    def constant(self, count: int) -> Tensor:
        """What every picture of this many values costs: (1,)."""
        return count * (self.log_deviation + math.log(2 * math.pi) / 2 + math.log(MAX_LEVEL))

    def loss(self, logits: Tensor, x: Tensor) -> Tensor:
        squares = (logits - x).square().sum(dim=-1)
        return squares * self._precision / 2 + self.constant(x.shape[-1])

    def slope(self, logits: Tensor, x: Tensor) -> Tensor:
        return (logits - x) * self._precision

    def curvature(self, logits: Tensor) -> Tensor:
        return self._precision.expand_as(logits)

    def loss_of_samples(self, logits: Tensor, x: Tensor) -> Tensor:
        return self.loss(logits, x[:, None])

    def factors(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        return logits * self._precision, logits.square().sum(dim=-1) * self._precision / 2

    def fitted(self, reconstruction: Tensor, count: int) -> Tensor:
        """log σ after a batch with this mean reconstruction loss, of pictures of `count` values: (1,).

        The variance moves towards the batch's mean squared error, which follows from its loss.
        """
        variance = torch.exp(2 * self.log_deviation)
        error = (reconstruction - self.constant(count)) * 2 * variance / count
        moved = variance + UPDATE * (error - variance)
        return moved.clamp_min(LEAST_DEVIATION**2).log() / 2


def kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, I)): (B, Z), (B, Z) -> (B,)."""
    return kl_by_dimension(mean, logvar).sum(dim=-1)


def kl_by_dimension(mean: Tensor, logvar: Tensor) -> Tensor:
    """The KL of each dimension: (B, Z), (B, Z) -> (B, Z).

    -1/2 (1 + logvar - mean^2 - exp(logvar)); Kingma & Welling 2013, appendix B.
    """
    return -0.5 * (1 + logvar - mean.square() - logvar.exp())
