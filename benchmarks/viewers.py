"""What watching costs: the trainer's speed while nobody, one tab, twenty tabs or a real browser watch it.

The tabs are websocket sessions, which ask as a browser does and draw nothing: what people on other machines
cost this one. The Chromium draws on the very cores that train. They take turns beside one long training,
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

from benchmarks.sessions import Session, crowd
from tests.browser import APP, ARGUMENTS, Server, chromium, ready, wait_until
from vae.config import TrainConfig
from vae.runs.records import LIVE, Status
from vae.runs.run import Run
from vae.training import jobs

TURNS = 5
SETTLE, WINDOW, END = 2, 8, 5  # seconds before a measurement, in it, and after the end of the run
NOBODY, CROWD, BROWSER = "nobody", "20 tabs", "1 browser"
TABS = {NOBODY: 0, "1 tab": 1, CROWD: 20}
WARM_EPOCHS, EPOCHS = 2, 1000  # the latter never pass, and yet are an end, should this be killed

# In the page: how often it asked the server, and when the newest x of the curves grew.
WATCH = """
window.watched = { asked: 0, shown: [] };
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  watched.asked += 1;
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


class Audience(NamedTuple):
    """Who watches."""

    tabs: list[Session]
    page: Page | None

    def runs(self) -> int:
        """How often the script ran for them so far; for a page, how often it asked for that."""
        asked = self.page.evaluate("watched.asked") if self.page else 0
        return asked + sum(tab.runs for tab in self.tabs)


class Window(NamedTuple):
    """What was counted while somebody watched."""

    speed: float  # images per second of the trainer
    threads: int  # it computed with at the end
    runs: int  # of the script
    server_seconds: float  # of processor time
    own_seconds: float  # the same of this process, which plays the tabs
    waits: list[float]  # seconds from a tab's poll to its answer
    lags: list[float]  # seconds from a line of metrics to the chart that has it


@contextmanager
def audience(address: str, tabs: int, browser: Browser | None = None) -> Iterator[Audience]:
    """With a browser a page of it, and `tabs` sessions, that show `address`."""
    page = browser.new_page(viewport={"width": 1400, "height": 1100}) if browser else None
    if page:
        page.add_init_script(WATCH)
        page.goto(address)
        ready(page, "curves")
    with crowd(address, tabs) as sessions:
        yield Audience(sessions, page)
        for error in {error for session in sessions for error in session.errors}:
            print(f"  a tab showed: {error}")
    if page:
        page.close()


def processor_seconds(pid: int) -> float:
    """Of all threads of a process; NaN where there is no /proc, as only Linux has it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime


def glance(run: Run) -> Status:
    """Where a run stands: not `run.status()`, which tries the trainer's lock."""
    return Status.model_validate_json((run.path / "status.json").read_bytes())


def images_per_second(run: Run, old: Status, new: Status) -> float:
    """How fast it trained between two glances; 0 if it has written nothing since."""
    return (new.step - old.step) * run.config.batch_size / ((new.seconds - old.seconds) or math.inf)


def measure(run: Run, server: Server, watching: Audience) -> Window:
    """What is counted in one window."""

    def now() -> tuple[Status, int, float, float]:
        return glance(run), watching.runs(), processor_seconds(server.process.pid), time.process_time()

    known = [len(tab.poll_seconds) for tab in watching.tabs]
    since, (old, *before) = time.time(), now()
    time.sleep(WINDOW)
    until, (new, *after) = time.time(), now()
    runs, server_seconds, own_seconds = (late - early for early, late in zip(before, after, strict=True))
    speed = images_per_second(run, old, new)
    tabs = zip(watching.tabs, known, strict=True)
    waits = [wait for tab, count in tabs for wait in tab.poll_seconds[count:]]
    late = lags(run, watching.page, since, until) if watching.page else []
    return Window(speed, new.threads or 0, int(runs), server_seconds, own_seconds, waits, late)


def lags(run: Run, page: Page, since: float, until: float) -> list[float]:
    """Seconds from each train line written `since` then `until` then to the moment the chart had it."""
    time.sleep(SETTLE)  # for the last ones; what is not there then counts with the time it has waited
    shown, lines = page.evaluate("watched.shown"), run.metrics()[0]
    status = run.status()
    began = status.heartbeat - status.seconds  # both clocks are the trainer's, read at the same moment
    over = "epoch" if shown[-1][1] < lines[-1].epoch + 1 else "step"
    found = []
    for line in lines:
        if line.split == "train" and since <= began + line.seconds <= until:
            x = getattr(line, over) * (1 - 1e-6)  # what the browser got may have been rounded
            seen = next((at for at, newest in shown if newest >= x), time.time())
            found.append(seen - began - line.seconds)
    return found


def report(windows: dict[str, list[Window]]) -> None:
    """Prints medians; a ratio is that to `nobody` in the same turn."""
    if math.isnan(windows[NOBODY][0].server_seconds):
        print("  the server's processor time is not known: only Linux has /proc")
    for who, counted in windows.items():
        threads = statistics.mean(window.threads for window in counted)
        speed = statistics.median(window.speed for window in counted)
        print(f"  {who:9} {speed:7,.0f} images/s by {threads:.1f} threads", end="")
        ratios = [mine.speed / none.speed for mine, none in zip(counted, windows[NOBODY], strict=True)]
        if runs := sum(window.runs for window in counted):
            cost = 1000 * sum(window.server_seconds for window in counted) / runs
            print(f", {statistics.median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})", end="")
            print(f"; {runs / WINDOW / TURNS:.1f} polls/s of {cost:.1f} ms of the server's time", end="")
        for what in ("waits", "lags"):
            if seconds := [second for window in counted for second in getattr(window, what)]:
                middle = 1000 * statistics.median(seconds)
                print(f"; {what} {middle:.0f} ms, at most {1000 * max(seconds):.0f} ms", end="")
        print()
    own = sum(window.own_seconds for window in windows[CROWD]) / WINDOW / TURNS
    print(f"  playing {CROWD} took {own:.0%} of a core itself")


def part(threads: int | Literal["auto"], browser: Browser | None) -> None:
    """One training with `threads`, watched in turns until it ends."""
    windows: dict[str, list[Window]] = {who: [] for who in [*TABS, *([BROWSER] if browser else [])]}
    # The network of `quick`, so slowly that it cannot diverge in so many epochs.
    config = TrainConfig.preset("quick", epochs=EPOCHS, threads=threads, learning_rate=1e-4, device="cpu")
    with tempfile.TemporaryDirectory() as folder, Server(APP, VAE_RUNS_DIR=folder) as server:
        run = jobs.start(config, Path(folder))
        address = server.address(f"train?run={run.name}")
        try:
            with audience(address, 1):  # the first visit loads what all need
                wait_until(lambda: run.status().epoch > WARM_EPOCHS)
            for turn in range(TURNS):
                for who in [*windows, *windows][turn % len(windows) :][: len(windows)]:
                    with audience(address, TABS.get(who, 0), browser if who == BROWSER else None) as watching:
                        time.sleep(SETTLE)
                        windows[who].append(measure(run, server, watching))
            print(f"threads {threads}, medians of {TURNS} turns of {WINDOW} s:")
            report(windows)
            with audience(address, TABS[CROWD], browser) as watching:
                run.request_stop()
                wait_until(lambda: run.status().state not in LIVE)
                time.sleep(2 * END)  # one poll sees the end and shows the whole page once more
                before = watching.runs()
                time.sleep(END)
                print(f"  {watching.runs() - before} runs of the script in {END} s after the end (0 are due)")
        finally:
            run.request_stop()
            wait_until(lambda: run.status().state not in LIVE)


def main() -> None:
    """Both parts, with a Chromium if there is one."""
    with sync_playwright() as playwright:
        path = chromium()
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS) if path else None
        part("auto", browser)
        part(1, browser)
        if browser:
            browser.close()
    print(f"on {os.cpu_count()} cores, headless, without a GPU" + ("" if path else "; no Chromium was found"))


if __name__ == "__main__":
    main()
