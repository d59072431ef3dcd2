"""What this machine computes with: its device, and how many of its cores.

Shapes: B batch, P pixels.
"""

import copy
import os
import statistics
import time

import torch

from vae import VaeError
from vae.config import PIXELS, TrainConfig
from vae.models.gradients import Gradients
from vae.models.network import VAE
from vae.training.distributed import Workers
from vae.training.forecast import cores

CALIBRATION_STEPS = 7
# Between two choices of the thread count, unless the speed halves: soon after the start, where a machine that
# was busy then would keep a training slow that never was fast, and later seldom.
FIRST_CALIBRATION_SECONDS, CALIBRATION_SECONDS = 2, 20
SPEED_SECONDS = 1  # over which the speed is measured


def choose_device(config: TrainConfig) -> torch.device:
    """The device asked for, or the best there is. Raises VaeError if the one asked for is not here."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    name: str = config.device
    if name == "auto":
        name = next(each for each, there in present.items() if there)
    if not present[name]:
        raise VaeError(f"This machine has no device {name}. Take device auto or cpu.")
    if name == "cuda" and Workers().count > 1:  # each worker of a machine has a GPU of its own
        own = int(os.environ["LOCAL_RANK"])
        if own >= torch.cuda.device_count():
            raise VaeError(
                f"This machine has {torch.cuda.device_count()} GPUs for more workers. Start as many, or take "
                "device cpu."
            )
        torch.cuda.set_device(own)
    return torch.device(name)


def choose_threads(config: TrainConfig, model: VAE) -> int:
    """The threads asked for, or as many as take a batch forward and back fastest just now."""
    if config.threads != "auto":
        return config.threads
    if next(model.parameters()).device.type != "cpu":
        return 1
    if Workers().count > 1:  # they wait for each other: what one measures, the others disturb
        return max(1, cores() // int(os.environ["LOCAL_WORLD_SIZE"]))
    trial = Gradients(copy.deepcopy(model), config.precision)
    x, noise = torch.zeros(config.batch_size, PIXELS), torch.zeros(config.batch_size, config.latent_dim)

    def seconds(threads: int) -> float:
        torch.set_num_threads(threads)
        times = []
        for _ in range(CALIBRATION_STEPS):
            started = time.perf_counter()
            trial(x, x, noise, config.beta)
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    return min(sorted({1, max(1, cores() // 2), cores()}), key=seconds)


class Pace:
    """How fast a training goes; times in seconds of its own clock."""

    def __init__(self, images: int, now: float) -> None:
        self.speed = 0.0  # images per second, over the last second or so
        self.steady = 0.0  # the same without its jumps, to tell how long it will take
        self._began = self._at = self._calibrated_at = now
        self._images, self._fastest = images, 0.0
        self._patience = FIRST_CALIBRATION_SECONDS

    @property
    def is_known(self) -> bool:
        """Whether the speed tells something: the first second warms up."""
        return self.speed > 0 and self._at > self._began + SPEED_SECONDS

    def measure(self, images: int, now: float) -> bool:
        """Takes note that `images` were learned by now; True if it is time to choose the threads anew."""
        if (self.speed and now - self._at <= SPEED_SECONDS) or now <= self._at:
            return False
        self.speed = (images - self._images) / (now - self._at)
        self.steady = (self.steady + self.speed) / 2 if self.is_known else self.speed
        self._at, self._images, self._fastest = now, images, max(self.speed, self._fastest)
        # Threads that wait for a core which another program took are slower than none.
        due = self._patience if self.speed > self._fastest / 2 else SPEED_SECONDS
        if now - self._calibrated_at <= due:
            return False
        self._calibrated_at, self._fastest = now, 0.0
        self._patience = min(2 * self._patience, CALIBRATION_SECONDS)
        return True
