"""The state of a training, on which the next step depends; restoring and saving it.

Shapes: N images.
"""

import math
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from vae import VaeError
from vae.config import TrainConfig
from vae.inference.forward import Model
from vae.inference.scoring import Scores
from vae.models.network import VAE
from vae.runs import checkpoints
from vae.runs.run import Run
from vae.storage.systems import retry_in_use
from vae.training.distributed import StepPlan, WorkerGroup
from vae.training.schedule import kl_weight, learning_rate
from vae.training.step import Stepper
from vae.training.threads import initial_threads


class Timer:
    """Seconds of training, without pauses."""

    def __init__(self, seconds: float = 0) -> None:
        self._started = time.monotonic() - seconds

    def __call__(self) -> float:
        return time.monotonic() - self._started

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves out the time that the block takes."""
        began = time.monotonic()
        yield
        self._started += time.monotonic() - began


@dataclass
class TrainingState:
    """Model, optimizer and position of a run's training.

    Attributes:
        config: the run's, with the learning rate and beta now in force.
        epoch_steps: steps of an epoch.
        step: steps taken so far.
        needs_evaluation: whether the metrics lack the test line of this step, at the end of an epoch.
        batches: reconstruction and KL of each batch since the last train line of the metrics: (2,).
        steered: whether learning rate or beta ever were others than those of the run's config.
    """

    run: Run
    config: TrainConfig
    model: VAE
    stepper: Stepper
    epoch_steps: int
    step: int = 0
    timer: Timer = field(default_factory=Timer)
    needs_evaluation: bool = False
    batches: list[Tensor] = field(default_factory=list)
    steered: bool = False

    def __post_init__(self) -> None:
        self._saved: object = None

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.epoch_steps * self.config.epochs

    @property
    def epoch(self) -> float:
        """Epochs so far."""
        return self.step / self.epoch_steps

    @property
    def next_plan(self) -> StepPlan:
        """The plan of the next step; at the end that of the last one."""
        step = min(self.step, self.total_steps - 1)
        epoch, batch = divmod(step, self.epoch_steps)
        rate = learning_rate(self.config, step, self.total_steps)
        return StepPlan(epoch, batch, rate, kl_weight(self.config, step, self.epoch_steps))

    @property
    def kl_weight(self) -> float:
        """The weight of the KL term at the last step."""
        return kl_weight(self.config, max(self.step - 1, 0), self.epoch_steps)

    def set_rates(self, config: TrainConfig) -> None:
        """Puts the learning rate and beta of `config` in force."""
        self.config = config
        self.steered |= config.rates != self.run.config.rates

    @property
    def needs_save(self) -> bool:
        """Whether step or rates changed since the last save, and there is an optimizer state to save."""
        return (self.step, self.config.rates) != self._saved and bool(self.stepper.optimizer.state)

    def save(self) -> None:
        """Writes what resumption needs. Raises OSError."""
        optimizer = self.stepper.optimizer
        updates = int(next(iter(optimizer.state.values()))["step"])
        position = checkpoints.TrainingPosition(
            self.step,
            updates,
            self.timer(),
            torch.get_num_threads(),
            **self.config.rates,
            pending=tuple((losses[0].item(), losses[1].item()) for losses in self.batches),
        )
        (state,) = optimizer.state.values()
        weights = self.model.state_dict()
        sizes = [tensor.numel() for tensor in weights.values()]
        training = {"model": arrays(weights)}
        for moment in checkpoints.ADAM_MOMENTS:
            parts = zip(weights.items(), state[moment].split(sizes), strict=True)
            training[moment] = arrays({name: part.view_as(tensor) for (name, tensor), part in parts})
        checkpoints.save_training(self.run.resume_path, training, position)
        self._saved = (self.step, self.config.rates)

    def save_model(self, scores: Scores | None) -> None:
        """Writes the weights, with their scores of the test set if there are any. Raises OSError."""
        model = Model(self.config, arrays(self.model.state_dict()))
        checkpoints.save_model(
            self.run.model_path, checkpoints.SavedModel(model, scores, self.step, self.epoch)
        )


def arrays(tensors: Mapping[str, Tensor]) -> checkpoints.Arrays:
    """Tensors of any device as NumPy arrays."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def restore_state(run: Run, images: Tensor, group: WorkerGroup) -> TrainingState:
    """The state of `run` as it was saved last, or the initial one; sets the thread count.

    Args:
        images: the training set, (N, P) uint8, on the device of the training

    Raises VaeError if the run has weights, but no training state.
    """
    config = run.config
    model = _initial_model(config).to(images.device)
    epoch_steps = math.ceil(len(images) / config.batch_size)
    state = TrainingState(run, config, model, Stepper(config, model, images, group), epoch_steps)
    state.steered = run.status().steered  # the log would tell, too, unless it was deleted
    if run.resume_path.exists():
        training, position = checkpoints.load_training(run.resume_path, config)
        _restore(state, training, position)
        state.step, state.timer = position.step, Timer(position.seconds)
        state.batches = [torch.tensor(losses, device=images.device) for losses in position.pending]
        update = {"learning_rate": position.learning_rate, "beta": position.beta}
        state.set_rates(config.model_copy(update=update))
        torch.set_num_threads(initial_threads(config, images.device, position.threads))
    else:
        if run.model_path.exists():
            state.step = _load_for_restart(run, model, epoch_steps)
        torch.set_num_threads(initial_threads(config, images.device))
    kept = run.truncate_metrics(state.step or -1)  # -1: at step 0 the first evaluation is logged anew
    if kept and not run.resume_path.exists():
        state.timer = Timer(kept[-1].seconds)
    tested = {line.step for line in kept if line.split == "test"}
    state.needs_evaluation = state.step % epoch_steps == 0 and state.step not in tested
    # That of the last step, which a test line of this step is to say.
    state.stepper.learning_rate = learning_rate(state.config, max(state.step - 1, 0), state.total_steps)
    rates = (config.learning_rate, config.beta)
    state.steered |= any((line.peak_learning_rate or rates[0], line.beta) != rates for line in kept)
    return state


def _restore(
    state: TrainingState, training: checkpoints.TrainingArrays, position: checkpoints.TrainingPosition
) -> None:
    """Puts weights and Adam's moments in place."""
    state.model.load_state_dict(_tensors(training["model"]))
    moments = {
        moment: torch.cat([part.flatten() for part in _tensors(training[moment]).values()])
        for moment in checkpoints.ADAM_MOMENTS
    }
    step = torch.tensor(float(position.updates), dtype=torch.float32, device="cpu")
    optimizer = state.stepper.optimizer
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: {"step": step, **moments}}})


def _tensors(arrays: checkpoints.Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def prune_snapshots(run: Run, planned: Collection[int], step: int) -> None:
    """Deletes all snapshots but those up to `step` that are nearest to the `planned` steps.

    Those after `step` would not match the resumed training. A run that is trained longer starts with the
    snapshots of the shorter one, which are more than it may keep.
    """
    past = [snapshot for path in run.snapshots() if (snapshot := int(path.stem)) <= step]
    kept = {min(past, key=lambda snapshot: abs(snapshot - plan)) for plan in planned if plan <= step and past}
    for path in run.snapshots():
        if int(path.stem) not in kept:
            retry_in_use(partial(path.unlink, missing_ok=True))


def _initial_model(config: TrainConfig) -> VAE:
    """A model with PyTorch's initial weights; leaves the caller's random state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)  # `torch.manual_seed` would seed other devices, too
        with torch.device("cpu"):
            return VAE(config)


def _load_for_restart(run: Run, model: VAE, epoch_steps: int) -> int:
    """Loads weights alone, which is enough where schedule and optimizer restart; returns their step."""
    saved = run.saved_model()
    if saved.step not in {epoch * epoch_steps for epoch in run.config.restarts}:
        raise VaeError(
            f"{run.name} has weights, but no resume.safetensors to go on from. It can be explored; "
            "`train --again` trains another."
        )
    model.load_state_dict(_tensors(dict(saved.model.weights)))
    return saved.step
