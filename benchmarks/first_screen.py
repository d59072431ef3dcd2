"""What a visitor waits for, and what a visit costs, beside a bare Streamlit page with one empty chart.

Both pages take turns, each on a server of its own. `--training` has a training with two threads run beside.
Times are taken by scripts in the page. Processor time is that of the server's and of all of the browser's
processes, read from /proc, so only Linux has it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.latent_map import BARE, EMPTY_PAGE, OPENED, OURS, VIEWPORT, Row, settle, show
from benchmarks.targets import machine_load
from tests.support.browser import ARGUMENTS, Server, chromium, ready, serve_modules
from tests.support.paths import APP, BUNDLED, ROOT
from vae.runs.run import Run
from vae.runs.titles import title_of

FIRST, LATER, CHANGES = 3, 6, 6
TICKS = os.sysconf("SC_CLK_TCK")
CALM = 1500  # milliseconds: what a page still does after it has opened counts as part of its opening
PAGES = ("", "reconstructions", "compare", "train")
QUICK = ("--preset", "quick", "--epochs", "1", "--hidden-dims", "256", "256")

# In the page, from its start: how far elements jumped (Layout Instability API), and each place of the map.
WATCHED = """
window.shifts = [];
window.boxes = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) shifts.push([Math.round(each.startTime), each.value]);
}).observe({ type: "layout-shift", buffered: true });
const box = () => {
  const map = document.querySelector(".latent-map-plot");
  const { left, top, width, height } = map?.getBoundingClientRect() ?? {};
  const now = JSON.stringify([left, top, width, height].map(Math.round));
  if (map && boxes.at(-1)?.[1] !== now) boxes.push([Math.round(performance.now()), now]);
  requestAnimationFrame(box);
};
box();
"""
# In the page: milliseconds from the choice of another run until the map shows that and answers the pointer.
CHANGED = """(before) => {
  window.changed = null;
  const started = performance.now();
  const listening = new AbortController();
  const answered = ({ detail }) => {
    const map = document.querySelector(".latent-map");
    if (!detail.z || map.dataset.points === before) return;
    window.changed = performance.now() - started;
    listening.abort();
  };
  addEventListener("latent-hover", answered, { signal: listening.signal });
}"""
# On a page without Streamlit: milliseconds to load and draw an empty chart with the app's Plotly.
PLOTLY = """async (url) => {
  const box = document.body.appendChild(document.createElement("div"));
  const started = performance.now();
  const { loadPlotly } = await import("./charts/plotly.js");
  const Plotly = await loadPlotly(url);
  const loaded = performance.now();
  await Plotly.react(box, [], {});
  return [loaded - started, performance.now() - loaded];
}"""


class Visit(NamedTuple):
    """What the opening of a page took: seconds until it answered; processor seconds of server and browser."""

    seconds: float
    server: float
    browser: float
    shifts: float


def processes(root: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from processes(int(child))


def processor_seconds(pids: Iterator[int]) -> float:
    """What these processes have used so far, with those of their children that have ended."""
    total = 0.0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        total += sum(map(int, text.rpartition(")")[2].split()[11:15])) / TICKS
    return total


def chromium_processes() -> Iterator[int]:
    """The processes of the browser that this process has started."""
    for pid in processes(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/comm").read_text()
        except OSError:
            continue
        if command.startswith("chrom"):
            yield pid


def memory(pid: int) -> float:
    """Megabytes of a process that are in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1000


def move_until(page: Page, finished: str) -> float:
    """Moves the pointer over the map until this expression is set, and returns that."""
    value, step = None, 0
    while not value:
        page.mouse.move(500 + 5 * (step := step + 1) % 200, 550)
        value = page.evaluate(finished)
    return float(value)


def visit(browser: Browser, server: Server, path: str = "") -> Visit:
    """Opens a page in a new browser profile, which has nothing cached."""
    with browser.new_context(viewport=VIEWPORT) as context:
        before = processor_seconds(processes(server.process.pid)), processor_seconds(chromium_processes())
        page = context.new_page()
        page.add_init_script(OPENED)
        page.add_init_script(WATCHED)
        page.goto(server.address(path), wait_until="commit")
        seconds = move_until(page, "window.opened") / 1000
        page.wait_for_timeout(CALM)
        after = processor_seconds(processes(server.process.pid)), processor_seconds(chromium_processes())
        shifts = sum(value for _, value in page.evaluate("shifts"))
        if os.environ.get("BOXES"):
            print(page.evaluate("[shifts, boxes]"))
    return Visit(seconds, after[0] - before[0], after[1] - before[1], shifts)


def rows(what: str, visits: dict[str, list[Visit]], reach: float) -> list[Row]:
    """Rows of the seconds until both pages answered, and of their difference turn by turn."""
    seconds = {who: [each.seconds for each in them] for who, them in visits.items()}
    more = [ours - bare for ours, bare in zip(seconds[OURS], seconds[BARE], strict=True)]
    return [
        *(Row(what, who, values, "s") for who, values in seconds.items()),
        Row(what, "difference", more, "s", f"≤ {reach} s"),
    ]


def measure_first(browser: Browser, servers: dict[str, Server]) -> list[Row]:
    """The first visit of a new server."""
    visits: dict[str, list[Visit]] = {who: [] for who in servers}
    for _ in range(FIRST):
        for who, server in servers.items():
            server.stop()
            server.start()
            visits[who].append(visit(browser, server))
    return rows("first visit of a new server", visits, 1.0)


def measure_later(browser: Browser, servers: dict[str, Server]) -> list[Row]:
    """Later visits, and what these cost."""
    visits: dict[str, list[Visit]] = {who: [] for who in servers}
    for _ in range(LATER):
        for who, server in servers.items():
            visits[who].append(visit(browser, server))
    costs = [
        Row(f"processor time, {part}", who, [getattr(each, part) for each in them], "s")
        for part in ("server", "browser")
        for who, them in visits.items()
    ]
    both = [
        Row("processor time, both", who, [each.server + each.browser for each in them], "s", reach)
        for (who, them), reach in zip(visits.items(), ("≤ 4 s", ""), strict=True)
    ]
    shifts = [Row("layout shifts", who, [each.shifts for each in them], "") for who, them in visits.items()]
    return [*rows("later visit", visits, 0.7), *costs, *both, *shifts]


def measure_plotly(browser: Browser, server: Server) -> list[Row]:
    """What Plotly alone costs: a page without Streamlit that loads it and draws an empty chart."""
    with browser.new_context(viewport=VIEWPORT) as context:
        page = context.new_page()
        page.goto(server.address())
        ready(page, "map")
        url = page.evaluate("document.querySelector('script[src*=plotly]').src")
    loads, draws, costs = [], [], []
    with serve_modules() as address:
        for _ in range(LATER):
            with browser.new_context(viewport=VIEWPORT) as context:
                page = context.new_page()
                page.goto(address)
                page.wait_for_timeout(CALM)
                before = processor_seconds(chromium_processes())
                load, draw = page.evaluate(PLOTLY, url)
                page.wait_for_timeout(CALM)
                costs.append(processor_seconds(chromium_processes()) - before)
                loads.append(load / 1000)
                draws.append(draw / 1000)
    return [
        Row("Plotly alone: loading", OURS, loads, "s"),
        Row("Plotly alone: an empty chart", OURS, draws, "s"),
        Row("Plotly alone: processor time", OURS, costs, "s"),
    ]


def measure_changes(browser: Browser, server: Server, runs: list[Run]) -> list[Row]:
    """From the choice of another of two runs in the box until its map answers the pointer."""
    row = Row("opening another run", OURS, [], "s", "≤ 1 s")
    with browser.new_context(viewport=VIEWPORT) as context:
        page = context.new_page()
        page.goto(server.address(f"?run={runs[0].name}"))
        settle(page)
        for turn in range(CHANGES + 2):
            page.get_by_test_id("stSidebar").get_by_role("combobox").click()
            option = page.get_by_role("option", name=title_of(runs[(turn + 1) % 2]), exact=True)
            option.wait_for()
            page.evaluate(CHANGED, page.locator(".latent-map").get_attribute("data-points"))
            option.click()
            seconds = move_until(page, "window.changed") / 1000
            if turn > 1:  # the server has both then
                row.values.append(seconds)
            settle(page)
    return [row]


def measure_memory(browser: Browser, server: Server) -> list[Row]:
    """The server's memory after all pages were visited once."""
    server.stop()
    server.start()
    with browser.new_context(viewport=VIEWPORT) as context:
        page = context.new_page()
        for path in PAGES:
            page.goto(server.address(path))
            page.wait_for_timeout(5 * CALM)
    return [Row("the server's memory, all pages", OURS, [memory(server.process.pid)], "MB", "≤ 230 MB")]


def other_run(runs: Path) -> Run:
    """Trains a second run for an epoch, and returns it."""
    subprocess.run(
        [sys.executable, "-m", "vae", "train", *QUICK],
        env={**os.environ, "VAE_RUNS_DIR": str(runs)},
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return next(
        Run(each)
        for each in runs.iterdir()
        if each.name != BUNDLED.name and (each / "model.safetensors").exists()
    )


@contextmanager
def training_beside(folder: Path) -> Iterator[None]:
    """A training with two threads, while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vae", "train", "--threads", "2", "--epochs", "1000"],
        env={**os.environ, "VAE_RUNS_DIR": str(folder)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(15)  # until it trains
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--training", action="store_true", help="with a training of two threads beside")
    parser.add_argument("--only", nargs="*", help="first, later, plotly, changes, memory")
    arguments = parser.parse_args()
    path = chromium()
    if path is None:
        print("No Chromium: nothing was measured.")
        return
    wanted = set(arguments.only or ("first", "later", "plotly", "changes", "memory"))
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        shutil.copytree(BUNDLED, folder / "runs" / BUNDLED.name)
        (folder / "empty.py").write_text(EMPTY_PAGE)
        runs = [Run(folder / "runs" / BUNDLED.name)]
        if "changes" in wanted:
            runs.append(other_run(folder / "runs"))
        ours = Server(APP, VAE_RUNS_DIR=str(folder / "runs"))
        bare = Server(folder / "empty.py", STREAMLIT_BROWSER_GATHER_USAGE_STATS="false")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        servers = {OURS: ours, BARE: bare}
        with ours, bare, training_beside(folder / "beside") if arguments.training else nullcontext():
            print(f"the first screen, no GPU, {machine_load()}:", flush=True)
            if "first" in wanted:
                show(measure_first(browser, servers))
            for server in servers.values():
                visit(browser, server)
            if "later" in wanted:
                show(measure_later(browser, servers))
            if "plotly" in wanted:
                show(measure_plotly(browser, ours))
            if "changes" in wanted:
                show(measure_changes(browser, ours, runs))
            if "memory" in wanted:
                show(measure_memory(browser, ours))
        print(f"  {machine_load()} at the end")


if __name__ == "__main__":
    main()
