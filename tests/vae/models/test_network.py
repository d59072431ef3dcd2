"""The model, the losses and the optimiser against an independent computation in float64 NumPy."""

from pathlib import Path

import numpy as np
import pytest
import torch

import vae
from tests.support.small_runs import small_config, write_small_mnist
from tests.support.tensors import load
from vae.models import losses
from vae.models.network import VAE
from vae.training.schedule import randomness

Arrays = dict[str, np.ndarray]


def test_shapes_and_ranges() -> None:
    model = VAE(small_config(latent_dim=3)).eval()
    images = torch.rand(5, 1, 28, 28)
    mean, logvar = model.encode(images)
    assert mean.shape == logvar.shape == (5, 3)
    assert all(
        torch.equal(a, b) for a, b in zip(model.encode(images.view(5, 784)), (mean, logvar), strict=True)
    )
    decoded = model.decode(mean)
    assert decoded.shape == (5, 1, 28, 28)
    assert decoded.min() >= 0
    assert decoded.max() <= 1
    reconstructed, *_ = model(images)
    assert reconstructed.shape == (5, 1, 28, 28)


def test_the_blogs_network_has_the_blogs_parameters() -> None:
    sizes = [(784, 256), (256, 256), (256, 2), (256, 2), (2, 256), (256, 256), (256, 784)]
    expected = sum((wide + 1) * narrow for wide, narrow in sizes)
    assert sum(p.numel() for p in VAE(vae.TrainConfig.preset("blog")).parameters()) == expected


def test_the_kl_is_the_closed_form_and_not_the_blogs() -> None:
    mean, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, -1.0]])
    posterior = torch.distributions.Normal(mean, torch.exp(logvar / 2))
    prior = torch.distributions.Normal(0.0, 1.0)
    closed = torch.distributions.kl_divergence(posterior, prior).sum(-1)
    assert torch.allclose(losses.kl(mean, logvar), closed)
    trap = torch.distributions.kl_divergence(torch.distributions.Normal(mean, logvar.exp()), prior).sum(-1)
    assert not torch.allclose(losses.kl(mean, logvar), trap, atol=0.1)


def test_a_saturated_pixel_has_a_finite_loss() -> None:
    logits, pixels = torch.tensor([[200.0, -200.0]]), torch.tensor([[0.0, 1.0]])
    assert losses.Bernoulli().loss(logits, pixels).item() == pytest.approx(400)


def forward(w: Arrays, x: np.ndarray, noise: np.ndarray) -> Arrays:
    """Every intermediate of the 784-12-8-2 network with ReLU."""
    c: Arrays = {"x": x, "noise": noise}
    c["e0"] = np.maximum(x @ w["encoder.hidden.0.weight"].T + w["encoder.hidden.0.bias"], 0)
    c["e1"] = np.maximum(c["e0"] @ w["encoder.hidden.2.weight"].T + w["encoder.hidden.2.bias"], 0)
    c["mean"] = c["e1"] @ w["encoder.mean.weight"].T + w["encoder.mean.bias"]
    c["logvar"] = c["e1"] @ w["encoder.logvar.weight"].T + w["encoder.logvar.bias"]
    c["z"] = c["mean"] + np.exp(c["logvar"] / 2) * noise
    c["d0"] = np.maximum(c["z"] @ w["decoder.hidden.0.weight"].T + w["decoder.hidden.0.bias"], 0)
    c["d1"] = np.maximum(c["d0"] @ w["decoder.hidden.2.weight"].T + w["decoder.hidden.2.bias"], 0)
    c["logits"] = c["d1"] @ w["decoder.logits.weight"].T + w["decoder.logits.bias"]
    c["xhat"] = 1 / (1 + np.exp(-c["logits"]))
    c["reconstruction"] = -(x * np.log(c["xhat"]) + (1 - x) * np.log(1 - c["xhat"])).sum(1)
    c["kl"] = -0.5 * (1 + c["logvar"] - c["mean"] ** 2 - np.exp(c["logvar"])).sum(1)
    return c


def backward(w: Arrays, c: Arrays, beta: float) -> Arrays:
    """Gradients of the summed loss, by hand."""
    g: Arrays = {}

    def linear(name: str, d_out: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        g[f"{name}.weight"], g[f"{name}.bias"] = d_out.T @ inputs, d_out.sum(0)
        return d_out @ w[f"{name}.weight"]

    d = linear("decoder.logits", c["xhat"] - c["x"], c["d1"])
    d = linear("decoder.hidden.2", d * (c["d1"] > 0), c["d0"])
    dz = linear("decoder.hidden.0", d * (c["d0"] > 0), c["z"])
    d_mean = dz + beta * c["mean"]
    d_logvar = dz * c["noise"] * np.exp(c["logvar"] / 2) / 2 + beta * 0.5 * (np.exp(c["logvar"]) - 1)
    d = linear("encoder.mean", d_mean, c["e1"]) + linear("encoder.logvar", d_logvar, c["e1"])
    d = linear("encoder.hidden.2", d * (c["e1"] > 0), c["e0"])
    linear("encoder.hidden.0", d * (c["e0"] > 0), c["x"])
    return g


def test_forward_losses_and_three_adam_steps_agree_with_numpy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real loop trains three batches; NumPy repeats it from the same weights, order and noise."""
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path / "data", train=22, test=20)))
    config = small_config(
        hidden_dims=(12, 8), activation="relu", batch_size=8, epochs=1, beta=1.5, schedule="constant"
    )
    torch.manual_seed(config.seed)
    start = VAE(config)
    weights = {name: tensor.double().numpy() for name, tensor in start.state_dict().items()}
    order, noise = randomness(config, 0, 22)
    pixels = load("mnist", train=True)[0].flatten(1).numpy() / 255.0

    # One forward pass and both terms, from given weights, noise and batch.
    x32 = torch.from_numpy(pixels[:8]).float()
    mean, logvar = start.encode(x32)
    z = start.reparameterize(mean, logvar, noise[:8])
    cache = forward(weights, pixels[:8], noise[:8].double().numpy())
    got = {
        "mean": mean,
        "logvar": logvar,
        "z": z,
        "xhat": start.decode(z).flatten(1),
        "reconstruction": losses.Bernoulli().loss(start.decoder(z), x32),
        "kl": losses.kl(mean, logvar),
    }
    for name, tensor in got.items():
        np.testing.assert_allclose(tensor.detach().numpy(), cache[name], rtol=1e-5, atol=1e-5, err_msg=name)

    # Three steps of Adam (Kingma & Ba 2015, algorithm 1); the last batch is a smaller one.
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    for step in range(3):
        rows = slice(8 * step, 8 * (step + 1))
        cache = forward(weights, pixels[order.numpy()[rows]], noise.double().numpy()[rows])
        for name, gradient in backward(weights, cache, config.beta).items():
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient**2
            unbiased = np.sqrt(second[name] / (1 - 0.999 ** (step + 1))) + 1e-8
            weights[name] -= config.learning_rate * first[name] / (1 - 0.9 ** (step + 1)) / unbiased

    run = vae.train(config, tmp_path / "runs")
    trained = run.saved_model().model.weights
    assert trained.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_allclose(trained[name], value, atol=1e-5, err_msg=name)
