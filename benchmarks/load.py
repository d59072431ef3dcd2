"""The app under many users while a training runs: `python -m benchmarks.load [--sessions 30] [--pages 4]`.

Each acts every two seconds: a click on the map, a path, another page, a picture, another run. A few are
pages of one headless Chromium, which draws on the same cores that serve and train; the others are websocket
sessions of this process. Measured are wrong results, the time until an answer, and the memory of the server:
before the first user arrives, while users are active, and a minute after the last has left.
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

from benchmarks.live_run import images_per_second, read_status, slow_config, training
from benchmarks.sessions import Session
from benchmarks.targets import Measurement, machine_load, show
from benchmarks.users import GALLERY, MAP, TRAIN, BrowserTab, SocketTab, User
from benchmarks.viewers import processor_seconds
from tests.support.browser import ARGUMENTS, SLOW, Server, chromium, wait_until
from tests.support.paths import APP, BUNDLED
from vae.config import TrainConfig
from vae.runs.run import Run
from vae.training import jobs

ARRIVAL_SECONDS = 0.3  # between two arrivals
ALONE_SECONDS = 15  # of training before the first user
AFTER_SECONDS = 60  # from the last user until the memory is read again


def resident(pid: int) -> float:
    """The resident memory of a process in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def record_memory(pid: int, memory: list[float]) -> None:
    """Appends the server's memory (MB) every second, until it is cancelled."""
    while True:
        memory.append(resident(pid))
        await asyncio.sleep(1)


async def warm_up(server: Server, runs: list[Run]) -> None:
    """Visits everything once, so that all caches are filled."""
    tab = SocketTab(await Session.open(server.address()))
    for run in runs:
        await tab.choose(run, MAP)
        await tab.click((0.5, 0.5))
        await tab.draw((0.5, 0.5), (-0.5, 0.5))
        await tab.go_to(GALLERY, run)
        await tab.open(7)
        await tab.close()
        await tab.go_to(TRAIN, run)
        await tab.go_to(MAP, run)
    await tab.leave()


async def visit(server: Server, runs: list[Run], count: int, pages: int, seconds: float) -> list[User]:
    """Runs `count` users, `pages` of them in a browser, from the first arrival until all leave together."""
    path = chromium()
    # Evenly spread, so that their columns of the map lie far apart: a click in a browser takes a near point.
    in_browser = {k * count // pages for k in range(pages)} if path else set()
    until = time.perf_counter() + seconds + ARRIVAL_SECONDS * count
    users, stays = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for number in range(count):
            run = runs[number % 2]
            address = server.address(f"?run={run.name}")
            client: SocketTab | BrowserTab
            if number in in_browser:
                page = await browser.new_page(viewport={"width": 1400, "height": 900})
                page.set_default_timeout(SLOW)
                client = await BrowserTab.open_at(page, address)
            else:
                client = SocketTab(await Session.open(address))
            users.append(User(client, number, count, runs, run))
            stays.append(asyncio.create_task(users[-1].stay(until)))
            await asyncio.sleep(ARRIVAL_SECONDS)
        await asyncio.gather(*stays)
        for user in users:
            await user.client.leave()
        await browser.close()
    return users


def late(seconds: list[float]) -> float:
    """The 95th percentile; NaN if there are no values."""
    return float(np.percentile(seconds, 95)) if seconds else math.nan


def report(users: list[User], memory: list[float], before: float, after: float) -> list[Measurement]:
    """The measurements beside their targets; `memory` in MB, each second while the users were there."""
    kinds: dict[str, list[float]] = {}
    for user in users:
        who = "a page: " if isinstance(user.client, BrowserTab) else ""
        for kind, seconds in user.seconds.items():
            kinds.setdefault(who + kind, []).extend(seconds)
    for kind, seconds in sorted(kinds.items()):
        median, latest = statistics.median(seconds), max(seconds)
        times = f"median {median:5.2f} s  p95 {late(seconds):5.2f} s  max {latest:5.2f} s"
        print(f"  {kind:24} {len(seconds):5} times  {times}")
    tabs = [second for kind, seconds in kinds.items() if ":" not in kind for second in seconds]
    pages = [second for kind, seconds in kinds.items() if ":" in kind for second in seconds]
    clicks = [second for kind, seconds in kinds.items() if "click" in kind for second in seconds]
    failures = [failure for user in users for failure in (*user.failures, *user.client.errors)]
    for failure in failures[:20]:
        print(f"  {failure}")
    third = memory[-(len(memory) // 3) :]
    growth = statistics.linear_regression(range(len(third)), third).slope * 60
    return [
        Measurement("request of a session, 95th percentile", late(tabs), "s", 1),
        Measurement("click on the map, of both, 95th percentile", late(clicks), "s", 1),
        Measurement("action in a browser until shown, 95th percentile", late(pages), "s", 1),
        Measurement("errors, lost connections and wrong results", len(failures), "", 0),
        Measurement("largest memory of the server", max(memory), "MB", 1500),
        Measurement("its growth over the last third", growth, "MB/min", max(memory) * 0.02),
        Measurement(f"memory {AFTER_SECONDS} s after they left, over that before", after / before, "x", 1.1),
    ]


async def measure(
    server: Server, run: Run, runs: list[Run], count: int, pages: int, minutes: float
) -> list[Measurement]:
    """Measures the server under load while `run` is trained."""
    await warm_up(server, [*runs, run])
    old = read_status(run)
    await asyncio.sleep(ALONE_SECONDS)
    alone = images_per_second(run, old, read_status(run))
    before = resident(server.process.pid)
    memory: list[float] = []
    watching = asyncio.create_task(record_memory(server.process.pid, memory))
    old, busy, started = read_status(run), processor_seconds(server.process.pid), time.perf_counter()
    users = await visit(server, [*runs, run], count, pages, 60 * minutes)
    beside = images_per_second(run, old, read_status(run))
    busy = (processor_seconds(server.process.pid) - busy) / (time.perf_counter() - started)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    await asyncio.sleep(AFTER_SECONDS)
    after = resident(server.process.pid)
    middle = statistics.median(memory)
    print(f"  memory {before:.0f} MB before, {middle:.0f} at the median, {after:.0f} after")
    print(f"  the server took {busy:.0%} of a core; training {alone:,.0f} images/s, with users {beside:,.0f}")
    return report(users, memory, before, after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=30, help="how many users")
    parser.add_argument("--pages", type=int, default=4, help="how many of them in a real browser, here")
    parser.add_argument("--minutes", type=float, default=3, help="how long they stay once all are there")
    arguments = parser.parse_args()
    print(f"{machine_load()} at the start")
    with tempfile.TemporaryDirectory() as name:
        folder, log = Path(name) / "runs", Path(name) / "log.txt"
        shutil.copytree(BUNDLED, folder / BUNDLED.name)
        short = jobs.start(TrainConfig.preset("quick", epochs=1), folder)
        wait_until(lambda: short.status().state == "finished")
        with training(slow_config(), folder) as run:
            wait_until(lambda: run.status().epoch > 1)
            server = Server(APP, VAE_RUNS_DIR=str(folder))
            server.log = log
            runs = [Run(folder / BUNDLED.name), short]
            with server:
                measured = measure(server, run, runs, arguments.sessions, arguments.pages, arguments.minutes)
                show(asyncio.run(measured))
            tracebacks = log.read_text().count("Traceback")
            show([Measurement("exceptions in the server's log", tracebacks, "", 0)])
            if tracebacks:
                print(log.read_text()[-4000:])
    print(f"{machine_load()} at the end")


if __name__ == "__main__":
    main()
