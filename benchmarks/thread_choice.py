"""What `threads: auto` costs and chooses, over a grid of batch sizes and networks.

Each size is trained by steps alone, for SECONDS seconds. A comparison's cost is by how much the medians of
its counts exceed that of the usual steps before, as a share of the time since the comparison before. The
speed is that of the second half of the time, beside steps with each fixed count in between.
"""

import statistics
import time

import torch

from benchmarks.targets import Measurement, machine_load, show
from tests.support.tensors import load
from vae.config import TrainConfig
from vae.models.network import VAE
from vae.training.distributed import StepPlan, WorkerGroup
from vae.training.forecast import cores
from vae.training.step import Stepper
from vae.training.threads import ThreadTuner

LIMIT = 2  # per cent of the time since the comparison before
BATCHES, NETWORKS = (128, 2048, 8192), ((256, 256, 256), (1024, 1024))
SECONDS = 60
EVERY = 3  # steps with the chosen count, one with each fixed count


class Steps:
    """The steps of a training on full batches, timed.

    Attributes:
        computing: the share of the last step in which its threads had a core.
    """

    computing = 1.0

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
        """Takes a step with so many threads; returns its duration, and sets `computing`."""
        plan = self.plan()
        torch.set_num_threads(threads)
        started, used = time.perf_counter(), time.process_time()
        self._stepper.step(plan)
        seconds = time.perf_counter() - started
        self.computing = (time.process_time() - used) / (seconds * threads)
        return seconds


def measure(batch: int, network: tuple[int, ...], images: torch.Tensor) -> list[Measurement]:
    """Trains one size; returns the largest share of a comparison, that of all, and the relative speed."""
    config = TrainConfig(batch_size=batch, hidden_dims=network)
    steps, tuner = Steps(config, images), ThreadTuner(cores(), cores())
    for _ in range(2):  # the first allocates the buffers
        steps.seconds(cores())
    began = time.perf_counter()
    usual: list[float] = []  # steps since the last comparison
    compared: dict[int, list[float]] = {}
    shares, cost = [0.0], 0.0
    chosen: list[float] = []  # in the second half of the time
    fixed: dict[int, list[float]] = {count: [] for count in {1, max(1, cores() // 2), cores()}}
    # On a busy machine a step may take seconds: the time is then exceeded.
    while (now := time.perf_counter() - began) < SECONDS or not fixed[1]:
        before, count = tuner.compared_steps, tuner.next_count()
        taken = steps.seconds(count)
        tuner.record(taken, steps.computing)
        if tuner.compared_steps > before:
            compared.setdefault(count, []).append(taken)
            continue
        if compared:  # it has ended
            excess = sum(
                len(times) * max(0.0, statistics.median(times) - statistics.median(usual[-9:]))
                for times in compared.values()
            )
            shares.append(excess / sum(usual))
            cost += excess
            usual, compared = [], {}
        usual.append(taken)
        if now > SECONDS / 2:
            chosen.append(taken)
            if len(chosen) % EVERY == 0:  # beside the chosen count, because the machine's load changes
                for other, times in fixed.items():
                    times.append(steps.seconds(other))
    best = min(statistics.median(times) for times in fixed.values())
    what = f"batch {batch}, {' x '.join(map(str, network))}"
    print(f"  {what}: {tuner.count} of {cores()} threads, {len(shares) - 1} comparisons", flush=True)
    return [
        Measurement(f"{what}: largest share of a comparison", 100 * max(shares), "%", LIMIT),
        Measurement(f"{what}: share of all comparisons", 100 * cost / SECONDS, "%", LIMIT),
        Measurement(f"{what}: speed over the best fixed", best / statistics.median(chosen), "", 0.95, True),
    ]


def main() -> None:
    images = load("mnist", train=True)[0]
    print(f"threads auto, {SECONDS} s of each size, {machine_load()}")
    show([each for network in NETWORKS for batch in BATCHES for each in measure(batch, network, images)])


if __name__ == "__main__":
    main()
