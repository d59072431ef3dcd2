"""Where a training stands: everything that the next batch follows from, begun, resumed and saved.

Shapes: N images.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from vae import VaeError
from vae.config import TrainConfig
from vae.inference.scoring import score_set
from vae.models.network import VAE
from vae.runs import checkpoints
from vae.runs.records import Metrics
from vae.runs.run import Run
from vae.storage.atomic import sync
from vae.training.device import choose_threads
from vae.training.distributed import Plan, Workers
from vae.training.schedule import learning_rate
from vae.training.step import Learner

VOUCHING = 1000  # test images that must have a finite loss before weights are saved


class Stopwatch:
    """Seconds of training, pauses left out."""

    def __init__(self, seconds: float = 0) -> None:
        self._started = time.monotonic() - seconds

    def __call__(self) -> float:
        return time.monotonic() - self._started

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Time that does not count."""
        began = time.monotonic()
        yield
        self._started += time.monotonic() - began


@dataclass
class Training:
    """A run's training at one moment; `config` is what it was steered to, not what it was made of."""

    run: Run
    config: TrainConfig
    model: VAE
    learner: Learner
    epoch_steps: int
    step: int = 0
    clock: Stopwatch = field(default_factory=Stopwatch)
    steered: bool = False  # whether the rates ever were others than the run's
    sound: int | None = None  # the last step whose weights had a finite loss on the test set
    newest: Metrics | None = None  # the line that was logged last

    def __post_init__(self) -> None:
        self._saved: object = None

    @property
    def total(self) -> int:
        """Steps of the whole training."""
        return self.epoch_steps * self.config.epochs

    @property
    def epoch(self) -> float:
        """Epochs so far."""
        return self.step / self.epoch_steps

    @property
    def rates(self) -> dict[str, float]:
        """What can be steered, as it is in force."""
        return _rates(self.config)

    @property
    def plan(self) -> Plan:
        """The next step."""
        step = min(self.step, self.total - 1)  # at the end there is none
        epoch, batch = divmod(step, self.epoch_steps)
        return Plan(epoch, batch, learning_rate(self.config, step, self.total), self.config.beta)

    def steer(self, config: TrainConfig) -> None:
        """Goes on as `config` says."""
        self.config = config
        self.steered |= _rates(config) != _rates(self.run.config)

    def log(self, split: Literal["train", "test"], terms: Tensor, batches: Tensor) -> None:
        """Appends a line: the mean of `terms`, (., 2), and the deviation over the means of `batches`, (., 2).

        The columns are reconstruction and KL, in nats per image. Raises VaeError if their sum is no finite
        number, OSError.
        """
        # On the CPU: Apple's devices have no float64.
        reconstruction, kl = terms.cpu().double().mean(dim=0).tolist()
        columns = batches.cpu().double()
        deviations = torch.column_stack((columns, columns.sum(dim=1))).std(dim=0, correction=0).tolist()
        self.vouch(reconstruction + kl)
        self.newest = Metrics(
            split=split,
            step=self.step,
            epoch=self.epoch,
            seconds=self.clock(),
            reconstruction=reconstruction,
            reconstruction_std=deviations[0],
            kl=kl,
            kl_std=deviations[1],
            elbo=-(reconstruction + kl),
            elbo_std=deviations[2],
            learning_rate=self.learner.rate,
            peak_learning_rate=self.config.learning_rate,
            beta=self.config.beta,
        )
        self.run.append_metrics(self.newest)

    def vouch(self, loss: float) -> None:
        """Raises VaeError if a loss is no finite number."""
        if not math.isfinite(loss):
            raise VaeError(
                f"The loss was no longer a number by step {self.step}, at learning rate "
                f"{self.learner.rate:g}. What was saved before, if anything, is kept: lower the learning "
                "rate to a third and resume, or train again with it."
            )

    def save(self, images: Tensor) -> None:
        """Saves, once the loss of these very weights on some of `images` (N, 28, 28) is finite.

        Does nothing where nothing changed. Raises VaeError, OSError.
        """
        now = (self.step, self.rates)
        if now == self._saved or not self.learner.optimizer.state:
            return
        if self.sound != self.step:
            scores = score_set(self.model, images[:VOUCHING])
            self.vouch((scores.reconstruction + scores.kl).sum().item())
        # Before the weights: after a power cut the metrics may reach further than they, never less far.
        sync(self.run.metrics_path)
        updates = int(next(iter(self.learner.optimizer.state.values()))["step"])
        position = checkpoints.TrainingPosition(
            self.step, updates, self.clock(), torch.get_num_threads(), **self.rates
        )
        checkpoints.save_training(self.run.resume_path, self.model, self.learner.optimizer, position)
        self._save_model()
        self._saved = now

    def _save_model(self) -> None:
        checkpoints.save_model(self.run.model_path, self.model, self.config, self.step, self.epoch)


def training_of(run: Run, images: Tensor, workers: Workers) -> Training:
    """The training of `run` from wherever it stands, on `images` (N, 28, 28), where they are.

    Sets the thread count. Raises VaeError.
    """
    config = run.config
    model = _initial_model(config).to(images.device)
    epoch_steps = math.ceil(len(images) / config.batch_size)
    training = Training(run, config, model, Learner(config, model, images, workers), epoch_steps)
    if run.resume_path.exists():
        position = checkpoints.load_training(run.resume_path, training.model, training.learner.optimizer)
        training.step, training.clock = position.step, Stopwatch(position.seconds)
        rates = {"learning_rate": position.learning_rate, "beta": position.beta}
        training.steer(config.model_copy(update=rates))
        torch.set_num_threads(position.threads if config.threads == "auto" else config.threads)
        training._save_model()  # the trainer may have died between the two files
    else:
        if run.model_path.exists():
            training.step = _load_for_restart(run, training.model, epoch_steps)
        torch.set_num_threads(choose_threads(config, training.model))
    kept = run.truncate_metrics(training.step or -1)
    if kept and not run.resume_path.exists():
        training.clock = Stopwatch(kept[-1].seconds)
    training.learner.rate = training.plan.learning_rate
    own = tuple(_rates(config).values())
    training.steered |= any((line.peak_learning_rate, line.beta) != own for line in kept)
    return training


def _rates(config: TrainConfig) -> dict[str, float]:
    return {"learning_rate": config.learning_rate, "beta": config.beta}


def _initial_model(config: TrainConfig) -> VAE:
    """A model with PyTorch's initial weights; the caller's random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)  # `torch.manual_seed` would seed other devices, too
        return VAE(config)


def _load_for_restart(run: Run, model: VAE, epoch_steps: int) -> int:
    """Loads weights alone, which is enough where schedule and optimiser start anew; returns their step."""
    step, _ = checkpoints.read_position(run.model_path)
    if step not in {epoch * epoch_steps for epoch in run.config.restarts}:
        raise VaeError(
            f"{run.name} has weights, but no resume.safetensors to go on from. It can be explored; "
            "`train --again` trains another."
        )
    model.load_state_dict(run.load_model().state_dict())
    return step
