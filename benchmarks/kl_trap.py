"""`python -m benchmarks.kl_trap`: the effect of the blog's wrong KL term on the ELBO (docs/METHOD.md).

Trains the preset blog twice for each seed, once with the blog's term and once with the right one, and
evaluates both with the right one. `make bench` leaves it out, because it takes minutes.
"""

import tempfile
from unittest import mock

import torch
from torch import Tensor

from tests.support.tensors import load
from vae.config import TrainConfig
from vae.models import losses
from vae.models.gradients import Gradients
from vae.training.loop import train
from vae.training.scoring import score_set


class BlogGradients(Gradients):
    """The gradient of the loss with the blog's KL term, by autograd."""

    def __call__(self, x: Tensor, seen: Tensor, noise: Tensor, beta: float, free: float = 0) -> Tensor:
        assert free == 0
        mean, logvar = self._model.encoder(seen)
        logits = self._model.decoder(self._model.reparameterize(mean, logvar, noise))
        # KL(N(mean, exp(logvar)²) || N(0, I)): exp(logvar) taken for the standard deviation.
        kl = losses.kl(mean, 2 * logvar).sum()
        reconstruction = losses.Bernoulli().loss(logits, x).sum()
        self.sums.zero_()
        (reconstruction + beta * kl).backward()
        return torch.stack((reconstruction.detach(), kl.detach()), out=self.terms)


def main() -> None:
    images = load("mnist", train=False)[0]
    for seed in (1, 2):
        for name, gradients in (("right", Gradients), ("blog's", BlogGradients)):
            with (
                tempfile.TemporaryDirectory() as folder,
                mock.patch("vae.models.gradients.Gradients", gradients),
            ):
                run = train(TrainConfig.preset("blog", seed=seed), folder)
                scores = score_set(run.load_model(), images)
            means = [term.double().mean().item() for term in (scores.reconstruction, scores.kl)]
            terms = f"reconstruction {means[0]:.2f} + KL {means[1]:.2f} = {sum(means):.2f}"
            print(f"seed {seed}, {name:6} KL: {terms}", flush=True)


if __name__ == "__main__":
    main()
