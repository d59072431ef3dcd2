"""An estimate of how long a training takes on this machine, before it starts; and durations as text.

The number of operations follows from the config. The speed of the machine is that of matrix products on one
core, timed for about 15 ms; all other costs are scaled with it, from a machine where they were measured.
"""

import os
import statistics
import time
from itertools import pairwise

import numpy as np

from vae.config import TrainConfig
from vae.datasets.registry import image_count

# Fitted to the second epochs of eight trainings on an idle AMD EPYC: 2 x 64 to 2 x 1024 units, batches of 32
# to 512, plain and residual, one and two threads. Each was trained twice; 15 of 16 estimates were within 10%,
# and one was 22% too low. Values are seconds of one core at REFERENCE_SPEED, unless noted.
REFERENCE_SPEED = 90e9  # operations per second
START = 3.3  # importing PyTorch, reading the data
STEP = 0.28e-3  # the calls of a step, whatever their sizes
WEIGHT = 0.4e-9  # Adam's update of one weight, at each step, on all cores
ELEMENT = 3.2e-9  # activation or loss of one unit for one image, forward and back
BFLOAT16 = 0.65  # factor of the time of matrix products where bfloat16 is fast; elsewhere it saves nothing
SERIAL = 0.1  # share of the work on images that is not spread over several cores
TESTING = 1 / 18  # of that work, after each epoch: a sixth as many images, forward only, which is a third
SNAPSHOTS = 1 / 3  # of that work, once: a dozen times the test set through the encoder

_SIDE = 64  # of the timed matrices: OpenBLAS multiplies such small ones on one core
_PRODUCTS = 40  # matrix products in one timing, about 0.25 ms
_TIMINGS = 50


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def core_speed() -> float:
    """Measures the operations per second of matrix products on one core."""
    matrix = np.full((_SIDE, _SIDE), 0.5, np.float32)
    result = np.empty_like(matrix)
    times = []
    for _ in range(_TIMINGS):
        started = time.perf_counter()
        for _ in range(_PRODUCTS):
            np.matmul(matrix, matrix, out=result)
        times.append(time.perf_counter() - started)
    return 2 * _SIDE**3 * _PRODUCTS / statistics.median(times)


def training_seconds(config: TrainConfig, speed: float | None = None, *, done: float = 0) -> float:
    """Seconds that `python -m vae train` of `config` takes on this machine's CPU, from start to end.

    The estimate assumes an idle machine; beside other work a training takes longer, on a GPU less.

    Args:
        speed: that of `core_speed`, in operations per second, which is measured if left out.
        done: the share of the training that is done already and is not repeated, 0 to 1.
    """
    threads = cores() if config.threads == "auto" else min(config.threads, cores())
    images = image_count(config.dataset)
    steps = -(-images // config.batch_size)

    encoder = (config.pixels, *config.hidden_dims, 2 * config.latent_dim)
    decoder = (config.latent_dim, *config.hidden_dims[::-1], config.pixels)
    weights = sum(wide * narrow for sizes in (encoder, decoder) for wide, narrow in pairwise(sizes))
    # Forward, and back to inputs and weights: 2 operations for each weight; the pixels need no gradient.
    operations = 6 * weights - 2 * config.pixels * config.hidden_dims[0]
    elements = config.pixels + 2 * sum(config.hidden_dims)

    products = operations / REFERENCE_SPEED * (BFLOAT16 if config.precision == "bfloat16" else 1)
    image = products + elements * ELEMENT
    work = image * images * (SERIAL + (1 - SERIAL) / threads)
    epoch = work * (1 + TESTING) + steps * (STEP + weights * WEIGHT)
    total = START + (1 - done) * (work * SNAPSHOTS + config.epochs * epoch)
    return total * REFERENCE_SPEED / (speed or core_speed())


def in_words(seconds: float) -> str:
    """A duration as text, in two units at most: 40 s, 2 min 10 s, 1 h 5 min, 3 days.

    Seconds are rounded to whole ones; from three days on there are only days.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _pair(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return _pair(minutes // 60, "h", minutes % 60, "min")
    hours = round(seconds / 3600)
    if hours < 3 * 24:
        return _pair(hours // 24, "day" if hours < 48 else "days", hours % 24, "h")
    return f"{round(seconds / 86_400):,} days"


def _pair(large: int, unit: str, small: int, fraction: str) -> str:
    return f"{large} {unit} {small} {fraction}" if small else f"{large} {unit}"
