"""Refined posteriors: a Gaussian fitted to each image separately, starting from the encoder's.

Shapes: N images, P pixels, Z latent size.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae.models.layers import blocks
from vae.models.network import ACTIVATIONS, VAE, Decoder
from vae.training.scoring import Posterior

# −ELBO of an earlier `best` (batch 128) on 1,000 test images, with the starts of `vae.evaluation.bounds`:
# 127.34, 126.82, 126.65, 126.54, 126.50 and 126.49 after 0, 1, 2, 5, 10 and 20 steps.
STEPS = 10
DAMPING = 0.25  # after the first step that increases the loss, as a share of the curvature


class _Iterate(NamedTuple):
    """The current z of each image, and loss and derivatives there."""

    z: Tensor  # (N, Z)
    loss: Tensor  # (N,): -log p(x, z) but for a constant, nats
    slope: Tensor  # (N, Z): of -loss
    curvature: Tensor  # (N, Z, Z): of loss


@torch.no_grad()
def refine(model: VAE, x: Tensor, start: Tensor, steps: int = STEPS) -> Posterior:
    """The Gaussian that Laplace's method fits to p(z|x) of each image.

    The mean is a local maximum of log p(x, z), found from `start` by Levenberg's and Marquardt's method
    (Marquardt 1963): Gauss-Newton steps, damped for each image as long as they increase its loss. With J the
    derivative of the logits by z, and c the curvature of the loss by each logit (`Likelihood.curvature`),
    that of the joint loss is J^T diag(c) J + 1. Of all Gaussians with diagonal covariance, that with the
    variances 1 / diag(curvature) comes nearest to it by KL(q || p).

    Args:
        x: (N, P) in [0, 1]
        start: (N, Z), such as the encoder's means
    """
    place = _iterate_at(model, x, start)
    damping = torch.zeros_like(place.loss)
    for _ in range(steps):
        diagonal = place.curvature.diagonal(dim1=1, dim2=2)
        damped = place.curvature + torch.diag_embed(damping[:, None] * diagonal)
        ahead = _iterate_at(model, x, place.z + torch.linalg.solve(damped, place.slope))
        better = ahead.loss < place.loss
        damping = torch.where(better, damping / 4, (damping * 4).clamp_min(DAMPING))
        place = _Iterate(
            *(torch.where(_expand_dims(better, new), new, old) for new, old in zip(ahead, place, strict=True))
        )
    return Posterior(place.z, -place.curvature.diagonal(dim1=1, dim2=2).log())


def joint_loss(model: VAE, logits: Tensor, x: Tensor, z: Tensor) -> Tensor:
    """-log p(x, z) but for a constant, nats: (N, P), (N, P), (N, Z) -> (N,)."""
    return model.likelihood.loss(logits, x) + z.square().sum(dim=1) / 2


def _iterate_at(model: VAE, x: Tensor, z: Tensor) -> _Iterate:
    logits, jacobian = with_jacobian(model.decoder, z)
    likelihood = model.likelihood
    slope = -torch.einsum("nzp,np->nz", jacobian, likelihood.slope(logits, x)) - z
    curvature = torch.einsum("nzp,np,nyp->nzy", jacobian, likelihood.curvature(logits), jacobian) + torch.eye(
        z.shape[1], dtype=z.dtype, device=z.device
    )
    return _Iterate(z, joint_loss(model, logits, x, z), slope, curvature)


def with_jacobian(decoder: Decoder, z: Tensor) -> tuple[Tensor, Tensor]:
    """Logits, and their derivative by each coordinate of z: (N, Z) -> (N, P), (N, Z, P).

    Forward-mode differentiation: z has far fewer coordinates than an image has pixels.
    """
    values, jacobian = z, torch.eye(z.shape[1], dtype=z.dtype, device=z.device).expand(len(z), -1, -1)
    for layer, activation, skips in blocks(decoder.layers):
        sums = decoder.product(layer, values).flatten(start_dim=1)
        rows = decoder.product(layer, jacobian.flatten(end_dim=1), with_bias=False)
        by_z = rows.reshape(*jacobian.shape[:2], -1)
        if activation:
            with torch.enable_grad():
                sums = sums.detach().requires_grad_()
                activated = ACTIVATIONS[activation](sums)
                by_z = by_z * torch.autograd.grad(activated.sum(), sums)[0][:, None]
            sums = activated.detach()
        values, jacobian = (values + sums, jacobian + by_z) if skips else (sums, by_z)
    return values, jacobian


def _expand_dims(flags: Tensor, values: Tensor) -> Tensor:
    """(N,) as (N, 1, ...), with the number of dimensions of `values`."""
    return flags.view(-1, *(1 for _ in values.shape[1:]))
