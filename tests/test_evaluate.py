"""The figures: against exact cases worked by hand, and against each other."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.conftest import BUNDLED, small_config
from vae.catalogue import open_run
from vae.data import load
from vae.evaluate import (
    active_units,
    evaluate,
    knn_accuracy,
    negative_log_likelihood,
    score_set,
)
from vae.latent import BATCH, encode_set, pixels
from vae.model import VAE
from vae.runs import Run


def test_the_bundled_run_is_as_good_as_its_own_metrics_claim() -> None:
    run = open_run(BUNDLED)
    last = [line for line in run.metrics()[0] if line.split == "test"][-1]
    figures = evaluate(run, samples=5)
    assert (figures.run, figures.step, figures.epoch) == (run.name, last.step, last.epoch)
    assert figures.images == 10_000
    assert figures.reconstruction == pytest.approx(last.reconstruction, abs=0.01)
    assert figures.kl == pytest.approx(last.kl, abs=0.001)
    assert figures.negative_elbo == pytest.approx(-last.elbo, abs=0.01)
    assert figures.negative_elbo < 140
    assert figures.nll < figures.negative_elbo
    assert figures.active_units == 2
    assert figures.knn_accuracy > 0.7
    assert run.size() < 8_000_000


class Constant(nn.Module):
    """Logits that do not depend on z."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.full((*z.shape[:-1], 784), 0.3)


def test_the_likelihood_is_exact_where_the_posterior_is_the_prior() -> None:
    """Then all weights are equal, and -log p(x) is the cross-entropy itself, whatever the samples."""
    model = VAE(small_config())
    for head in (model.encoder.mean, model.encoder.logvar):
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    model.decoder = Constant()  # type: ignore[assignment]
    images = torch.randint(0, 256, (7, 28, 28), dtype=torch.uint8)
    x = images.flatten(1).double() / 255
    p = 1 / (1 + math.exp(-0.3))
    exact = -(x * math.log(p) + (1 - x) * math.log(1 - p)).sum(1)
    torch.testing.assert_close(
        negative_log_likelihood(model, images, 3).double(), exact, rtol=1e-5, atol=1e-3
    )


@torch.no_grad()
def test_the_likelihood_is_that_of_a_sum_over_the_same_samples() -> None:
    """Against the definition, sample by sample in float64, without log space."""
    torch.manual_seed(0)
    model = VAE(small_config())
    images = torch.randint(0, 30, (2, 28, 28), dtype=torch.uint8)
    got = negative_log_likelihood(model, images, 4)
    model.double()
    noise = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(0)).double()
    x = images.flatten(1).double() / 255
    mean, logvar = model.encode(x)
    normal = torch.distributions.Normal
    for i in range(2):
        total = 0.0
        for k in range(4):
            z = mean[i] + torch.exp(logvar[i] / 2) * noise[i, k]
            p = torch.sigmoid(model.decoder(z))
            log_likelihood = (x[i] * p.log() + (1 - x[i]) * (1 - p).log()).sum()
            log_prior = normal(0, 1).log_prob(z).sum()
            log_posterior = normal(mean[i], torch.exp(logvar[i] / 2)).log_prob(z).sum()
            # 540 nats would be zero as a probability, in float64 just not.
            total += math.exp(log_likelihood + log_prior - log_posterior + 540)
        assert got[i].item() == pytest.approx(540 - math.log(total / 4), rel=1e-5)


def test_the_bound_gets_tighter_with_more_samples(trained: Run, small_data: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        images = load("mnist", train=False).images
    model = trained.load_model()
    scores = score_set(model, images)
    elbo = (scores.reconstruction + scores.kl).mean().item()
    estimates = [negative_log_likelihood(model, images, k).mean().item() for k in (10, 100)]
    assert elbo > estimates[0] > estimates[1]


def test_scores_are_the_same_at_every_call_and_in_any_batch(trained: Run) -> None:
    model = trained.load_model()
    images = torch.randint(0, 256, (BATCH + 10, 28, 28), dtype=torch.uint8)
    first, second = score_set(model, images), score_set(model, images)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    whole = model.encode(pixels(images))
    for mean, logvar in (encode_set(model, images), (first.mean, first.logvar)):
        torch.testing.assert_close((mean, logvar), whole, rtol=1e-5, atol=1e-5)


def test_a_unit_is_active_if_its_mean_moves() -> None:
    means = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.05, 0.2])
    assert active_units(means) == 2


def test_neighbours_agree_in_clusters_and_not_in_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat(60)
    apart = labels[:, None] * 10.0 + torch.randn(600, 2, generator=generator)
    assert knn_accuracy(apart, labels) == 1
    assert knn_accuracy(torch.randn(600, 2, generator=generator), labels) < 0.2


def test_a_tie_goes_to_the_nearer_neighbours() -> None:
    # Nearest of the point at 0: 1, 1, then 0, 0, then 2: two against two.
    means = torch.tensor([[0.0], [1.0], [-1.1], [1.2], [-1.3], [1.4], [50.0]])
    labels = torch.tensor([1, 1, 1, 0, 0, 2, 3])
    alone = knn_accuracy(means, labels)
    labels[0] = 0
    assert alone > knn_accuracy(means, labels)
