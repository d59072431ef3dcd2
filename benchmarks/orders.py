"""How soon a trainer obeys: from the request to the status that answers it, while it trains at full speed."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser import wait_until
from vae.config import TrainConfig
from vae.runs.records import LIVE
from vae.runs.run import Run
from vae.training import jobs

TIMES = 20


def seconds_until_heard(run: Run, **wishes: Any) -> float:
    """From asking until the status says that it was heard."""
    started = time.perf_counter()
    number = run.update_request(**wishes).number
    while run.status().heard != number:
        time.sleep(0.001)
    return time.perf_counter() - started


def main() -> None:
    """Prints medians and maxima of each order."""
    config = TrainConfig.preset("quick", epochs=1000, learning_rate=1e-4)  # slowly: it must not diverge
    with tempfile.TemporaryDirectory() as folder:
        run = jobs.start(config, Path(folder))
        wait_until(lambda: run.status().epoch > 1)
        seconds: dict[str, list[float]] = {}
        for _ in range(TIMES):
            orders: tuple[tuple[str, Callable[[], dict[str, Any]]], ...] = (
                ("pause", lambda: {"pause_at": 0}),
                ("one batch", lambda: {"pause_at": run.status().step + 1}),
                ("resume", lambda: {"pause_at": None}),
                ("another rate", lambda: {"learning_rate": 1e-4 + 1e-6 * len(seconds["resume"])}),
            )
            for name, wishes in orders:
                seconds.setdefault(name, []).append(seconds_until_heard(run, **wishes()))
                time.sleep(0.2)
        run.request_stop()
        wait_until(lambda: run.status().state not in LIVE)
    print(f"from an order to its answer, {TIMES} times each, preset quick:")
    for name, values in seconds.items():
        median, most = 1000 * statistics.median(values), 1000 * max(values)
        print(f"  {name:13} median {median:4.0f} ms, at most {most:4.0f} ms")


if __name__ == "__main__":
    main()
