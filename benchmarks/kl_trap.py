"""`python -m benchmarks.kl_trap`: what the blog's KL term costs; docs/METHOD.md tells what is wrong with it.

Trains the preset blog twice for each seed, once with the blog's term and once with the right one, and
evaluates both with the right one. Minutes, so no part of `make bench`.
"""

import tempfile
from pathlib import Path
from unittest import mock

from torch import Tensor

from vae.config import TrainConfig
from vae.datasets.registry import load
from vae.inference.scoring import score_set
from vae.models import losses
from vae.runs.catalogue import new_run
from vae.training.loop import fit

SEEDS = (1, 2)
RIGHT_KL = losses.kl


def blog_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)^2) || N(0, I)): exp(logvar) taken for the standard deviation; (B, Z) -> (B,)."""
    return RIGHT_KL(mean, 2 * logvar)


def main() -> None:
    """Prints a line for each term and seed."""
    images = load("mnist", train=False).images
    for seed in SEEDS:
        for name, term in (("right", RIGHT_KL), ("blog's", blog_kl)):
            with tempfile.TemporaryDirectory() as folder:
                run = new_run(TrainConfig.preset("blog", seed=seed), Path(folder))
                with mock.patch.object(losses, "kl", term):
                    for _ in fit(run):
                        pass
                scores = score_set(run.load_model(), images)
                means = [term.double().mean().item() for term in (scores.reconstruction, scores.kl)]
            terms = f"reconstruction {means[0]:.2f} + KL {means[1]:.2f} = {sum(means):.2f}"
            print(f"seed {seed}, {name:6} KL: {terms}", flush=True)


if __name__ == "__main__":
    main()
