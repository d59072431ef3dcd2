"""The number of threads of a training: the one that is set, or the fastest one tried on its own steps."""

import os
import statistics
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

from vae.config import TrainConfig
from vae.training.distributed import WorkerGroup
from vae.training.forecast import cores

# Of the time since the last comparison, what the next one may cost: 2 %, less a margin for steps that take
# longer than expected.
SHARE = 0.0125
MOST_ROUNDS = 7  # steps with each count in a comparison; fewer where steps are long
# Between two comparisons, in seconds of steps. Short at first and after a change; then it doubles each time.
FIRST_INTERVAL, LONGEST_INTERVAL = 0.5, 20.0
SLOW_INTERVAL = 1.0  # the shortest if the steps take twice as long as before
LEAST_STEPS = 3  # of which the usual duration is a median
LEAST_GAIN = 0.05  # less is noise
LEAST_COMPUTING = 0.7  # share of the time in which threads have a core, on an idle machine about 1


def initial_threads(config: TrainConfig, device: torch.device, saved: int | None = None) -> int:
    """The thread count that a training begins with, at most the number of cores.

    Args:
        saved: the count with which an earlier part of the training ended.
    """
    if config.threads != "auto":
        return min(config.threads, cores())
    if device.type != "cpu":
        return 1
    if WorkerGroup().count > 1:
        return max(1, cores() // int(os.environ["LOCAL_WORLD_SIZE"]))
    return min(saved or cores(), cores())


def is_automatic(config: TrainConfig, device: torch.device) -> bool:
    """Whether a training compares thread counts; measurements of several workers would disturb each other."""
    return config.threads == "auto" and device.type == "cpu" and WorkerGroup().count == 1


class ThreadTuner:
    """Compares the thread count of a training with half and twice as many and one, on some of its own steps.

    The compared steps are steps of the training like all others, so only their slowness costs time. It is at
    most SHARE of the time since the last comparison: that decides when the next one begins, and how many
    steps it has. All durations are in seconds of steps; what lies between steps is not counted.

    Args:
        count: the thread count to begin with.
        most: the largest count to try; None keeps `count`.

    Attributes:
        count: the thread count of all steps outside comparisons.
        compared_steps, compared_seconds: steps within comparisons, and their duration.
    """

    def __init__(self, count: int, most: int | None) -> None:
        self.count, self._most = count, most
        self.compared_steps, self.compared_seconds = 0, 0.0
        self._recent: deque[float] = deque(maxlen=3 * LEAST_STEPS)  # durations of steps with `count`
        self._computing: deque[float] = deque(maxlen=3 * LEAST_STEPS)  # in these steps, see `record`
        self._fastest = float("inf")  # the least usual duration since the last comparison
        self._since = self._debt = 0.0  # time since the last comparison, and by how much it cost too much
        self._interval = FIRST_INTERVAL
        self._ratios: dict[int, float] = {}  # longest step with other counts, over the usual one with `count`
        self._times: dict[int, list[float]] = {}  # of the comparison in progress, by count

    @contextmanager
    def timed_step(self) -> Iterator[None]:
        """Times the step that is taken in the block, with one of the compared counts or with `count`.

        The steps should be of equal size. In between, torch's thread count is `count`.
        """
        if self._most is None:
            yield
            return
        threads = self.next_count()
        if threads != self.count:
            torch.set_num_threads(threads)
        started, used = time.perf_counter(), time.process_time()
        yield
        seconds = time.perf_counter() - started
        self.record(seconds, (time.process_time() - used) / (max(seconds, 1e-9) * threads))
        if torch.get_num_threads() != self.count:
            torch.set_num_threads(self.count)

    def next_count(self) -> int:
        """The thread count for the next step; begins a comparison if one is due."""
        if not self._times and self._is_due():
            self._usual, self._cost = statistics.median(self._recent), 0.0
            self._times = {count: [] for count in (*self._affordable(self._usual), self.count)}
        if not self._times:
            return self.count
        return min(self._times, key=lambda count: len(self._times[count]))

    def record(self, seconds: float, computing: float = 1.0) -> None:
        """Takes note of the duration of a step with `next_count` threads; ends a comparison.

        Args:
            computing: the share of that time in which the threads had a core, on average.
        """
        if self._times:
            self._times[self.next_count()].append(seconds)
            self.compared_steps += 1
            self.compared_seconds += seconds
            self._cost += seconds - self._usual
            if self._is_decided():
                self._decide()
            return
        self._since += seconds
        self._recent.append(seconds)
        self._computing.append(computing)
        if len(self._recent) >= LEAST_STEPS:
            self._fastest = min(self._fastest, statistics.median(self._recent))

    def _neighbours(self) -> set[int]:
        """Half as many threads, rounded up, and twice as many, where there are such counts."""
        assert self._most is not None
        return {(self.count + 1) // 2, min(2 * self.count, self._most)} - {self.count}

    def _affordable(self, usual: float) -> set[int]:
        """The counts to compare with: the neighbours and, if that costs little enough, a single thread.

        Where other programs take most cores, half as many threads may be as slow, and one is not.
        """
        more = self._neighbours() | {1} - {self.count}
        return more if self._round_cost(usual, more) <= self._allowed() else self._neighbours()

    def _allowed(self) -> float:
        """Seconds that a comparison may cost now."""
        return SHARE * self._since - self._debt

    def _round_cost(self, usual: float, counts: Iterable[int]) -> float:
        """Seconds that a step with each of the other counts is expected to cost.

        A count that was not timed yet is expected to be as slow or as fast as if threads shared all work; or
        no slower, if the threads often wait for a core, because then they wait for each other as well.
        """
        waiting = statistics.median(self._computing) < LEAST_COMPUTING
        ratios = (self._ratios.get(count, 1.0 if waiting else self.count / count) for count in counts)
        return sum(usual * max(0.0, ratio - 1) for ratio in ratios)

    def _is_due(self) -> bool:
        """Whether to begin a comparison: if the time for one has come, and one round of it is affordable."""
        if self._most is None or not self._neighbours() or len(self._recent) < LEAST_STEPS:
            return False
        usual = statistics.median(self._recent)
        # Another program has probably taken a core; threads that wait for it make the training slower.
        slow = usual >= 2 * self._fastest
        if self._since < (min(SLOW_INTERVAL, self._interval) if slow else self._interval):
            return False
        return self._round_cost(usual, self._neighbours()) <= self._allowed()

    def _is_decided(self) -> bool:
        """Whether the comparison has all its rounds, or the next one would cost too much."""
        rounds = min(map(len, self._times.values()))
        if self._cost > self._allowed():
            return True
        if rounds < max(map(len, self._times.values())):
            return False
        return (
            rounds == MOST_ROUNDS or self._cost + self._round_cost(self._usual, self._times) > self._allowed()
        )

    def _decide(self) -> None:
        """Ends the comparison: the fastest count is taken, if it is faster by more than noise."""
        medians = {count: statistics.median(times) for count, times in self._times.items() if times}
        medians.setdefault(self.count, self._usual)  # a comparison that is too costly may end before it
        fastest = min(medians, key=lambda count: medians[count])
        if medians[fastest] < (1 - LEAST_GAIN) * medians[self.count]:
            self.count, self._interval = fastest, FIRST_INTERVAL
            self._recent.clear()
            self._computing.clear()
        else:
            self._interval = min(2 * self._interval, LONGEST_INTERVAL)
        # The slowest step decides what the next comparison may cost: beside other programs one can take long.
        self._ratios = {
            count: max(times) / medians[self.count] for count, times in self._times.items() if times
        }
        self._debt = max(0.0, self._cost - self._allowed())
        self._since, self._fastest, self._times = 0.0, float("inf"), {}
