"""What follows from the config and the step alone, and so needs no saving.

Shapes: N images, P pixels, Z latent size.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from vae.config import TrainConfig
from vae.model import PIXELS

WARM_UP = 0.05  # of all steps
SNAPSHOTS = 12
MASKS = 1024  # far more than pictures in a batch, and drawn in some milliseconds


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """The learning rate of step `step`, 0 to `total` - 1."""
    if config.schedule == "constant":
        return config.learning_rate
    # Each restart begins a schedule of its own (Loshchilov & Hutter 2017).
    ends = [total * epoch / config.epochs for epoch in (0, *config.restarts, config.epochs)]
    start, end = next(stage for stage in pairwise(ends) if step < stage[1])
    warm_up = WARM_UP * (end - start)
    if step - start < warm_up:
        return config.learning_rate * min(1, (step - start + 1) / warm_up)
    progress = (step - start - warm_up) / (end - start - warm_up)
    return config.learning_rate * (1 + math.cos(math.pi * progress)) / 2


def snapshot_steps(total: int) -> frozenset[int]:
    """The steps at which a snapshot is kept: 0, `total`, and some between, evenly in log time."""
    return frozenset({0, *(round(total ** (i / (SNAPSHOTS - 2))) for i in range(SNAPSHOTS - 1))})


def randomness(config: TrainConfig, epoch: int, count: int) -> tuple[Tensor, Tensor]:
    """The order in which an epoch takes the images, (N,), and its noise, standard normal (N, Z)."""
    seed = np.random.SeedSequence((config.seed, epoch)).generate_state(1)[0]
    generator = torch.Generator().manual_seed(int(seed))
    order = torch.randperm(count, generator=generator)
    return order, torch.randn(count, config.latent_dim, generator=generator)


def masks(config: TrainConfig, epoch: int) -> Tensor:
    """What the encoder sees in an epoch: 0 for a pixel that it does not, else 1; (MASKS, P).

    The pictures take turns with them; each epoch has other ones, and another order of the pictures.
    """
    seed = np.random.SeedSequence((config.seed, epoch, 1)).generate_state(1)[0]
    generator = torch.Generator().manual_seed(int(seed))
    return torch.rand(MASKS, PIXELS, generator=generator).ge_(config.pixel_dropout)
