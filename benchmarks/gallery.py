"""The cost of the gallery: scoring the test set, and showing 100 images in another order, page or class.

Scoring is compared with the matrix products of the same network alone, the gallery with a bare Streamlit page
that shows each image with `st.image`. The server's answers are timed by websocket sessions, which do not
fetch the bare page's files, and in a real browser, which does. All take turns.
"""

import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from operator import truediv
from pathlib import Path
from typing import Any

import numpy as np
import torch
from playwright.sync_api import sync_playwright
from streamlit.proto.Common_pb2 import StringArray
from torch import nn

from benchmarks.sessions import Session
from benchmarks.targets import machine_load, median_and_maximum
from tests.support.browser import ARGUMENTS, SLOW, Server, chromium
from tests.support.paths import APP, BUNDLED
from tests.support.tensors import load
from vae.datasets.images import ImageArray
from vae.inference.forward import BATCH
from vae.inference.scored_set import ScoredSet
from vae.inference.scoring import score_images, scored_set
from vae.runs.run import Run

TURNS = 20
OURS, BARE = "the app", "bare"  # bare: the matrix products alone, or the bare page

BARE_PAGE = """
import numpy as np, streamlit as st
st.set_page_config(layout="wide")
test = st.cache_resource(lambda: dict(np.load("test.npz")), show_spinner=False)()
loss = test["loss"]
sorts = {"index": np.arange(len(loss)), "worst": -loss, "best": loss}
order = np.argsort(sorts[st.selectbox("Sort by", list(sorts), key="sort")], kind="stable")
page = st.pagination(len(loss) // 100, key="page")
columns = st.columns(5)
for place, i in enumerate(order[100 * (page - 1) : 100 * page]):
    columns[place % 5].image(test["pictures"][i], caption=f"{test['labels'][i]} · #{i} · {loss[i]:.1f}")
"""

# In the page: measures the milliseconds from the next click until the first image and all have changed.
WATCH = """() => {
  const pictures = () => {
    const grid = document.querySelector("[data-tiles=gallery]");
    if (grid) return [...grid.children].map((tile) => tile.dataset.number);
    const images = [...document.querySelectorAll("[data-testid=stImage] img")];
    return images.map((image) => image.complete && image.naturalWidth > 0 && image.src);
  };
  const before = new Set(pictures());
  window.waits = [];
  const look = (clicked) => {
    const fresh = pictures().map((name) => name && !before.has(name));
    if (fresh[0]) waits[0] ??= performance.now() - clicked;
    if (fresh.length === 100 && fresh.every(Boolean)) waits[1] = performance.now() - clicked;
    else requestAnimationFrame(() => look(clicked));
  };
  document.addEventListener("click", () => look(performance.now()), { capture: true, once: true });
}"""


def report(waits: dict[tuple[str, str], list[float]]) -> None:
    """Prints the waiting times in milliseconds, without those of the first turn, which warms up."""
    for (what, who), (_, *values) in waits.items():
        line = f"  {what:16} {who:7} {median_and_maximum(values)}"
        if who == OURS and (what, BARE) in waits:
            ratios = map(truediv, values, waits[what, BARE][1:])
            line += f"; ratio {statistics.median(ratios):.2f}"
        print(line)


@torch.no_grad()
def compare_scoring(run: Run) -> tuple[ScoredSet, ImageArray]:
    """Compares scoring and decoding the test set with the matrix products alone; returns both results."""
    torch.set_num_threads(1)
    model, scoring = run.load_model(), run.saved_model().model
    images, labels = (part.numpy() for part in load(run.config.dataset, train=False))
    parts = [part for half in (model.encoder, model.decoder, model.decoder) for part in half.modules()]
    layers = [part.weight for part in parts if isinstance(part, nn.Linear)]  # (narrow, wide)
    batches = [(torch.rand(BATCH, w.shape[1]), w.t(), torch.empty(BATCH, w.shape[0])) for w in layers]
    ours, bare = [], []
    for _ in range(TURNS // 2):
        started = time.perf_counter()
        test = scored_set(images, labels, score_images(scoring, images))
        decoded = scoring.decode(test.means)
        ended = time.perf_counter()
        for _ in range(len(images) // BATCH):
            for x, w, output in batches:
                torch.mm(x, w, out=output)
        ours.append(1000 * (ended - started))
        bare.append(1000 * (time.perf_counter() - ended))
    print(f"{len(images):,} test pictures by one thread:")
    report({("all scored", OURS): ours, ("all scored", BARE): bare})
    return test, decoded


async def change(tab: Session, name: str, **value: Any) -> float:
    """Changes a widget (`Session.change`); returns the milliseconds until the answer."""
    before = dict(tab.deltas)
    seconds = await tab.change(name, **value)
    assert not tab.errors, tab.errors
    assert before != tab.deltas, f"{name}: nothing changed"
    return 1000 * seconds


async def compare_answers(addresses: dict[str, str]) -> None:
    """Prints how long the server takes to answer each action."""
    tabs = {who: await Session.open(address) for who, address in addresses.items()}
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn in range(TURNS + 1):
        sort, digit = ("worst", "best", "index")[turn % 3], str(turn % 10)
        opened = json.dumps([{"event": "clicked", "value": turn}])
        for who, tab in tabs.items():
            waits["another sort", who].append(await change(tab, "sort", string_value=sort))
            waits["another page", who].append(await change(tab, "page", int_value=turn + 2))
        for what, name, value in (
            ("a picture opened", "gallery", {"json_trigger_value": opened}),
            ("the next one", "Next", {"trigger_value": True}),
            ("it is closed", "One image, closer", {"trigger_value": True}),
            ("a class chosen", "digit", {"string_array_value": StringArray(data=[digit])}),
            ("all classes", "digit", {"string_array_value": StringArray()}),
        ):
            waits[what, OURS].append(await change(tabs[OURS], name, **value))
    for tab in tabs.values():
        await tab.close()
    print(f"until the server has answered, {TURNS} times each:")
    report(waits)


def compare_in_browser(addresses: dict[str, str], path: str) -> None:
    """Prints the time from the click on a page number until the images are drawn."""
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        pages = {who: browser.new_page(viewport={"width": 1400, "height": 1100}) for who in addresses}
        for who, page in pages.items():
            page.goto(addresses[who])
        for number in range(2, TURNS + 3):  # forwards: a browser caches what it has shown
            for who, page in pages.items():
                button = page.get_by_role("button", name=f"Page {number}", exact=True).first
                button.wait_for(timeout=SLOW)
                page.evaluate(WATCH)
                button.click(timeout=SLOW)
                page.wait_for_function("waits[1]", timeout=SLOW)
                for what, wait in zip(("first picture", "all pictures"), page.evaluate("waits"), strict=True):
                    waits[what, who].append(wait)
    print(f"in a browser, from the click on a page number, {TURNS} times:")
    report(waits)


def main() -> None:
    test, decoded = compare_scoring(Run(BUNDLED))
    difference = np.abs(test.images.astype(np.int16) - decoded).astype(np.uint8)
    pictures = np.concatenate((test.images, decoded, difference), axis=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(BUNDLED, folder / "runs" / BUNDLED.name)
        np.savez(folder / "test.npz", pictures=pictures, labels=test.labels, loss=test.reconstruction)
        (folder / "bare.py").write_text(BARE_PAGE)
        with Server(APP, VAE_RUNS_DIR=str(folder / "runs")) as ours, Server(folder / "bare.py") as bare:
            addresses = {OURS: ours.address("reconstructions?show=100"), BARE: bare.address()}
            asyncio.run(compare_answers(addresses))
            if path := chromium():
                compare_in_browser(addresses, path)
    print(f"  {machine_load()} at the end, no GPU" + ("" if path else "; no Chromium was found"))


if __name__ == "__main__":
    main()
