"""Learning rate, snapshot steps and random numbers of a training: functions of config and step, never saved.

Shapes: N images, P pixels, Z latent size.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae.config import TrainConfig

WARM_UP = 0.05  # of all steps
SNAPSHOTS, SNAPSHOT_BYTES = 40, 30_000_000  # of a run, at most
FIRST_STEPS = 10  # in which nothing visible changes, because the learning rate is still small
MASKS = 1024  # more than most batches have images, and drawn in milliseconds
_DRAWN: dict[str, Any] = {
    "dtype": torch.float32,
    "device": "cpu",
}  # whatever the program that trains has set as torch's defaults


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """The learning rate of step `step`, 0 to `total` - 1, of a training of `total` steps."""
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


def kl_weight(config: TrainConfig, step: int, epoch_steps: int) -> float:
    """The weight of the KL term at step `step`: beta, to which it rises linearly in the first epochs.

    Such a warm-up keeps the KL from being paid before the decoder has learned to use z (Bowman et al. 2016,
    arXiv:1511.06349; Sønderby et al. 2016, arXiv:1602.02282).
    """
    steps = config.kl_warmup * epoch_steps
    return config.beta * min(1.0, (step + 1) / steps) if steps > step else config.beta


def snapshot_steps(total: int, epoch_steps: int, size: int) -> frozenset[int]:
    """The steps after which a snapshot is kept: 0, `total`, and some from FIRST_STEPS on, evenly in log time.

    After the first epoch they are moved to ends of epochs, where the test set is encoded anyway. There are
    fewer where snapshots of `size` bytes would not all fit into SNAPSHOT_BYTES; `total` is always included.
    """
    count = min(SNAPSHOTS, SNAPSHOT_BYTES // size)
    steps = np.geomspace(min(FIRST_STEPS, total), total, count - 1).round() if count > 2 else ()
    kept = [
        step if step < epoch_steps else round(step / epoch_steps) * epoch_steps for step in map(int, steps)
    ]
    return frozenset({total} if count < 2 else {0, total, *kept})


def randomness(config: TrainConfig, epoch: int, count: int) -> tuple[Tensor, Tensor]:
    """An epoch's order of the images, a permutation (N,), and its noise of z, standard normal (N, Z)."""
    seed = np.random.SeedSequence((config.seed, epoch)).generate_state(1)[0]
    generator = torch.Generator().manual_seed(int(seed))
    order = torch.randperm(count, generator=generator, device="cpu")
    return order, torch.randn(count, config.latent_dim, generator=generator, **_DRAWN)


def masks(config: TrainConfig, epoch: int) -> Tensor:
    """Pixel dropout of an epoch, factors of the encoder's input: (MASKS, P), 0 for a dropped pixel.

    A pixel is dropped in all of its channels.

    The other pixels are scaled up so that the expected sum is that of the whole image ("inverted dropout";
    Srivastava et al. 2014, section 10, scale the whole down at test time instead).
    Successive images of an epoch take the masks in turn; each epoch has new masks.
    """
    seed = np.random.SeedSequence((config.seed, epoch, 1)).generate_state(1)[0]
    generator = torch.Generator().manual_seed(int(seed))
    kept = torch.rand(MASKS, config.side**2, generator=generator, **_DRAWN).ge_(config.pixel_dropout)
    return kept.div_(1 - config.pixel_dropout).repeat(1, config.channels)
