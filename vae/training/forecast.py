"""An estimate of how long a training takes on this machine, before it starts; and durations as text.

The number of operations follows from the config. The speed of the machine is that of matrix products on one
core, timed for about 15 ms; all other costs are scaled with it, from a machine where they were measured.
"""

import math
import os
import statistics
import time

import numpy as np

from vae.config import TrainConfig
from vae.datasets.registry import image_count
from vae.models.layers import KERNEL, Weighted, decoder_layers, encoder_layers, is_weighted, shapes_of

# Fitted to the second epochs of eight trainings on an idle AMD EPYC: 2 x 64 to 2 x 1024 units, batches of 32
# to 512, plain and residual, one and two threads. Each was trained twice; 15 of 16 estimates were within 10%,
# and one was 22% too low. Values are seconds of one core at REFERENCE_SPEED, unless noted.
REFERENCE_SPEED = 90e9  # operations per second
START = 3.3  # importing PyTorch, reading the data
STEP = 0.28e-3  # the calls of a step, whatever their sizes
WEIGHT = 0.4e-9  # Adam's update of one weight, at each step, on all cores
ELEMENT = 3.2e-9  # activation or loss of one unit for one image, forward and back
# An output of a convolution for one image, beside its products: from single steps with 16 and 32 channels and
# pictures of 28 to 64 pixels a side; three of four within 10%, one 25% too low.
CONVOLVED = 11e-9
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

    encoder, decoder = encoder_layers(config), decoder_layers(config)
    layers = encoder.shared + encoder.mean + encoder.logvar + decoder
    weighted = [layer for layer in layers if is_weighted(layer)]
    weights = sum(math.prod(shapes_of(layer)[0]) for layer in weighted)
    convolved = [layer for layer in weighted if layer["kind"] != "dense"]
    # Forward, and back to inputs and weights: 2 operations for each product; the pixels need no gradient.
    operations = 6 * sum(map(_products, weighted)) - 2 * _products(weighted[0])
    elements = sum(layer["outputs"] for layer in weighted) - 2 * config.latent_dim

    # With convolutions only some of the products can be rounded, and take little of the time.
    rounded = config.precision == "bfloat16" and not convolved
    products = operations / REFERENCE_SPEED * (BFLOAT16 if rounded else 1)
    image = products + elements * ELEMENT + sum(layer["outputs"] for layer in convolved) * CONVOLVED
    work = image * images * (SERIAL + (1 - SERIAL) / threads)
    epoch = work * (1 + TESTING) + steps * (STEP + weights * WEIGHT)
    total = START + (1 - done) * (work * SNAPSHOTS + config.epochs * epoch)
    return total * REFERENCE_SPEED / (speed or core_speed())


def _products(layer: Weighted) -> int:
    """Products of a weight and a number of one image, forward."""
    if layer["kind"] == "dense":
        return layer["inputs"] * layer["outputs"]
    window = 2**2 if layer["kind"] == "upsample" else KERNEL**2
    return layer["outputs"] * layer["channels"][0] * window


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
