"""Each image's own Gaussian: against the exact one where that is known, and against a search of the plane."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.support.small_runs import small_config
from tests.support.tensors import load
from vae.evaluation.bounds import negative_log_likelihood, refined_posterior, sampled_reconstruction
from vae.evaluation.refine import refine, with_jacobian
from vae.models import losses
from vae.models.layers import Weighted
from vae.models.network import VAE, Decoder, load_vae
from vae.runs.run import Run
from vae.training.scoring import Posterior, encode_set, pixels


def joint(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """-log p(x, z) but for a constant, (N,), apart from what is tested."""
    return losses.Bernoulli().loss(model.decoder(z), x) + z.square().sum(dim=1) / 2


def test_a_linear_decoder_has_one_maximum_and_newtons_curvature() -> None:
    """There the loss is convex and Gauss' curvature is the Hessian itself."""
    torch.manual_seed(0)
    model = VAE(small_config(latent_dim=3, hidden_dims=(3,)))
    model.decoder.layers = model.decoder.layers[-1:]  # without the hidden layer
    model.double()
    x = torch.rand(4, 784, dtype=torch.float64)
    mean, logvar = refine(model, x, torch.randn(4, 3, dtype=torch.float64) * 3)
    for image in range(4):
        hessian = torch.autograd.functional.hessian(
            lambda z, image=image: joint(model, x[image : image + 1], z[None]).sum(), mean[image]
        )
        torch.testing.assert_close(logvar[image], -hessian.diagonal().log())
    z = mean.requires_grad_()
    joint(model, x, z).sum().backward()
    assert z.grad is not None
    assert z.grad.abs().max() < 1e-6


@pytest.mark.parametrize("network", ["plain", "residual", "conv"])
def test_the_derivative_of_the_logits_is_that_of_autograd(network: str) -> None:
    torch.manual_seed(0)
    config = small_config(network=network, latent_dim=3, hidden_dims=(6, 6), width=2)
    decoder = VAE(config).decoder.double().requires_grad_(False)
    z = torch.randn(2, 3, dtype=torch.float64)
    logits, derivative = with_jacobian(decoder, z)
    torch.testing.assert_close(logits, decoder(z))
    for image in range(2):
        # As one backward pass of all 784 pixels.
        expected = torch.autograd.functional.jacobian(
            lambda one: decoder(one[None])[0], z[image], vectorize=True
        )
        torch.testing.assert_close(derivative[image], expected.t())


@torch.no_grad()
def test_no_step_leads_uphill_wherever_it_starts(trained: Run) -> None:
    torch.manual_seed(0)
    model = trained.load_model()
    x = torch.rand(50, 784)
    start = torch.randn(50, 2) * 5
    before = joint(model, x, start)
    for steps in (1, 2, 5, 20):
        after = joint(model, x, refine(model, x, start, steps)[0])
        assert (after <= before + 1e-3).all()
        before = after
    assert torch.equal(refine(model, x, start, 0)[0], start)


@torch.no_grad()
def test_from_the_best_place_of_a_grid_nothing_better_is_near(trained: Run, small_data: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        x = pixels(load("mnist", train=False)[0][:20])
    model = trained.load_model()
    axis = torch.linspace(-10, 10, 201)
    grid = torch.cartesian_prod(axis, axis)
    logits = model.decoder(grid)
    softplus = nn.functional.softplus(logits).sum(dim=1)
    found = (softplus + grid.square().sum(dim=1) / 2 - x @ logits.T).min(dim=1)
    mean, logvar = refine(model, x, grid[found.indices])
    own = joint(model, x, mean)
    assert (own <= found.values + 1e-3).all()
    assert (mean - grid[found.indices]).norm(dim=1).max() < 0.3
    assert (logvar < 0).all()


@torch.no_grad()
def test_few_places_are_decoded_at_once_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory stays bounded, however large pictures are and however many places are compared."""
    torch.manual_seed(0)
    config = small_config(
        dataset="own", channels=3, side=8, network="conv", width=2, latent_dim=3, likelihood="gaussian"
    )
    model = load_vae(config, {name: part.numpy() for name, part in VAE(config).state_dict().items()})
    images = torch.randint(0, 256, (60, 3 * 8**2), dtype=torch.uint8)
    start = encode_set(model, images)
    start = Posterior(start.mean * 3, start.logvar)

    def bounds() -> tuple[Tensor, ...]:
        refined = refined_posterior(model, images, start)
        return *refined, negative_log_likelihood(model, images, start, 250)

    expected = bounds()
    decoded: list[int] = []
    product = Decoder.product

    def counted(decoder: Decoder, layer: Weighted, x: Tensor, *, with_bias: bool = True) -> Tensor:
        decoded.append(len(x))
        return product(decoder, layer, x, with_bias=with_bias)

    monkeypatch.setattr(Decoder, "product", counted)
    monkeypatch.setattr("vae.evaluation.bounds.VALUES", 7 * images.shape[1])
    monkeypatch.setattr("vae.evaluation.bounds.LEAST_IMAGES", 2)
    torch.testing.assert_close(bounds(), expected, rtol=1e-2, atol=1e-2)
    assert max(decoded) == 7


@torch.no_grad()
def test_a_place_without_a_loss_stays_what_it_was() -> None:
    """A decoder gone astray gives no number to compare; the image keeps its start."""
    model = VAE(small_config())
    for parameter in model.decoder.parameters():
        parameter.fill_(float("nan"))
    start = torch.randn(3, 2)
    mean, _ = refine(model, torch.rand(3, 784), start)
    assert torch.equal(mean, start)


@torch.no_grad()
def test_bounds_come_near_the_likelihood_that_quadrature_gives(trained: Run, small_data: Path) -> None:
    """Also for images whose encoded mean lies at the foot of another maximum."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        images = load("mnist", train=False)[0]
    model, step = trained.load_model(), 0.1
    axis = torch.arange(-12, 12, step)
    grid = torch.cartesian_prod(axis, axis)
    logits = model.decoder(grid)
    prior = -grid.square().sum(dim=1) / 2 - math.log(2 * math.pi)
    log_joint = pixels(images) @ logits.T + prior - nn.functional.softplus(logits).sum(dim=1)
    exact = -(log_joint.double().logsumexp(dim=1) + 2 * math.log(step))

    encoded = encode_set(model, images)
    refined = refined_posterior(model, images, encoded)
    elbo = sampled_reconstruction(model, images, refined, 16) + losses.kl(*refined)
    nll = negative_log_likelihood(model, images, refined, 500)
    assert abs(nll.mean() - exact.mean()) < 0.05
    assert exact.mean() < elbo.mean() < exact.mean() + 0.3
    # Shuffled, the means are of other images: then only the other starts are of use.
    lost = Posterior(encoded.mean.flip(0), encoded.logvar)
    nll = negative_log_likelihood(model, images, refined_posterior(model, images, lost), 500)
    assert abs(nll.mean() - exact.mean()) < 0.05
