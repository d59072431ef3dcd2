"""The cost of the time machine in a real browser without a GPU: frames per second, and the time of a seek.

The run has the network of `best` and two epochs; its map shows 10,000 test pictures over the manifold. All
times are taken by scripts in the page.
"""

import tempfile
from statistics import median

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.latent_map import settle
from benchmarks.targets import Measurement, machine_load, show
from tests.support.browser import ARGUMENTS, SLOW, Server, chromium
from tests.support.latent_page import TIMELINE
from tests.support.paths import APP
from vae.config import TrainConfig
from vae.training.loop import train

EPOCHS, SEEKS, COLD, PLAYS = 2, 20, 6, 3
FRAMES, LATENCY = 20, 100  # targets: frames per second at least, milliseconds at most

# In the page: plays from the first moment to the last, and returns the times at which points were drawn.
PLAY = """async (speed) => {
  const timeline = TIMELINE;
  timeline.seek(0);
  timeline.playback.speed = Number(speed);
  await new Promise((done) => setTimeout(done, 2000));
  const drawn = new Set(); // a frame counts once
  const context = document.querySelector(".latent-map-points").getContext("2d");
  context.putImageData = function (...image) {
    drawn.add(document.timeline.currentTime);
    CanvasRenderingContext2D.prototype.putImageData.apply(this, image);
  };
  timeline.playback.play();
  while (timeline.playback.playing) await new Promise(requestAnimationFrame);
  delete context.putImageData;
  return [...drawn];
}""".replace("TIMELINE", TIMELINE)
# In the page: milliseconds from moving the slider until points, pictures and text of a moment are painted,
# and until the manifold is whole.
SEEK = """async (index) => {
  const slider = document.querySelector(".time-machine [type=range]");
  const timeline = TIMELINE;
  const behind = document.querySelector(".latent-map-manifold");
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const started = performance.now();
  slider.value = index;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  while (timeline.scene?.index !== index) await frame();
  await frame();
  const seen = performance.now() - started;
  while (behind.dataset.pending !== "0") await frame();
  return [seen, performance.now() - started];
}""".replace("TIMELINE", TIMELINE)


def seek_times(page: Page, indices: list[int]) -> tuple[list[float], list[float]]:
    """Milliseconds until each moment was drawn, and until its manifold was complete."""
    seen, whole = zip(*(page.evaluate(SEEK, index) for index in indices), strict=True)
    return list(seen), list(whole)


def main() -> None:
    path = chromium()
    if path is None:
        print("No Chromium: the time machine was not measured.")
        return
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        run = train(TrainConfig.preset("best", epochs=EPOCHS), name)
        last = len(run.snapshots()) - 1
        print(f"the time machine over {last + 1} moments, no GPU, {machine_load()}:")
        with Server(APP, VAE_RUNS_DIR=name) as server:
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(server.address())
            page.wait_for_selector(".time-machine[data-step]", timeout=SLOW)
            settle(page)
            order = np.random.default_rng(0).permutation(last).tolist()
            cold, _ = seek_times(page, order[:COLD])
            page.get_by_role("slider", name="Moment of the training").hover()
            page.wait_for_load_state("networkidle")
            first, whole = seek_times(page, order[COLD:SEEKS])
            again, _ = seek_times(page, order[:SEEKS])
            show(
                [
                    Measurement("slider to a moment not fetched yet, median", median(cold), "ms", LATENCY),
                    Measurement("to one fetched as the pointer came, median", median(first), "ms", LATENCY),
                    Measurement("to one seen before, median", median(again), "ms", LATENCY),
                    Measurement("the slowest of the latter two", max(first + again), "ms", LATENCY),
                ]
            )
            print(f"  the manifold is whole after {median(whole):.0f} ms, median")
            for speed in ("1", "4"):
                plays = [np.diff(page.evaluate(PLAY, speed)) for _ in range(PLAYS)]
                rate = median(1000 / float(times.mean()) for times in plays)
                what = f"frames a second at speed {speed}, median of {PLAYS} plays"
                show([Measurement(what, rate, "/s", FRAMES, at_least=True)])
                times = np.concatenate(plays)
                late = np.quantile(times, 0.95)
                print(f"  95 % of them after {late:.0f} ms at most, the slowest after {times.max():.0f}")
    print(f"  {machine_load()} at the end")


if __name__ == "__main__":
    main()
