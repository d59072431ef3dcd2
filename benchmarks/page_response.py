"""How long a visitor waits: for the first page, and for the picture after a click.

Beside the app runs a bare Streamlit page, with an empty chart and a scatter of as many points whose selection
re-runs the script and shows a picture: what one gets without a component. Real browser, in turns.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import APP, ARGUMENTS, Server, chromium

LOADS, CLICKS = 5, 15

BARE = """
import numpy as np, plotly.graph_objects as go, streamlit as st
st.set_page_config(layout="wide")
st.plotly_chart(go.Figure(), key="empty")
points = np.random.default_rng(0).normal(size=(10_000, 2))
figure = go.Figure(go.Scattergl(x=points[:, 0], y=points[:, 1], mode="markers"))
chosen = st.plotly_chart(figure, key="points", on_select="rerun")
index = chosen.selection.point_indices[0] if chosen.selection.point_indices else 0
st.image(np.full((28, 28), index % 256, np.uint8), width=280)
st.write(f"z = {index}")
"""


def seconds_to_map(page: Page, address: str, selector: str) -> float:
    """From asking for the address until the map is drawn."""
    started = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(selector, timeout=60_000)
    return time.perf_counter() - started


def seconds_to_picture(page: Page, chart: str, x: int, y: int) -> float:
    """From a click at (x, y) of the chart until the line beneath the picture has changed."""
    box = page.locator(chart).bounding_box()
    assert box is not None
    line = page.get_by_text("z =").first
    before = line.text_content()
    started = time.perf_counter()
    page.mouse.click(box["x"] + x, box["y"] + y)
    while line.text_content() == before:
        if time.perf_counter() - started > 5:  # an empty place of the bare chart reports nothing
            return float("nan")
    return time.perf_counter() - started


def main() -> None:
    """Prints both pages' seconds and the ratios."""
    browser_path = chromium()
    if browser_path is None:
        print("No Chromium: the pages were not measured.")
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        browser = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        with Server(APP) as ours, Server(script) as bare:
            kinds = {
                "the app": (ours.address(), '[data-live-figure="map"][data-ready="true"]', ".nsewdrag"),
                "bare Streamlit": (bare.address(), ".js-plotly-plot >> nth=1", ".js-plotly-plot >> nth=1"),
            }
            loads: dict[str, list[float]] = {kind: [] for kind in kinds}
            clicks: dict[str, list[float]] = {kind: [] for kind in kinds}
            for turn in range(LOADS + 1):
                for kind, (address, drawn, chart) in kinds.items():
                    page = browser.new_page(viewport={"width": 1400, "height": 1100})
                    seconds = seconds_to_map(page, address, drawn)
                    if turn == 0:
                        print(f"{kind}: first visit of a new server {seconds:.2f} s")
                    else:
                        loads[kind].append(seconds)
                    page.wait_for_timeout(1000)
                    for number in range(CLICKS // LOADS):
                        place = (250 + 20 * turn + 5 * number, 200 + 10 * number)
                        clicks[kind].append(seconds_to_picture(page, chart, *place))
                        page.wait_for_timeout(300)
                    page.close()
        browser.close()
    for what, seconds_of in (("until the map is drawn", loads), ("from click to picture", clicks)):
        print(f"{what}, median:")
        medians = {}
        for kind, values in seconds_of.items():
            answered = [value for value in values if value == value]  # without those that got no answer
            medians[kind] = statistics.median(answered)
            print(f"  {kind:15} {1000 * medians[kind]:6.0f} ms ({len(answered)} of {len(values)} answered)")
        print(f"  ratio {medians['the app'] / medians['bare Streamlit']:.2f}")
    print(f"on {os.cpu_count()} cores, headless, without a GPU")


if __name__ == "__main__":
    main()
