"""The cost of viewers of the Train page: the trainer's speed with none, one tab, 20 tabs, a real browser.

The tabs are websocket sessions, which poll as a browser does but draw nothing, as if they were on other
machines. The Chromium draws on the same cores that train. The viewers take turns beside one long training,
whose speed is read from its files.
"""

import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.live_run import images_per_second, read_status, slow_config, stop, training
from benchmarks.sessions import Session, open_sessions
from benchmarks.targets import machine_load, median_and_maximum
from tests.support.browser import ARGUMENTS, Server, chromium, ready, wait_until
from tests.support.paths import APP
from vae.runs.records import Status
from vae.runs.run import Run

TURNS = 5
SETTLE, WINDOW, END = 2, 8, 5  # seconds before a measurement, of it, and after the end of the run
NO_VIEWER, CROWD, BROWSER = "no viewer", "20 tabs", "1 browser"
TABS = {NO_VIEWER: 0, "1 tab": 1, CROWD: 20}

# In the page: counts the messages to the server, and records when the newest x of the curves grew.
WATCH = """
window.watched = { sent: 0, shown: [] };
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  watched.sent += 1;
  return send.call(this, data);
};
setInterval(() => {
  const chart = document.querySelector('[data-chart="curves"] .js-plotly-plot');
  const trains = (chart?._fullData ?? []).filter((trace) => trace.name === "train");
  const newest = Math.max(...trains.map((trace) => Number(trace.x?.at(-1) ?? -Infinity)));
  const known = watched.shown.at(-1)?.[1] ?? -Infinity;
  if (newest > known) watched.shown.push([Date.now() / 1000, newest]);
}, 20);
"""


class Viewers(NamedTuple):
    """The viewers during one measurement."""

    tabs: list[Session]
    page: Page | None

    def runs(self) -> int:
        """How often the script ran for them so far; for a page, how many messages it sent."""
        sent = self.page.evaluate("watched.sent") if self.page else 0
        return sent + sum(tab.runs for tab in self.tabs)


class Window(NamedTuple):
    """What was measured in a period of WINDOW seconds."""

    speed: float  # images per second of the trainer
    threads: int  # of the trainer at the end
    runs: int  # of the script
    server_seconds: float  # of processor time
    own_seconds: float  # processor time of this process, which simulates the tabs
    waits: list[float]  # seconds from a tab's poll to its answer
    lags: list[float]  # seconds from a line of metrics to the chart that has it


@contextmanager
def viewers(address: str, tabs: int, browser: Browser | None = None) -> Iterator[Viewers]:
    """Opens `address` in `tabs` sessions, and in a page of the browser if one is given."""
    page = browser.new_page(viewport={"width": 1400, "height": 1100}) if browser else None
    if page:
        page.add_init_script(WATCH)
        page.goto(address)
        ready(page, "curves")
    with open_sessions(address, tabs) as sessions:
        yield Viewers(sessions, page)
        for error in {error for session in sessions for error in session.errors}:
            print(f"  a tab showed: {error}")
    if page:
        page.close()


def processor_seconds(pid: int) -> float:
    """Processor time of all threads of a process; NaN on systems without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime


def measure(run: Run, server: Server, current: Viewers) -> Window:
    """Measures for WINDOW seconds."""

    def now() -> tuple[Status, int, float, float]:
        return read_status(run), current.runs(), processor_seconds(server.process.pid), time.process_time()

    answered = [len(tab.poll_seconds) for tab in current.tabs]
    since, (old, *before) = time.time(), now()
    time.sleep(WINDOW)
    until, (new, *after) = time.time(), now()
    runs, server_seconds, own_seconds = (late - early for early, late in zip(before, after, strict=True))
    speed = images_per_second(run, old, new)
    tabs = zip(current.tabs, answered, strict=True)
    waits = [wait for tab, count in tabs for wait in tab.poll_seconds[count:]]
    late = lags(run, current.page, since, until) if current.page else []
    return Window(speed, new.threads or 0, int(runs), server_seconds, own_seconds, waits, late)


def lags(run: Run, page: Page, since: float, until: float) -> list[float]:
    """Seconds from each train line written between two times until the chart showed it.

    A line that is not shown yet after SETTLE seconds counts with the time until now.
    """
    time.sleep(SETTLE)
    shown, lines = page.evaluate("watched.shown"), run.metric_lines()[0]
    status = run.status()
    began = status.heartbeat - status.seconds  # both by the trainer's clocks, read at the same moment
    over = "epoch" if shown[-1][1] < lines[-1].epoch + 1 else "step"
    found = []
    for line in lines:
        if line.split == "train" and since <= began + line.seconds <= until:
            x = getattr(line, over) * (1 - 1e-6)  # the browser's values may have been rounded
            seen = next((at for at, newest in shown if newest >= x), time.time())
            found.append(seen - began - line.seconds)
    return found


def report(windows: dict[str, list[Window]]) -> None:
    """Prints medians over the turns; ratios are to the turn's measurement without a viewer."""
    if math.isnan(windows[NO_VIEWER][0].server_seconds):
        print("  the server's processor time is not known: only Linux has /proc")
    for who, counted in windows.items():
        threads = statistics.mean(window.threads for window in counted)
        speed = statistics.median(window.speed for window in counted)
        print(f"  {who:9} {speed:7,.0f} images/s by {threads:.1f} threads", end="")
        ratios = [mine.speed / none.speed for mine, none in zip(counted, windows[NO_VIEWER], strict=True)]
        if runs := sum(window.runs for window in counted):
            cost = 1000 * sum(window.server_seconds for window in counted) / runs
            print(f", {statistics.median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})", end="")
            print(f"; {runs / WINDOW / TURNS:.1f} polls/s of {cost:.1f} ms of the server's time", end="")
        for what in ("waits", "lags"):
            if seconds := [second for window in counted for second in getattr(window, what)]:
                print(f"; {what}: {median_and_maximum([1000 * second for second in seconds])}", end="")
        print()
    own = sum(window.own_seconds for window in windows[CROWD]) / WINDOW / TURNS
    print(f"  simulating {CROWD} took {own:.0%} of a core itself")


def measure_training(threads: int | Literal["auto"], browser: Browser | None) -> None:
    """Trains with `threads` threads, measures with each kind of viewer in turns, and prints the report."""
    windows: dict[str, list[Window]] = {who: [] for who in [*TABS, *([BROWSER] if browser else [])]}
    config = slow_config(threads=threads, device="cpu")
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(APP, VAE_RUNS_DIR=folder) as server,
        training(config, Path(folder)) as run,
    ):
        address = server.address(f"train?run={run.name}")
        with viewers(address, 1):  # the first visit loads what all need
            wait_until(lambda: run.status().epoch > 2)
        for turn in range(TURNS):
            for who in [*windows, *windows][turn % len(windows) :][: len(windows)]:
                with viewers(address, TABS.get(who, 0), browser if who == BROWSER else None) as current:
                    time.sleep(SETTLE)
                    windows[who].append(measure(run, server, current))
        print(f"threads {threads}, medians of {TURNS} turns of {WINDOW} s:")
        report(windows)
        with viewers(address, TABS[CROWD], browser) as current:
            stop(run)
            time.sleep(2 * END)  # one poll sees the end and runs the whole page once more
            before = current.runs()
            time.sleep(END)
            print(f"  {current.runs() - before} runs of the script in {END} s after the end (0 are due)")


def main() -> None:
    path = chromium()  # which uses playwright itself
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS) if path else None
        measure_training("auto", browser)
        measure_training(1, browser)
    print(f"  {machine_load()} at the end, no GPU" + ("" if path else "; no Chromium was found"))


if __name__ == "__main__":
    main()
