"""The figures: against exact cases worked by hand, and against each other."""

import math
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.support.paths import BUNDLED
from tests.support.small_runs import small_config, write_small_mnist
from tests.support.tensors import load
from vae.evaluation.bounds import (
    Draws,
    draw,
    negative_log_likelihood,
    refined_posterior,
    sampled_reconstruction,
)
from vae.evaluation.evaluate import evaluate
from vae.inference.forward import BATCH
from vae.inference.neighbours import neighbours_agreement
from vae.models import losses
from vae.models.network import VAE
from vae.runs.catalogue import open_run
from vae.runs.run import Run
from vae.training.scoring import Posterior, encode_set, pixels, score_set


def test_the_bundled_run_is_as_good_as_its_own_metrics_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved scores are those of its metrics, and the figures of the first 1,000 test images their mean."""
    run = open_run(BUNDLED)
    last = [line for line in run.metric_lines()[0] if line.split == "test"][-1]
    saved = run.saved_model().scores
    assert saved is not None
    assert len(saved.kl) == 10_000
    reconstruction, kl = (values.astype(float) for values in (saved.reconstruction, saved.kl))
    # The same samples of z.
    assert reconstruction.mean() == pytest.approx(last.reconstruction, abs=1e-3)
    assert kl.mean() == pytest.approx(last.kl, abs=1e-3)
    assert (reconstruction + kl).mean() == pytest.approx(-last.elbo, abs=1e-3)
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path, test=1000)))
    figures = evaluate(run, samples=5)
    assert (figures.run, figures.step, figures.epoch) == (run.name, last.step, last.epoch)
    assert figures.images == 1000
    assert figures.reconstruction == pytest.approx(reconstruction[:1000].mean(), abs=1e-3)
    assert figures.kl == pytest.approx(kl[:1000].mean(), abs=1e-3)
    assert figures.negative_elbo == pytest.approx((reconstruction + kl)[:1000].mean(), abs=1e-3)
    assert figures.negative_elbo < 140
    assert figures.refined_negative_elbo < figures.negative_elbo - 2
    assert figures.nll < figures.refined_negative_elbo
    assert figures.active_units == 2
    assert figures.standard_error is not None
    assert figures.refined_standard_error is not None
    assert 1 < figures.refined_standard_error < figures.standard_error < 1.9
    knn = [share for share in (figures.knn_1, figures.knn_5, figures.knn_20) if share is not None]
    assert len(knn) == 3
    assert 0.7 < knn[0] < knn[1] < knn[2] < 0.9


class Constant(nn.Module):
    """Logits that do not depend on z."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.full((*z.shape[:-1], 784), 0.3)


def test_the_likelihood_is_exact_where_the_posterior_is_the_prior() -> None:
    """Then all weights are equal, and -log p(x) is the cross-entropy itself, whatever the samples."""
    model = VAE(small_config())
    for head in (model.encoder.linear("mean"), model.encoder.linear("logvar")):
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    model.decoder = Constant()  # type: ignore[assignment]
    images = torch.randint(0, 256, (7, 784), dtype=torch.uint8)
    x = images.double() / 255
    p = 1 / (1 + math.exp(-0.3))
    exact = -(x * math.log(p) + (1 - x) * math.log(1 - p)).sum(1)
    torch.testing.assert_close(
        negative_log_likelihood(model, images, encode_set(model, images), 3).double(),
        exact,
        rtol=1e-5,
        atol=1e-3,
    )


class Halves(nn.Module):
    """Logits of one size, positive where z is, else negative: (..., 1) -> (..., 784)."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.where(z > 0, 2.0, -2.0).expand(*z.shape[:-1], 784)


def test_the_likelihood_is_that_worked_out_by_hand() -> None:
    """The prior gives either half of this latent line 1/2, so p(x) = p(x|z > 0) / 2 + p(x|z < 0) / 2.

    The posterior is another, so the weights matter; 885 nats are zero as a probability, in float64 too.
    """
    model = VAE(small_config(latent_dim=1))
    for head, bias in (
        (model.encoder.linear("mean"), 0.3),
        (model.encoder.linear("logvar"), 2 * math.log(1.2)),
    ):
        nn.init.zeros_(head.weight)
        nn.init.constant_(head.bias, bias)
    model.decoder = Halves()  # type: ignore[assignment]
    images = torch.full((1, 784), 127, dtype=torch.uint8)
    images[0, :300] = 128
    grey = (300 * 128 + 484 * 127) / 255
    above, below = (x * 2 - 784 * math.log1p(math.exp(2)) for x in (grey, 784 - grey))
    exact = math.log(2) - below - math.log1p(math.exp(above - below))
    assert exact > 800
    got = negative_log_likelihood(model, images, encode_set(model, images), 20_000).item()
    assert got == pytest.approx(exact, abs=0.02)  # 0.13 without the weights


@torch.no_grad()
def test_the_sampled_reconstruction_is_the_mean_over_the_samples() -> None:
    torch.manual_seed(0)
    model = VAE(small_config())
    images = torch.randint(0, 256, (3, 784), dtype=torch.uint8)
    noise = torch.randn(3, 16, 2, generator=torch.Generator().manual_seed(0))
    posterior = encode_set(model, images)
    total = torch.zeros(3)
    for k in range(16):
        z = model.reparameterize(*posterior, noise[:, k])
        total += losses.Bernoulli().loss(model.decoder(z), pixels(images))
    torch.testing.assert_close(sampled_reconstruction(model, images, posterior, 16), total / 16)


@torch.no_grad()
def test_a_narrow_gaussian_of_large_pictures_is_computed_exactly() -> None:
    torch.manual_seed(0)
    config = small_config(dataset="own", channels=3, side=32, likelihood="gaussian", latent_dim=3)
    model = VAE(config)
    nn.init.constant_(model.decoder.linear("logits").bias, 0.7)
    model.log_deviation.fill_(math.log(0.02))
    posterior = Posterior(torch.randn(3, 3), torch.full((3, 3), -4.0))
    values = model.decoder(posterior.mean) + 0.02 * torch.randn(3, 3072)
    images = (255 * values).round().clip(0, 255).to(torch.uint8)
    got = draw(model, images, posterior, 6)
    noise = torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(0))
    mean, logvar = (part[:, None] for part in posterior)
    logits = model.decoder(model.reparameterize(mean, logvar, noise))
    normal = torch.distributions.Normal(255 * logits.double(), 255 * 0.02)
    expected = normal.log_prob(images[:, None].double()).sum(dim=-1)
    torch.testing.assert_close(got.log_likelihood.double(), expected, rtol=0, atol=0.01)


@pytest.mark.usefixtures("small")
def test_the_standard_error_is_that_of_the_mean_over_the_images(trained: Run) -> None:
    shares: list[float] = []
    figures = evaluate(trained, samples=50, progress=shares.append)
    images, labels = load("mnist", train=False)
    model = trained.load_model()
    posterior = encode_set(model, images)
    refined = refined_posterior(model, images, posterior)
    scores = score_set(model, images)
    elbo = (scores.reconstruction + scores.kl).double()
    own = (sampled_reconstruction(model, images, refined, 16) + losses.kl(*refined)).double()
    assert figures.elbo_samples == 16
    assert figures.negative_elbo == pytest.approx(elbo.mean().item())
    assert figures.refined_negative_elbo == pytest.approx(own.mean().item())
    for values, error in ((elbo, figures.standard_error), (own, figures.refined_standard_error)):
        squares = (values - values.mean()).square().sum().item()
        assert error == pytest.approx(math.sqrt(squares / 199 / 200))
    assert shares == sorted(shares)
    assert (len(shares), shares[-1]) == (21, 1)
    knn = (figures.knn_1, figures.knn_5, figures.knn_20)
    assert knn == neighbours_agreement(posterior.mean.numpy(), labels.numpy())


def test_the_figures_do_not_hang_on_the_number_of_cores(
    trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = torch.randint(0, 256, (30, 784), dtype=torch.uint8)
    model = trained.load_model()
    before = torch.get_num_threads()
    found = []
    for count in (1, 3):
        monkeypatch.setattr("vae.evaluation.bounds.cores", lambda count=count: count)
        found.append(negative_log_likelihood(model, images, encode_set(model, images), 100))
    assert torch.equal(*found)
    assert torch.get_num_threads() == before


def test_an_interrupt_drops_what_was_not_begun(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is raised in the thread that waits; here while the first result is told."""
    interrupted = threading.Event()
    begun: list[int] = []

    def slow(model: VAE, images: torch.Tensor, posterior: Posterior, samples: int, seed: int) -> Draws:
        begun.append(seed)
        if seed:
            interrupted.wait()
        return draw(model, images, posterior, samples, seed)

    def interrupt(_: float) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    monkeypatch.setattr("vae.evaluation.bounds.draw", slow)
    model, images = trained.load_model(), torch.zeros(3000, 784, dtype=torch.uint8)
    with pytest.raises(KeyboardInterrupt):
        negative_log_likelihood(model, images, encode_set(model, images), 500, interrupt)
    assert len(begun) < 1500


@torch.no_grad()
def test_the_likelihood_is_that_of_a_sum_over_the_same_samples() -> None:
    """Against the definition, sample by sample in float64, without log space."""
    torch.manual_seed(0)
    model = VAE(small_config())
    images = torch.randint(0, 30, (2, 784), dtype=torch.uint8)
    got = negative_log_likelihood(model, images, encode_set(model, images), 4)
    model.double()
    noise = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(0)).double()
    x = images.double() / 255
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


def test_the_bound_gets_tighter_with_more_samples_and_a_nearer_posterior(
    trained: Run, small_data: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(small_data))
        images = load("mnist", train=False)[0]
    model = trained.load_model()
    scores = score_set(model, images)
    elbo = (scores.reconstruction + scores.kl).mean().item()
    posterior = encode_set(model, images)
    estimates = [negative_log_likelihood(model, images, posterior, k).mean().item() for k in (10, 100)]
    refined = refined_posterior(model, images, posterior)
    best = negative_log_likelihood(model, images, refined, 100).mean().item()
    assert elbo > estimates[0] > estimates[1] > best


def test_scores_are_the_same_at_every_call_and_in_any_batch(trained: Run) -> None:
    model = trained.load_model()
    images = torch.randint(0, 256, (BATCH + 10, 784), dtype=torch.uint8)
    first, second = score_set(model, images), score_set(model, images)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    whole = model.encode(pixels(images))
    for mean, logvar in (encode_set(model, images), (first.mean, first.logvar)):
        torch.testing.assert_close((mean, logvar), whole, rtol=1e-5, atol=1e-5)
