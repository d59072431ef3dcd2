"""One step of a training, which every worker takes alike.

Shapes: N images, B batch, Z latent size.
"""

import torch
from torch import Tensor

from vae.config import TrainConfig
from vae.inference.latent_space import pixels
from vae.models.gradients import Gradients
from vae.models.network import VAE
from vae.runs.checkpoints import ADAM_MOMENTS
from vae.training.distributed import Plan, Workers
from vae.training.schedule import masks, randomness


class Learner:
    """A model, what it learns from, and its optimiser.

    Args:
        images: (N, 28, 28) uint8, all of the training set
    """

    def __init__(self, config: TrainConfig, model: VAE, images: Tensor, workers: Workers) -> None:
        self._config, self._images, self._workers = config, images, workers
        self._epoch = -1
        self.gradients = Gradients(model, config.precision)
        self.restart()

    def restart(self) -> None:
        """Goes on with an optimiser that remembers nothing."""
        self.optimizer = torch.optim.Adam(
            [self.gradients.weights], betas=(0.9, self._config.adam_beta2), fused=True
        )

    def align(self) -> None:
        """Takes over the weights and the optimiser of worker 0."""
        weights, workers = self.gradients.weights, self._workers
        if workers.count == 1:
            return
        before = self.optimizer.state[weights]["step"] if self.optimizer.state else 0
        updates = torch.tensor([float(before)])
        workers.share(updates)
        workers.share(weights.detach())
        if updates > 0:
            state = self.optimizer.state[weights]
            state.setdefault("step", updates[0].to(weights.device))  # where fused Adam wants it
            for moment in ADAM_MOMENTS:
                workers.share(state.setdefault(moment, torch.zeros_like(weights.detach())))

    @property
    def rate(self) -> float:
        """The learning rate of the newest step."""
        return float(self.optimizer.param_groups[0]["lr"])

    @rate.setter
    def rate(self, rate: float) -> None:
        self.optimizer.param_groups[0]["lr"] = rate

    def take(self, plan: Plan) -> Tensor:
        """Takes a step; returns reconstruction and KL, (2,), means over the whole batch, in nats."""
        if plan.epoch != self._epoch:
            self._draw(plan.epoch)
        if plan.batch == 0 and plan.epoch in self._config.restarts:
            self.restart()
        start = plan.batch * self._config.batch_size
        batch = slice(start, min(start + self._config.batch_size, len(self._images)))
        own = self._workers.part(batch)

        # index_select copies rows; indexing looks up every byte, seven times as slowly.
        x = pixels(self._images.index_select(0, self._order[own]))
        seen = x
        if self._config.pixel_dropout:
            seen = x * self._masks.index_select(0, self._mask_of[own])
        self.gradients(x, seen, self._noise[own], plan.beta)
        self._workers.add_up(self.gradients.sums)
        self.rate = plan.learning_rate
        self.optimizer.step()
        return self.gradients.terms / (batch.stop - batch.start)

    def _draw(self, epoch: int) -> None:
        """All that chance decides in an epoch."""
        count, device = len(self._images), self._images.device
        self._order, self._noise = (part.to(device) for part in randomness(self._config, epoch, count))
        if self._config.pixel_dropout:
            self._masks = masks(self._config, epoch).to(device)
            self._mask_of = torch.arange(count, device=device) % len(self._masks)
        self._epoch = epoch
