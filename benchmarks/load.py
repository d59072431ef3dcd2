"""Many visitors at once while a training runs: `python -m benchmarks.load [--sessions 30] [--pages 4]`.

Each does something every two seconds: a click on the map, a path, another page, a picture, another run. A few
are pages of one headless Chromium, which draws on the very cores that serve and train; the others websocket
sessions of this process. Measured: whether all see their own, how long an answer takes, and the memory of the
server, before them, under them, and a minute after the last has left.
"""

import argparse
import asyncio
import math
import os
import shutil
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from playwright.async_api import async_playwright

from benchmarks.sessions import Session
from benchmarks.targets import Figure, tell
from benchmarks.viewers import glance, images_per_second, processor_seconds
from benchmarks.visitors import GALLERY, MAP, TRAIN, Glass, Tab, Visitor
from tests.browser import APP, ARGUMENTS, SLOW, Server, chromium, wait_until
from tests.conftest import BUNDLED
from vae.config import TrainConfig
from vae.runs.records import LIVE
from vae.runs.run import Run
from vae.training import jobs

ARRIVE = 0.3  # seconds between two who come
ALONE, AFTER = 15, 60  # seconds of training before they come; until the memory is looked at again
EPOCHS = 1000  # never pass


def resident(pid: int) -> float:
    """Megabytes of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def watch(pid: int, memory: list[float]) -> None:
    """Notes the memory (MB) of the server every second, until it is cancelled."""
    while True:
        memory.append(resident(pid))
        await asyncio.sleep(1)


async def warm_up(server: Server, runs: list[str]) -> None:
    """One session sees all there is, so that what is made once is there."""
    tab = Tab(await Session.open(server.address()))
    for run in runs:
        await tab.choose(run, MAP)
        await tab.click((0.5, 0.5))
        await tab.draw((0.5, 0.5), (-0.5, 0.5))
        await tab.turn(GALLERY, run)
        await tab.open(7)
        await tab.close()
        await tab.turn(TRAIN, run)
        await tab.turn(MAP, run)
    await tab.leave()


async def visit(server: Server, runs: list[str], count: int, real: int, seconds: float) -> list[Visitor]:
    """All of them, from the first who comes until they leave, all at once; `real` of them are pages."""
    path = chromium()
    # Their columns of the map lie far apart, as a click on a page means the point that is near.
    pages = {k * count // real for k in range(real)} if path else set()
    until = time.perf_counter() + seconds + ARRIVE * count
    visitors, stays = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for number in range(count):
            run = runs[number % 2]
            address = server.address(f"?run={run}")
            window: Tab | Glass
            if number in pages:
                page = await browser.new_page(viewport={"width": 1400, "height": 900})
                page.set_default_timeout(SLOW)
                window = await Glass.open_at(page, address)
            else:
                window = Tab(await Session.open(address))
            visitors.append(Visitor(window, number, count, runs, run))
            stays.append(asyncio.create_task(visitors[-1].stay(until)))
            await asyncio.sleep(ARRIVE)
        await asyncio.gather(*stays)
        for visitor in visitors:
            await visitor.window.leave()
        await browser.close()
    return visitors


def late(seconds: list[float]) -> float:
    """The 95th percentile; NaN of none."""
    return float(np.percentile(seconds, 95)) if seconds else math.nan


def report(visitors: list[Visitor], memory: list[float], before: float, after: float) -> list[Figure]:
    """The figures beside their targets; `memory` in MB, each second while they were there."""
    kinds: dict[str, list[float]] = {}
    for visitor in visitors:
        who = "a page: " if isinstance(visitor.window, Glass) else ""
        for kind, seconds in visitor.seconds.items():
            kinds.setdefault(who + kind, []).extend(seconds)
    for kind, seconds in sorted(kinds.items()):
        print(f"  {kind:24} {len(seconds):5} times", end="")
        for what, value in (
            ("median", statistics.median(seconds)),
            ("p95", late(seconds)),
            ("max", max(seconds)),
        ):
            print(f"  {what} {value:5.2f} s", end="")
        print()
    tabs = [second for kind, seconds in kinds.items() if ":" not in kind for second in seconds]
    pages = [second for kind, seconds in kinds.items() if ":" in kind for second in seconds]
    clicks = [second for kind, seconds in kinds.items() if "click" in kind for second in seconds]
    troubles = sum(len(visitor.troubles) + len(visitor.window.errors) for visitor in visitors)
    third = memory[-(len(memory) // 3) :]
    growth = statistics.linear_regression(range(len(third)), third).slope * 60
    return [
        Figure("what a tab asks, 95th percentile", late(tabs), "s", 1),
        Figure("of both a click on the map, 95th percentile", late(clicks), "s", 1),
        Figure("what a page asks, until it is seen, 95th percentile", late(pages), "s", 1),
        Figure("troubles: errors, lost sockets, what is another's", troubles, "", 0),
        Figure("memory of the server at most", max(memory), "MB", 1500),
        Figure("its growth over the last third", growth, "MB/min", max(memory) * 0.02),
        Figure(f"memory {AFTER} s after they left, over that before", after / before, "x", 1.1),
    ]


async def measure(
    server: Server, run: Run, runs: list[str], count: int, real: int, minutes: float
) -> list[Figure]:
    """Everything, beside a training that runs."""
    await warm_up(server, [*runs, run.name])
    old = glance(run)
    await asyncio.sleep(ALONE)
    alone = images_per_second(run, old, glance(run))
    before = resident(server.process.pid)
    memory: list[float] = []
    watching = asyncio.create_task(watch(server.process.pid, memory))
    old, busy, started = glance(run), processor_seconds(server.process.pid), time.perf_counter()
    visitors = await visit(server, [*runs, run.name], count, real, 60 * minutes)
    beside = images_per_second(run, old, glance(run))
    busy = (processor_seconds(server.process.pid) - busy) / (time.perf_counter() - started)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    await asyncio.sleep(AFTER)
    after = resident(server.process.pid)
    troubles = [trouble for it in visitors for trouble in (*it.troubles, *it.window.errors)]
    for trouble in troubles[:20]:
        print(f"  {trouble}")
    middle = statistics.median(memory)
    print(f"  memory {before:.0f} MB before, {middle:.0f} at the median, {after:.0f} after")
    print(
        f"  the server took {busy:.0%} of a core; training {alone:,.0f} images/s, beside them {beside:,.0f}"
    )
    return report(visitors, memory, before, after)


def main() -> None:
    """Prints the figures beside their targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=30, help="how many visitors")
    parser.add_argument("--pages", type=int, default=4, help="how many of them in a real browser, here")
    parser.add_argument("--minutes", type=float, default=3, help="how long they stay once all are there")
    asked = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the start")
    with tempfile.TemporaryDirectory() as name:
        folder, log = Path(name) / "runs", Path(name) / "log.txt"
        shutil.copytree(BUNDLED, folder / BUNDLED.name)
        short = jobs.start(TrainConfig.preset("quick", epochs=1), folder)
        wait_until(lambda: short.status().state == "finished")
        # So slowly that it cannot diverge in so many epochs.
        run = jobs.start(TrainConfig.preset("quick", epochs=EPOCHS, learning_rate=1e-4), folder)
        try:
            wait_until(lambda: run.status().epoch > 1)
            server = Server(APP, VAE_RUNS_DIR=str(folder), MALLOC_ARENA_MAX="2")  # as `make run` starts it
            server.log = log
            with server:
                tell(
                    asyncio.run(
                        measure(
                            server,
                            run,
                            [BUNDLED.name, short.name],
                            asked.sessions,
                            asked.pages,
                            asked.minutes,
                        )
                    )
                )
            tracebacks = log.read_text().count("Traceback")
            tell([Figure("exceptions in the server's log", tracebacks, "", 0)])
            if tracebacks:
                print(log.read_text()[-4000:])
        finally:
            run.request_stop()
            wait_until(lambda: run.status().state not in LIVE)
    print(f"load average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
