"""What `threads: auto` costs and chooses, over a grid of batch sizes and networks.

Each size is trained by steps alone, for SECONDS seconds. A comparison's cost is what its steps take longer
than as many usual ones, as a share of the time since the comparison before. The speed is that of the last
half of the time, beside turns with each fixed count right after it: ratios within one run.
"""

import statistics
import time

import torch

from benchmarks.targets import Measurement, machine_load, show
from vae.config import TrainConfig
from vae.datasets.registry import load
from vae.models.network import VAE
from vae.training.distributed import StepPlan, WorkerGroup
from vae.training.forecast import cores
from vae.training.step import Stepper
from vae.training.threads import SHARE, ThreadTuner

BATCHES, NETWORKS = (128, 2048, 8192), ((256, 256, 256), (1024, 1024))
SECONDS, FIXED_STEPS = 60, 5
TURNS = 3  # of all fixed counts


class Steps:
    """The steps of a training on full batches, timed."""

    def __init__(self, config: TrainConfig, images: torch.Tensor) -> None:
        self._stepper = Stepper(config, VAE(config), images, WorkerGroup())
        self._batches = len(images) // config.batch_size
        self._done = 0

    def plan(self) -> StepPlan:
        """The next step; its random numbers are drawn."""
        epoch, batch = divmod(self._done, self._batches)
        self._done += 1
        self._stepper.begin_epoch(epoch)
        return StepPlan(epoch, batch, learning_rate=1e-4, beta=1.0)

    def seconds(self, threads: int) -> float:
        """Takes a step with so many threads; returns its duration."""
        plan = self.plan()
        torch.set_num_threads(threads)
        started = time.perf_counter()
        self._stepper.step(plan)
        return time.perf_counter() - started


def measure(batch: int, network: tuple[int, ...], images: torch.Tensor) -> list[Measurement]:
    """Trains one size; returns the largest share of a comparison, that of all, and the relative speed."""
    config = TrainConfig(batch_size=batch, hidden_dims=network)
    steps, tuner = Steps(config, images), ThreadTuner(cores(), cores())
    for _ in range(2):  # the first allocates the buffers
        steps.seconds(cores())
    began = time.perf_counter()
    usual: list[float] = []
    compared: list[float] = []
    shares, cost, late = [0.0], 0.0, []
    while (now := time.perf_counter() - began) < SECONDS:
        before = tuner.compared_steps
        taken = steps.seconds(tuner.next_count())
        tuner.record(taken)
        if now > SECONDS / 2:
            late.append(taken)
        if tuner.compared_steps > before:
            compared.append(taken)
            continue
        if compared:  # it has ended
            excess = max(0.0, sum(compared) - len(compared) * statistics.median(usual[-9:]))
            shares.append(excess / sum(usual))
            cost += excess
            usual, compared = [], []
        usual.append(taken)
    fixed: dict[int, list[float]] = {count: [] for count in {1, max(1, cores() // 2), cores()}}
    for _ in range(TURNS):
        for count, times in fixed.items():
            times += [steps.seconds(count) for _ in range(FIXED_STEPS)]
    best = min(map(statistics.median, fixed.values()))
    what = f"batch {batch}, {' x '.join(map(str, network))}"
    print(f"  {what}: {tuner.count} of {cores()} threads, {len(shares) - 1} comparisons", flush=True)
    return [
        Measurement(f"{what}: largest share of a comparison", 100 * max(shares), "%", 100 * SHARE),
        Measurement(f"{what}: share of all comparisons", 100 * cost / SECONDS, "%", 100 * SHARE),
        Measurement(f"{what}: speed over the best fixed count", best / statistics.mean(late), "", 0.95, True),
    ]


def main() -> None:
    images = load("mnist", train=True).images
    print(f"threads auto, {SECONDS} s of each size, {machine_load()}")
    show([each for network in NETWORKS for batch in BATCHES for each in measure(batch, network, images)])


if __name__ == "__main__":
    main()
