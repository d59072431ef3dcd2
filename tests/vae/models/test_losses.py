"""Likelihoods: their formulas, and what the evaluation needs of them, against torch's own."""

import math

import numpy as np
import pytest
import torch
from torch import distributions

from tests.support.small_runs import small_config, with_numpy
from vae.models.losses import FIRST_DEVIATION, Bernoulli, Gaussian, Likelihood
from vae.models.network import VAE

DEVIATION = 0.07


def gaussian() -> Gaussian:
    return Gaussian(torch.tensor([math.log(DEVIATION)]))


def test_a_gaussian_costs_the_density_of_levels() -> None:
    logits, levels = torch.randn(4, 30), torch.randint(0, 256, (4, 30))
    density = distributions.Normal(255 * logits, 255 * DEVIATION)
    torch.testing.assert_close(gaussian().loss(logits, levels / 255), -density.log_prob(levels).sum(dim=1))


@pytest.mark.parametrize("likelihood", [Bernoulli(), gaussian()])
def test_slopes_and_pairs_are_those_of_the_loss(likelihood: Likelihood) -> None:
    logits, x = torch.randn(5, 30, requires_grad=True), torch.rand(7, 30)
    (expected,) = torch.autograd.grad(likelihood.loss(logits, x[:5]).sum(), logits)
    torch.testing.assert_close(likelihood.slope(logits, x[:5]), expected)
    pairs = torch.stack([likelihood.loss(each.expand(7, -1), x) for each in logits], dim=1)
    torch.testing.assert_close(likelihood.loss_of_samples(logits.expand(7, -1, -1), x), pairs)
    factors, constant = likelihood.factors(logits)
    of_picture = pairs - (constant - x @ factors.T)
    torch.testing.assert_close(of_picture, of_picture[:, :1].expand(-1, 5), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("likelihood", [Bernoulli(), gaussian()])
def test_the_curvature_is_the_mean_second_derivative(likelihood: Likelihood) -> None:
    """Over what the likelihood expects: there the Gauss-Newton approximation is the Fisher information."""
    logits = torch.linspace(-3, 3, 7, dtype=torch.float64)[None].requires_grad_()
    mean = (torch.sigmoid(logits) if isinstance(likelihood, Bernoulli) else logits).detach()
    slopes = torch.autograd.functional.jacobian(lambda at: likelihood.slope(at, mean), logits)[0, :, 0]
    torch.testing.assert_close(likelihood.curvature(logits)[0], slopes.diagonal(), check_dtype=False)


def test_the_deviation_becomes_the_root_of_the_mean_squared_error() -> None:
    torch.manual_seed(2)
    x = torch.rand(500, 40)
    logits = x + 0.1 * torch.randn_like(x)
    error = (logits - x).square().mean().sqrt().item()
    likelihood = Gaussian(torch.tensor([math.log(FIRST_DEVIATION)]))
    for _ in range(100):
        likelihood = Gaussian(likelihood.fitted(likelihood.loss(logits, x).mean(), 40))
    assert likelihood.log_deviation.exp().item() == pytest.approx(error, rel=1e-3)
    # There the loss is lowest.
    near = [Gaussian(likelihood.log_deviation + step).loss(logits, x).mean() for step in (-0.05, 0, 0.05)]
    assert near[1] < min(near[0], near[2])


def test_pictures_without_any_error_keep_a_deviation() -> None:
    likelihood = gaussian()
    for _ in range(200):
        loss = likelihood.constant(10)  # an error of 0
        likelihood = Gaussian(likelihood.fitted(loss, 10))
    assert likelihood.log_deviation.exp().item() == pytest.approx(1e-3)


def test_the_server_computes_the_same_losses() -> None:
    config = small_config(likelihood="gaussian", channels=3, side=9, dataset="own")
    model = VAE(config)
    model.fit_deviation(torch.tensor(900.0))
    assert model.state_dict().keys() == with_numpy(model, config).weights.keys()
    logits, x = torch.randn(6, 243), torch.rand(6, 243)
    found = with_numpy(model, config).reconstruction_loss(logits.numpy(), x.numpy())
    np.testing.assert_allclose(found, model.likelihood.loss(logits, x), rtol=1e-5)
