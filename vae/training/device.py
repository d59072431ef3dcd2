"""The device that a training uses, and its measured speed."""

import os

import torch

from vae import VaeError
from vae.config import TrainConfig
from vae.training.distributed import WorkerGroup
from vae.training.forecast import cores

SPEED_SECONDS = 1  # of one measurement of the speed


def choose_device(config: TrainConfig, *, fall_back: bool = False) -> torch.device:
    """The device that `config` names, or the best of this machine.

    Args:
        fall_back: takes the best device if the named one is missing, as for a run from another machine.

    Raises VaeError if the named device is missing.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name: str = config.device
    if name == "auto" or (fall_back and not present[name]):
        name = next(device for device, is_present in present.items() if is_present)
    if not present[name]:
        raise VaeError(
            f"This machine has no device {name}. Take device auto or cpu, for a run that has begun with "
            "`python -m vae resume RUN --device cpu`."
        )
    if name == "cuda" and WorkerGroup().count > 1:  # each worker of a machine takes its own GPU
        index = int(os.environ["LOCAL_RANK"])
        if index >= torch.cuda.device_count():
            raise VaeError(
                f"This machine has {torch.cuda.device_count()} GPUs for more workers. Start as many, or take "
                "device cpu."
            )
        torch.cuda.set_device(index)
    return torch.device(name)


def machine_notice(config: TrainConfig, device: torch.device) -> str | None:
    """What of `config` this machine does not have, and what is used instead, as text; None if nothing."""
    sentences = []
    if config.device not in ("auto", device.type):
        sentences.append(f"This machine has no device {config.device}: the run is trained on {device.type}.")
    if config.threads != "auto" and config.threads > cores():
        usable = "1 core" if cores() == 1 else f"{cores()} cores"
        sentences.append(
            f"{config.threads:,} threads are set; {usable} can be used here, with a thread each."
        )
    return " ".join(sentences) or None


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
        self._started_at = self._measured_at = now

    @property
    def is_known(self) -> bool:
        """Whether the speed is reliable: the first second warms up."""
        return self.speed > 0 and self._measured_at > self._started_at + SPEED_SECONDS

    def measure(self, images: int, now: float) -> None:
        """Updates the speeds after `images` images, if the last measurement is old enough."""
        if (self.speed and now - self._measured_at <= SPEED_SECONDS) or now <= self._measured_at:
            return
        self.speed = (images - self._images) / (now - self._measured_at)
        self.steady_speed = (self.steady_speed + self.speed) / 2 if self.is_known else self.speed
        self._measured_at, self._images = now, images
