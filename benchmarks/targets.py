"""Measurements beside their targets, and the load of the machine that they were taken on."""

import os
from collections.abc import Iterable
from typing import NamedTuple


class Measurement(NamedTuple):
    """A value and its target: at most `target`, or at least with `at_least`."""

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


def machine_load() -> str:
    """The machine's cores and load average, as text."""
    return f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
