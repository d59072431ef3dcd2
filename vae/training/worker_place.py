"""This process's place among several workers, which `torchrun` puts into the environment. No torch."""

import os
from dataclasses import dataclass

from vae import VaeError

# https://docs.pytorch.org/docs/stable/elastic/run.html
MOST_WORKERS = 4096
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_ADVICE = (
    "`torchrun --nproc-per-node 2 -m vae …` sets all that several workers need; for a training by one "
    "process, unset RANK and WORLD_SIZE."
)


@dataclass(frozen=True)
class WorkerPlace:
    """A worker's number and that of all workers, in all and on this machine, and where worker 0 listens."""

    rank: int
    count: int
    local_rank: int
    local_count: int
    address: str
    port: int


def worker_place() -> WorkerPlace | None:
    """The place of this process; None if it trains alone: WORLD_SIZE is 1, or it and RANK are not set.

    Raises VaeError, which names the variables, if only some are set or if one is out of range.
    """
    given = {name: os.environ.get(name, "").strip() for name in VARIABLES}
    if not given["RANK"] and given["WORLD_SIZE"] in ("", "1"):
        return None
    if given["WORLD_SIZE"]:
        count = _number("WORLD_SIZE", given["WORLD_SIZE"], 1, MOST_WORKERS + 1)
        if count == 1 and _number("RANK", given["RANK"], 0, 1) == 0:
            return None
    missing = [name for name, text in given.items() if not text]
    if missing:
        known = " and ".join(f"{name} is {given[name]!r}" for name in ("RANK", "WORLD_SIZE") if given[name])
        verb = "is" if len(missing) == 1 else "are"
        raise VaeError(
            f"{known}, as for one of several workers, but {_listed(missing)} {verb} not set. {_ADVICE}"
        )
    local_count = _number("LOCAL_WORLD_SIZE", given["LOCAL_WORLD_SIZE"], 1, count + 1)
    return WorkerPlace(
        rank=_number("RANK", given["RANK"], 0, count),
        count=count,
        local_rank=_number("LOCAL_RANK", given["LOCAL_RANK"], 0, local_count),
        local_count=local_count,
        address=given["MASTER_ADDR"],
        port=_number("MASTER_PORT", given["MASTER_PORT"], 1, 2**16),
    )


def _number(name: str, text: str, least: int, end: int) -> int:
    """A whole number from `least` on, below `end`. Raises VaeError if `text` is none."""
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and least <= int(text) < end):
        raise VaeError(f"{name} is {text!r}, not a whole number from {least} to {end - 1}. {_ADVICE}")
    return int(text)


def _listed(names: list[str]) -> str:
    """Names as text: A; A and B; A, B and C."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
