"""Measurements and their targets, and the load of the machine on which they were taken."""

import os
import statistics
from collections.abc import Iterable
from typing import NamedTuple


class Measurement(NamedTuple):
    """A value and its target, which is an upper bound, or a lower one with `at_least`."""

    what: str
    value: float
    unit: str
    target: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is reached by the value itself, not by the rounded one."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        bound = f"{'at least' if self.at_least else 'at most'} {self.target:g}"
        verdict = "met" if self.met else "missed"
        return f"  {self.what:60} {self.value:7.2f} {self.unit:4}  {bound:13}  {verdict}"


def show(measurements: Iterable[Measurement]) -> None:
    """Prints a line for each measurement."""
    for measurement in measurements:
        print(measurement, flush=True)


def median_and_maximum(milliseconds: list[float]) -> str:
    """The median and the maximum, as text."""
    return f"median {statistics.median(milliseconds):4.0f} ms, at most {max(milliseconds):4.0f} ms"


def machine_load() -> str:
    """The machine's cores and load average, as text."""
    return f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
