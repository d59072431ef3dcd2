"""Gradients worked out by hand, against autograd's."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.kl_trap import BlogGradients
from tests.support.layers import KINDS, random_layers
from tests.support.small_runs import small_config
from vae.config import TrainConfig
from vae.models import aten_operators, losses
from vae.models.gradients import AutogradGradients, Gradients, _Network, gradients_for
from vae.models.layers import EncoderLayers
from vae.models.network import VAE


@pytest.mark.parametrize("network", ["plain", "residual"])
@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "tanh"])
@pytest.mark.parametrize("latent_dim", [1, 5])
def test_losses_and_gradients_are_those_of_autograd(network: str, activation: str, latent_dim: int) -> None:
    torch.manual_seed(4)
    config = small_config(
        network=network, activation=activation, latent_dim=latent_dim, hidden_dims=(24, 16, 16)
    )
    assert_gradients_of_autograd(VAE(config), latent_dim)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("free", [0, 0.005])
def test_gradients_with_free_bits_and_of_both_likelihoods(likelihood: str, free: float) -> None:
    torch.manual_seed(5)
    config = small_config(likelihood=likelihood, latent_dim=5, channels=3, side=8, dataset="own")
    model = VAE(config)
    x, noise = torch.rand(9, 192), torch.randn(9, 5)
    mean, logvar = model.encoder(x)
    reconstruction = model.likelihood.loss(model.decoder(model.reparameterize(mean, logvar, noise)), x).sum()
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean(dim=0)
    assert (kl > 0.005).any()
    assert (kl < 0.005).any()
    (reconstruction + 0.7 * 9 * kl.clamp_min(free).sum()).backward()  # Kingma et al. 2016, appendix C.8
    gradients = Gradients(copy.deepcopy(model))
    terms = gradients(x, x, noise, beta=0.7, free=free)
    torch.testing.assert_close(
        terms, torch.stack((reconstruction, 9 * kl.sum())).detach(), rtol=1e-5, atol=1e-4
    )
    expected = torch.cat(
        [torch.zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in model.parameters()]
    )
    assert gradients.weights.grad is not None
    torch.testing.assert_close(gradients.weights.grad, expected, rtol=1e-4, atol=1e-4)


def assert_gradients_of_autograd(
    model: VAE, latent_dim: int, close: float = 1e-6, kind: type[Gradients] = Gradients
) -> None:
    gradients = kind(copy.deepcopy(model))
    pixels = model.decoder.pixels
    for batch in (7, 3, 7):  # an epoch's last batch is smaller
        x, seen, noise = torch.rand(batch, pixels), torch.rand(batch, pixels), torch.randn(batch, latent_dim)
        mean, logvar = model.encoder(seen)
        logits = model.decoder(model.reparameterize(mean, logvar, noise))
        reconstruction, kl = losses.Bernoulli().loss(logits, x).sum(), losses.kl(mean, logvar).sum()
        model.zero_grad()
        (reconstruction + 0.7 * kl).backward()
        expected = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])  # type: ignore[union-attr]

        terms = gradients(x, seen, noise, beta=0.7)
        torch.testing.assert_close(terms, torch.stack((reconstruction, kl)).detach(), rtol=1e-5, atol=1e-4)
        assert gradients.weights.grad is not None
        difference = (gradients.weights.grad - expected).abs().max() / expected.abs().max()
        assert difference < close


@pytest.mark.parametrize("side", [28, 15])
def test_gradients_of_convolutions_are_those_of_one_batch_alone(side: int) -> None:
    """Autograd adds to gradients; here those of each batch replace the ones before."""
    torch.manual_seed(4)
    config = TrainConfig(dataset="own", channels=3, side=side, network="conv", width=3, hidden_dims=(9,))
    model = VAE(config)
    assert type(gradients_for(VAE(config), config)) is AutogradGradients
    assert type(gradients_for(VAE(small_config()), small_config())) is Gradients
    assert_gradients_of_autograd(model, config.latent_dim, kind=AutogradGradients)


def test_autograd_computes_what_was_derived_by_hand() -> None:
    torch.manual_seed(4)
    model = VAE(small_config(network="residual", hidden_dims=(24, 16, 16)))
    assert_gradients_of_autograd(model, 2, kind=AutogradGradients)


@pytest.mark.parametrize("seed", range(30))
def test_gradients_of_random_networks_are_those_of_autograd(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all kinds of layers, but for those that only come last, which the loss includes."""
    generator = np.random.default_rng(seed)
    latent_dim, width = int(generator.integers(1, 21)), int(generator.integers(1, 60))
    kinds = tuple(kind for kind in KINDS if kind not in ("sigmoid", "clip"))
    shared, mean, logvar, decoder = (
        random_layers(generator, inputs, outputs, part, kinds)
        for part, inputs, outputs in (
            ("shared", 784, width),
            ("mean", width, latent_dim),
            ("logvar", width, latent_dim),
            ("decoder", latent_dim, 784),
        )
    )
    monkeypatch.setattr("vae.models.network.encoder_layers", lambda _: EncoderLayers(shared, mean, logvar))
    monkeypatch.setattr("vae.models.network.decoder_layers", lambda _: decoder)
    torch.manual_seed(seed)
    assert_gradients_of_autograd(VAE(small_config(latent_dim=latent_dim)), latent_dim, close=3e-6)


@pytest.mark.parametrize("network", ["plain", "conv"])
def test_a_step_of_the_one_tensor_is_a_step_of_the_model(network: str) -> None:
    config = small_config(network=network)
    model = VAE(config)
    before = copy.deepcopy(model)
    gradients = gradients_for(model, config)
    torch.testing.assert_close(dict(model.named_parameters()), dict(before.named_parameters()))
    x = torch.rand(4, 784)
    gradients(x, x, torch.randn(4, 2), beta=1)
    torch.optim.SGD([gradients.weights], lr=0.1).step()
    for (name, old), new in zip(before.named_parameters(), model.parameters(), strict=True):
        assert new.grad is not None
        torch.testing.assert_close(new, old - 0.1 * new.grad, msg=name)
        assert not torch.equal(new, old), name


@pytest.mark.parametrize("network", ["residual", "conv"])
def test_no_posterior_of_a_residual_or_conv_network_is_wider_than_the_prior(network: str) -> None:
    model = VAE(small_config(network=network))
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.mul_(30)
    _, logvar = model.encode(torch.rand(50, 784))
    assert logvar.max() <= 0
    assert logvar.min() < -5  # while it may be as sharp as it likes


def test_bfloat16_rounds_the_factors_of_products_and_nothing_beyond_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(6)
    model = VAE(small_config(hidden_dims=(64, 64)))
    x, noise = torch.rand(50, 784), torch.randn(50, 2)
    exact, rounded = (Gradients(copy.deepcopy(model), precision) for precision in ("float32", "bfloat16"))
    in_force: list[str] = []
    run = _Network.run

    def watched(*args: Any) -> tuple[torch.Tensor, torch.Tensor]:
        in_force.append(torch.get_float32_matmul_precision())
        return run(*args)

    monkeypatch.setattr(_Network, "run", watched)
    terms = [gradients(x, x, noise, beta=1).clone() for gradients in (exact, rounded)]
    assert in_force == ["highest", "medium"]  # whether that rounds is the processor's affair
    assert torch.get_float32_matmul_precision() == "highest"
    torch.testing.assert_close(terms[1], terms[0], rtol=1e-2, atol=1e-2)
    assert torch.cosine_similarity(exact.sums, rounded.sums, dim=0) > 0.999


@pytest.mark.parametrize("name", aten_operators.SLOW_PATHS)
def test_the_slow_path_of_an_operator_computes_the_same(name: str) -> None:
    torch.manual_seed(8)
    x = torch.cat((torch.randn(2, 500) * 4, torch.tensor([[0.0], [60.0]])), dim=1)
    gradient = torch.randn(2, 501)
    buffer = name.split(".")[1]
    arguments: tuple[Any, ...] = {"out": (x,), "grad_input": (gradient, x)}[buffer]
    if name.startswith("tanh"):
        arguments = gradient, torch.tanh(x)
    if name.startswith("threshold"):
        arguments = gradient, x, 0
    fast, slow = (torch.empty_like(x) for _ in range(2))
    aten_operators.operator(name)(*arguments, **{buffer: fast})
    aten_operators.SLOW_PATHS[name](*arguments, **{buffer: slow})
    torch.testing.assert_close(slow, fast, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "tanh"])
def test_training_goes_on_where_torch_lacks_the_operators(
    activation: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(9)
    model = VAE(small_config(network="residual", activation=activation))
    x, noise = torch.rand(50, 784), torch.randn(50, 2)
    gradients, slow = (Gradients(copy.deepcopy(model)) for _ in range(2))
    expected = gradients(x, x, noise, beta=1)
    for name in aten_operators.SLOW_PATHS:
        monkeypatch.setattr(torch.ops.aten, name.split(".")[0], object())
    aten_operators.operator.cache_clear()
    try:
        torch.testing.assert_close(slow(x, x, noise, beta=1), expected, rtol=1e-6, atol=1e-3)
    finally:
        aten_operators.operator.cache_clear()
    assert any("this torch has no operator aten.softplus.out" in text for text in caplog.messages)
    assert gradients.weights.grad is not None
    assert slow.weights.grad is not None
    scale = gradients.weights.grad.abs().max()
    assert (slow.weights.grad - gradients.weights.grad).abs().max() / scale < 1e-6


def test_the_gradient_of_the_blogs_term_differs_by_its_kl_alone() -> None:
    model, batch = VAE(small_config()), 5
    x, noise = torch.rand(batch, 784), torch.randn(batch, 2)
    ours, blogs = Gradients(copy.deepcopy(model)), BlogGradients(copy.deepcopy(model))
    for beta in (0.0, 1.0):
        ours(x, x, noise, beta), blogs(x, x, noise, beta)
        assert torch.allclose(ours.sums[:-1], blogs.sums[:-1], rtol=1e-4, atol=1e-4) == (beta == 0)
    assert blogs.terms[1] > 0
