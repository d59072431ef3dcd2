"""How soon a trainer at full speed handles a request, until its status acknowledges it."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.live_run import slow_config, training
from tests.support.browser import wait_until
from vae.runs.run import Run

TIMES = 20


def seconds_until_handled(run: Run, **request: Any) -> float:
    """From a request to the status that acknowledges it."""
    started = time.perf_counter()
    number = run.update_request(**request).number
    while run.status().heard != number:
        time.sleep(0.001)
    return time.perf_counter() - started


def main() -> None:
    """Prints the median and the maximum for each kind of request."""
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, training(slow_config(), Path(folder)) as run:
        wait_until(lambda: run.status().epoch > 1)
        requests: dict[str, Callable[[], dict[str, Any]]] = {
            "pause": lambda: {"pause_at": 0},
            "one batch": lambda: {"pause_at": run.status().step + 1},
            "resume": lambda: {"pause_at": None},
            "another rate": lambda: {"learning_rate": 1e-4 + 1e-6 * len(seconds["resume"])},
        }
        for _ in range(TIMES):
            for name, request in requests.items():
                seconds.setdefault(name, []).append(seconds_until_handled(run, **request()))
                time.sleep(0.2)
    print(f"from a request to its acknowledgement, {TIMES} times each, preset quick:")
    for name, values in seconds.items():
        median, most = 1000 * statistics.median(values), 1000 * max(values)
        print(f"  {name:13} median {median:4.0f} ms, at most {most:4.0f} ms")


if __name__ == "__main__":
    main()
