"""The time from a request to the status that acknowledges it, while the trainer runs at full speed."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.live_run import slow_config, training
from benchmarks.targets import median_and_maximum
from tests.support.browser import wait_until
from vae.runs.run import Run

TIMES = 20


def milliseconds_until_acknowledged(run: Run, **request: Any) -> float:
    started = time.perf_counter()
    number = run.update_request(**request).number
    while run.status().heard != number:
        time.sleep(0.001)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    waits: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, training(slow_config(), Path(folder)) as run:
        wait_until(lambda: run.status().epoch > 1)
        requests: dict[str, Callable[[], dict[str, Any]]] = {
            "pause": lambda: {"pause_at": 0},
            "one batch": lambda: {"pause_at": run.status().step + 1},
            "resume": lambda: {"pause_at": None},
            "another rate": lambda: {"learning_rate": 1e-4 + 1e-6 * len(waits["resume"])},
        }
        for _ in range(TIMES):
            for name, request in requests.items():
                waits[name].append(milliseconds_until_acknowledged(run, **request()))
                time.sleep(0.2)
    print(f"from a request to its acknowledgement, {TIMES} times each, preset quick:")
    for name, values in waits.items():
        print(f"  {name:13} {median_and_maximum(values)}")


if __name__ == "__main__":
    main()
