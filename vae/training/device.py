"""The device and the number of threads that a training uses, and its measured speed."""

import copy
import os
import statistics
import time

import torch

from vae import VaeError
from vae.config import PIXELS, TrainConfig
from vae.models.gradients import Gradients
from vae.models.network import VAE
from vae.training.distributed import WorkerGroup
from vae.training.forecast import cores

CALIBRATION_STEPS = 7
# Between two choices of the thread count, unless the speed halves. The first interval is short: after a start
# on a busy machine no later speed is half of the fastest.
FIRST_CALIBRATION_SECONDS, CALIBRATION_SECONDS = 2, 20
SPEED_SECONDS = 1  # of one measurement of the speed


def choose_device(config: TrainConfig) -> torch.device:
    """The device that `config` names, or the best of this machine. Raises VaeError if it is missing."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name: str = config.device
    if name == "auto":
        name = next(device for device, is_present in present.items() if is_present)
    if not present[name]:
        raise VaeError(f"This machine has no device {name}. Take device auto or cpu.")
    if name == "cuda" and WorkerGroup().count > 1:  # each worker of a machine takes its own GPU
        index = int(os.environ["LOCAL_RANK"])
        if index >= torch.cuda.device_count():
            raise VaeError(
                f"This machine has {torch.cuda.device_count()} GPUs for more workers. Start as many, or take "
                "device cpu."
            )
        torch.cuda.set_device(index)
    return torch.device(name)


def choose_threads(config: TrainConfig, model: VAE) -> int:
    """The thread count that `config` sets, or the one whose forward and backward pass is now the fastest."""
    if config.threads != "auto":
        return config.threads
    if next(model.parameters()).device.type != "cpu":
        return 1
    if WorkerGroup().count > 1:  # measurements of several workers would disturb each other
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
    """The speed of a training, in images per second; times are seconds of its timer.

    Attributes:
        speed: over the last second or so.
        steady_speed: the same smoothed, for estimates of the time left.
    """

    def __init__(self) -> None:
        self.speed = self.steady_speed = 0.0
        self.start(0, 0.0)

    def start(self, images: int, now: float) -> None:
        """Begins to measure, after `images` images, at time `now`."""
        self._images = images
        self._started_at = self._measured_at = self._calibrated_at = now
        self._fastest = 0.0  # since the last calibration
        self._calibration_interval = float(FIRST_CALIBRATION_SECONDS)

    @property
    def is_known(self) -> bool:
        """Whether the speed is reliable: the first second warms up."""
        return self.speed > 0 and self._measured_at > self._started_at + SPEED_SECONDS

    def measure(self, images: int, now: float) -> bool:
        """Updates the speeds after `images` images; returns whether to choose the thread count anew."""
        if (self.speed and now - self._measured_at <= SPEED_SECONDS) or now <= self._measured_at:
            return False
        self.speed = (images - self._images) / (now - self._measured_at)
        self.steady_speed = (self.steady_speed + self.speed) / 2 if self.is_known else self.speed
        self._measured_at, self._images, self._fastest = now, images, max(self.speed, self._fastest)
        # Another program has probably taken a core; threads that wait for it make the training slower.
        halved = self.speed <= self._fastest / 2
        if now - self._calibrated_at <= (SPEED_SECONDS if halved else self._calibration_interval):
            return False
        self._calibrated_at, self._fastest = now, 0.0
        self._calibration_interval = min(2 * self._calibration_interval, CALIBRATION_SECONDS)
        return True
