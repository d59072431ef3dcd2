"""The training step, which every worker computes.

Shapes: N images, B batch, Z latent size.
"""

import torch
from torch import Tensor

from vae.config import TrainConfig
from vae.models.gradients import gradients_for
from vae.models.network import VAE
from vae.runs.checkpoints import ADAM_MOMENTS
from vae.training.distributed import StepPlan, WorkerGroup
from vae.training.schedule import masks, randomness
from vae.training.scoring import pixels


class Stepper:
    """Takes single training steps of a model; holds its training images and optimizer.

    Args:
        images: the whole training set, (N, P) uint8
    """

    def __init__(self, config: TrainConfig, model: VAE, images: Tensor, group: WorkerGroup) -> None:
        self._config, self._model, self._images, self._group = config, model, images, group
        self._epoch = -1
        self.gradients = gradients_for(model, config)
        self.reset_optimizer()

    def reset_optimizer(self) -> None:
        """Replaces the optimizer by a new one, with empty moments."""
        self.optimizer = torch.optim.Adam(
            [self.gradients.weights], betas=(0.9, self._config.adam_beta2), fused=True
        )

    def synchronize(self) -> None:
        """Copies weights and optimizer state from worker 0 to all others."""
        weights, group = self.gradients.weights, self._group
        if group.count == 1:
            return
        before = self.optimizer.state[weights]["step"] if self.optimizer.state else 0
        updates = torch.tensor([float(before)], dtype=torch.float32, device="cpu")
        group.broadcast(updates)
        group.broadcast(weights.detach())
        if updates > 0:
            state = self.optimizer.state[weights]
            state.setdefault("step", updates[0].to(weights.device))  # fused Adam needs it on that device
            for moment in ADAM_MOMENTS:
                group.broadcast(state.setdefault(moment, torch.zeros_like(weights.detach())))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self.optimizer.param_groups[0]["lr"] = rate

    def step(self, plan: StepPlan) -> Tensor:
        """Takes a step; returns reconstruction and KL, (2,), means over the whole batch, in nats."""
        self.begin_epoch(plan.epoch)
        if plan.batch == 0 and plan.epoch in self._config.restarts:
            self.reset_optimizer()
        start = plan.batch * self._config.batch_size
        batch = slice(start, min(start + self._config.batch_size, len(self._images)))
        own = self._group.shard(batch)

        # index_select copies rows; indexing looks up every byte, seven times as slowly.
        x = pixels(self._images.index_select(0, self._order[own]))
        seen = x
        if self._config.pixel_dropout:
            seen = x * self._masks.index_select(0, self._mask_of[own])
        self.gradients(x, seen, self._noise[own], plan.beta, self._config.free_bits)
        self._group.all_reduce(self.gradients.sums)
        self.learning_rate = plan.learning_rate
        self.optimizer.step()
        terms = self.gradients.terms / (batch.stop - batch.start)
        self._model.fit_deviation(terms[0])
        return terms

    def is_full(self, plan: StepPlan) -> bool:
        """Whether a step's batch is as large as most; an epoch's last one may be smaller."""
        images, size = len(self._images), self._config.batch_size
        return (plan.batch + 1) * size <= images or images <= size

    def begin_epoch(self, epoch: int) -> None:
        """Draws all random numbers of an epoch, unless that is done: order, noise of z, pixel masks."""
        if epoch == self._epoch:
            return
        count, device = len(self._images), self._images.device
        self._order, self._noise = (part.to(device) for part in randomness(self._config, epoch, count))
        if self._config.pixel_dropout:
            self._masks = masks(self._config, epoch).to(device)
            self._mask_of = torch.arange(count, device=device) % len(self._masks)
        self._epoch = epoch
