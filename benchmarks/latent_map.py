"""The cost of the Latent page in a real browser: opening, hovering, clicking, zooming, and network traffic.

It is compared with a page of Streamlit's own elements, with Streamlit's default settings. That page shows the
same points in a chart; selecting a point runs the script again, which decodes the image with torch. For the
time to open, it has only an empty chart. The pages take turns. All times are taken by scripts in the page, so
that they leave out the communication with the browser.
"""

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, WebSocket, sync_playwright

from benchmarks.targets import machine_load
from tests.support.browser import ARGUMENTS, SLOW, Server, chromium, click_at, place_on, ready
from tests.support.paths import APP, BUNDLED, ROOT
from tests.support.tensors import load
from vae.inference.scored_set import Floats
from vae.runs.run import Run
from vae.training.scoring import encode_set

LOADS, CLICKS, HOVERS, ZOOMS, RERUNS = 6, 30, 3, 20, 5
MOVES = 240  # of the pointer, one a frame: four seconds
WHEELS = 8  # turns of the wheel in a zoom, which enlarge 2.2 times
ZOOMS_IN_A_ROW = 5
SLOW_FRAME = 50  # milliseconds
OURS, CROWDED, BARE = "the app", "60,000 points", "bare Streamlit"
DECODED_IMAGE = ".look-chosen"
SETTLE = 700  # milliseconds after which the page has settled
VIEWPORT: ViewportSize = {"width": 1400, "height": 900}

EMPTY_PAGE = """
import plotly.graph_objects as go, streamlit as st
st.set_page_config(layout="wide")
st.plotly_chart(go.Figure(), key="empty")
"""
# One thread for torch: more are slower for a single picture.
BARE_PAGE = """
from pathlib import Path
import numpy as np, plotly.graph_objects as go, streamlit as st, torch
from vae.runs.run import Run
st.set_page_config(layout="wide")
torch.set_num_threads(1)
model = st.cache_resource(lambda: Run(Path("RUN")).load_model())()
means = st.cache_resource(lambda: np.load("means.npy"))()
figure = go.Figure(go.Scattergl(x=means[:, 0], y=means[:, 1], mode="markers"))
chosen = st.plotly_chart(figure, key="points", on_select="rerun").selection.points
z = [chosen[0]["x"], chosen[0]["y"]] if chosen else [0.0, 0.0]
with torch.no_grad():
    picture = model.decode(torch.tensor([z]))[0, 0].numpy()
st.image(picture, width=280)
"""

# In the page, from its start: records when the map first reacts to the pointer, or the empty chart is there.
OPENED = """
addEventListener("latent-hover", ({ detail }) => {
  if (detail.z) window.opened ??= performance.now();
});
const look = () => {
  if (document.querySelector(".stPlotlyChart .nsewdrag")) window.opened ??= performance.now();
  if (!window.opened) requestAnimationFrame(look);
};
look();
"""
# In the page: measures the milliseconds from the next click until another image is painted.
CLICKED = """(picture) => {
  const source = () => {
    const shown = document.querySelector(picture); // a canvas of ours, with its z, or an image
    return shown?.dataset.z ?? (shown?.complete && shown.naturalWidth ? shown.src : null);
  };
  const before = source();
  window.waited = null;
  const look = (clicked) => {
    if ([before, null].includes(source())) requestAnimationFrame(() => look(clicked));
    else setTimeout(() => (window.waited = performance.now() - clicked)); // after this frame
  };
  const start = ({ timeStamp }) => look(timeStamp);
  addEventListener("pointerup", start, { capture: true, once: true });
}"""
# In the page: records every frame, and every place that is decoded, from now on.
WATCHED = """() => {
  window.watched?.stop.abort();
  const watched = (window.watched = { stop: new AbortController(), frames: [], looks: new Set() });
  const { signal } = watched.stop;
  addEventListener("latent-hover", ({ detail }) => watched.looks.add(String(detail.z)), { signal });
  const frame = (time) => {
    watched.frames.push(time);
    if (!signal.aborted) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
# In the page: returns the milliseconds of each of many decodings, by the run's decoder or a random one.
DECODED = """async (hidden) => {
  let { decode, source } = await decodersOfThisApp.get(document.querySelector(".latent-map").dataset.decoder);
  const random = (scale) => scale * (2 * Math.random() - 1);
  if (hidden.length) {
    const sizes = [2, ...hidden, 784];
    const layers = sizes.slice(1).flatMap((outputs, k) => [
      { kind: "dense", inputs: sizes[k], outputs },
      { kind: k < hidden.length ? "relu" : "sigmoid" },
    ]);
    const count = sizes.slice(1).reduce((sum, outputs, k) => sum + (sizes[k] + 1) * outputs, 0);
    const { makeDecoder } = (0, eval)(`(${source})()`);
    decode = makeDecoder(layers, Float32Array.from({ length: count }, () => random(0.1)));
  }
  return Array.from({ length: 600 }, () => {
    const z = [random(4), random(4)];
    const started = performance.now();
    decode(z);
    return performance.now() - started;
  }).slice(50);
}"""
# In the page: turns the wheel several times in one frame, as in a quick zoom; returns the milliseconds from
# the last turn until all digits of the manifold's window are drawn, or null if they were not drawn again.
TILED = """async ([x, y, turns]) => {
  const canvas = document.querySelector(".latent-map-manifold");
  let whole = null;
  new MutationObserver(() => {
    if (canvas.dataset.pending !== "0") whole = null;
    else whole ??= performance.now();
  }).observe(canvas, { attributeFilter: ["data-pending"] });
  await new Promise(requestAnimationFrame);
  const place = { clientX: x, clientY: y, deltaY: -100, bubbles: true, cancelable: true };
  const target = document.elementFromPoint(x, y);
  for (let turn = 0; turn < turns; turn++) target.dispatchEvent(new WheelEvent("wheel", place));
  const ended = performance.now();
  await new Promise((done) => setTimeout(done, 2000));
  return whole === null ? null : Math.max(whole - ended, 0);
}"""


class Row(NamedTuple):
    """A row of the table: what was measured on which page, the values and the target."""

    what: str
    who: str
    values: list[float]
    unit: str = "ms"
    target: str = ""


def show(rows: list[Row]) -> None:
    """Prints the median and the range of each."""
    for what, who, values, unit, target in rows:
        median = statistics.median(values)
        digits = 0 if median >= 20 or median == 0 else 2
        span = f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"
        print(f"  {what:30} {who:15} {median:9,.{digits}f} {unit:3} {span:>18}  {target}", flush=True)


def settle(page: Page) -> None:
    """Waits until the whole map is drawn and the page has settled."""
    ready(page, "map")
    page.wait_for_selector('.latent-map-manifold[data-pending="0"]', state="attached", timeout=SLOW)
    page.wait_for_timeout(SETTLE)


def open_map(browser: Browser, address: str, pixel_ratio: int = 1) -> Page:
    """A new browser page with the map."""
    page = browser.new_page(viewport=VIEWPORT, device_scale_factor=pixel_ratio)
    page.goto(address)
    settle(page)
    return page


def open_bare(browser: Browser, address: str) -> Page:
    """A new browser page with the bare Streamlit page; its chart gets the key of our map."""
    page = browser.new_page(viewport=VIEWPORT)
    page.goto(address)
    page.wait_for_selector(".stPlotlyChart .nsewdrag", timeout=SLOW)
    page.wait_for_selector(".stImage img", timeout=SLOW)
    page.locator(".stPlotlyChart").evaluate("(chart) => (chart.dataset.chart = 'map')")
    page.wait_for_timeout(SETTLE)
    return page


def seconds_to_open(context: BrowserContext, address: str) -> float:
    """Seconds from the request for the page until the map reacts to the pointer, which moves all the time."""
    page = context.new_page()
    page.add_init_script(OPENED)
    page.goto(address, wait_until="commit")
    opened, step = None, 0
    while not opened:
        page.mouse.move(600 + 5 * (step := step + 1) % 200, 550)
        opened = page.evaluate("window.opened")
    page.close()
    return float(opened) / 1000


def measure_opening(browser: Browser, addresses: dict[str, str]) -> list[Row]:
    """Seconds until each page reacts to the pointer: with nothing cached, and on the second visit."""
    first, again = (
        {who: Row(what, who, [], "s", "" if who == BARE else "≤ bare + 1 s") for who in addresses}
        for what in ("open, nothing cached", "open again")
    )
    for turn in range(LOADS + 1):
        for who, address in addresses.items():
            with browser.new_context(viewport=VIEWPORT) as context:
                seconds = seconds_to_open(context, address)
                if turn == 0:
                    print(f"  first visit of a new server: {who} {seconds:.2f} s")
                else:
                    first[who].values.append(seconds)
                    again[who].values.append(seconds_to_open(context, address))
    return [*first.values(), *again.values()]


def measure_decoding(page: Page) -> list[Row]:
    """Milliseconds of a forward pass of the decoder in the browser."""
    rows = []
    for what, hidden in (("the bundled run", []), ("3 × 512", [512] * 3)):
        values = page.evaluate(DECODED, hidden)
        late = statistics.quantiles(values, n=20)[-1]
        rows.append(Row(f"a decode, {what}", f"95 %: {late:.2f}", values, "ms", "< 4 ms"))
    return rows


def pixels(page: Page, places: Floats) -> Floats:
    """The positions on the screen of places (N, 2) of the map."""
    origin, one = (np.array(place_on(page, "map", at, at)) for at in (0, 1))
    return origin + places * (one - origin)


def measure_hovering(pages: dict[str, tuple[Page, str]]) -> list[Row]:
    """Frames and digits per second while the pointer moves steadily over each map."""
    frames = {who: Row("hovering: frames", who, [], "/s", target) for who, (_, target) in pages.items()}
    digits = {who: Row("hovering: digits", who, [], "/s") for who in pages if who != BARE}
    slow = {who: Row(f"hovering: frames over {SLOW_FRAME} ms", who, [], "") for who in pages}
    for turn in range(HOVERS + 1):
        angle = np.linspace(0, 2 * np.pi, MOVES) + turn  # a closed curve on the map, another one each turn
        places = np.stack((3 * np.cos(3 * angle), 2 * np.sin(2 * angle - turn)), axis=1)
        for who, (page, _) in pages.items():
            page.bring_to_front()
            track = pixels(page, places)
            page.evaluate(WATCHED)
            for place in track.tolist():
                page.mouse.move(*place)
            times, looks = page.evaluate("[watched.frames, watched.looks.size]")
            page.evaluate("watched.stop.abort()")
            between = np.diff(times)
            if turn > 0:
                frames[who].values.append(1000 / float(between.mean()))
                slow[who].values.append(int((between > SLOW_FRAME).sum()))
                if who in digits:
                    digits[who].values.append(1000 * looks / float(between.sum()))
    return [*frames.values(), *digits.values(), *slow.values()]


def measure_clicks(pages: dict[str, tuple[Page, str]], means: Floats) -> list[Row]:
    """Milliseconds from a click on a point until its image is drawn, for the same points on each page."""
    rows = {who: Row("click to picture", who, []) for who in pages}
    for turn, (x, y) in enumerate(np.random.default_rng(0).choice(means, CLICKS + 2).tolist()):
        for who, (page, picture) in pages.items():
            page.bring_to_front()
            page.evaluate(CLICKED, picture)
            click_at(page, "map", x, y)
            page.wait_for_function("window.waited", timeout=SLOW)
            if turn > 1:
                rows[who].values.append(page.evaluate("window.waited"))
            page.wait_for_timeout(SETTLE)
    ratio = statistics.median(rows[OURS].values) / statistics.median(rows[BARE].values)
    rows[OURS] = rows[OURS]._replace(target=f"< 100 ms; {ratio:.2f} of bare, ≤ 0.5")
    return [*rows.values()]


def measure_zooms(page: Page, means: Floats, pixel_ratio: int) -> list[Row]:
    """Milliseconds from the end of a zoom until all of the window's digits are drawn."""
    row = Row("zoom, until all is tiled", f"pixel ratio {pixel_ratio}", [], target="≤ 300 ms")
    page.bring_to_front()
    for turn, place in enumerate(np.random.default_rng(1).choice(means, ZOOMS)):
        if turn % ZOOMS_IN_A_ROW == 0:  # the next zooms go ever deeper, so that most digits are new
            page.locator(".latent-map-plot").press("0")
            settle(page)
            [[x, y]] = pixels(page, place[None]).tolist()
        row.values.append(page.evaluate(TILED, [x, y, WHEELS]))
    page.locator(".latent-map-plot").press("0")
    settle(page)
    return [row]


def measure_traffic(page: Page, means: Floats) -> list[Row]:
    """Kilobytes that the server sends after a click, and after a re-run in which nothing has changed."""
    frames: list[int] = []  # their sizes

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(len(frame)))

    page.bring_to_front()
    page.on("websocket", listen)
    page.reload()
    settle(page)
    clicked = Row("a click brings", OURS, [], "kB")
    rerun = Row("a re-run without a change", OURS, [], "kB", "< 10 kB")
    for x, y in np.random.default_rng(2).choice(means, RERUNS).tolist():
        frames.clear()
        click_at(page, "map", x, y)
        page.wait_for_timeout(2 * SETTLE)
        clicked.values.append(sum(frames) / 1000)
        for _ in range(2):  # the first run also reads the URL that the click wrote
            frames.clear()
            page.keyboard.press("r")  # Streamlit's own key
            page.wait_for_timeout(2 * SETTLE)
        rerun.values.append(sum(frames) / 1000)
    return [clicked, rerun]


def main() -> None:
    path = chromium()
    if path is None:
        print("No Chromium: the Latent page was not measured.")
        return
    run = Run(BUNDLED)
    means = encode_set(run.load_model(), load(run.config.dataset, train=False)[0])[0].numpy()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        folder = Path(name)
        shutil.copytree(BUNDLED, folder / "runs" / BUNDLED.name)
        np.save(folder / "means.npy", means)
        (folder / "bare.py").write_text(BARE_PAGE.replace("RUN", f"runs/{BUNDLED.name}"))
        (folder / "empty.py").write_text(EMPTY_PAGE)
        settings = {"PYTHONPATH": str(ROOT), "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
        with (
            Server(APP, VAE_RUNS_DIR=str(folder / "runs")) as ours,
            Server(folder / "bare.py", **settings) as bare,
            Server(folder / "empty.py", **settings) as empty,
        ):
            print(f"the Latent page of {run.name}, no GPU, {machine_load()}:")
            show(measure_opening(browser, {OURS: ours.address(), BARE: empty.address()}))
            with open_map(browser, ours.address()) as page, open_bare(browser, bare.address()) as other:
                show(measure_decoding(page))
                show(measure_clicks({OURS: (page, DECODED_IMAGE), BARE: (other, ".stImage img")}, means))
                with open_map(browser, ours.address("?pictures=training")) as crowded:
                    pages = {OURS: (page, "≥ 50"), CROWDED: (crowded, "≥ 30"), BARE: (other, "")}
                    show(measure_hovering(pages))
                show(measure_zooms(page, means, 1))
                show(measure_traffic(page, means))
            with open_map(browser, ours.address(), pixel_ratio=2) as page:
                show(measure_zooms(page, means, 2))
    print(f"  {machine_load()} at the end")


if __name__ == "__main__":
    main()
