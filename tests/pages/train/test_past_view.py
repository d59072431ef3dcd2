"""The time machine on the Train page: what it asks of the server, what is seen of a run, finished or live."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.components.runs import loaded_model, run_moments
from tests.pages.map.test_time_machine import BETWEEN, model_of, places, seek, seen
from tests.support.app_test import PAGES, component, visit
from tests.support.browser import Workshop, ready
from tests.support.latent_page import decoded, digit, next_frame
from vae.runs.checkpoints import load_snapshot
from vae.runs.run import Run

# Where the lines stand, by the numbers of the figure's x axis; none that is hidden.
CURSORS = """() => [...document.querySelectorAll(".live-figure-cursor:not([hidden])")].map((line) => {
    const chart = document.querySelector("[data-chart=curves] .js-plotly-plot");
    const { left } = chart.getBoundingClientRect();
    const axes = Object.values(chart._fullLayout._plots).map(({ xaxis }) => xaxis);
    const middle = line.getBoundingClientRect().left + line.offsetWidth / 2 - left;
    const own = axes.find((axis) => middle >= axis._offset - 2 && middle <= axis._offset + axis._length + 2);
    return own.p2d(middle - own._offset);
})"""
# Where on the screen a place of a panel's x axis is.
PANEL = """([number, x]) => {
    const chart = document.querySelector("[data-chart=curves] .js-plotly-plot");
    const { left, top } = chart.getBoundingClientRect();
    const { xaxis, yaxis } = Object.values(chart._fullLayout._plots)[number];
    return [left + xaxis._offset + xaxis.d2p(x), top + yaxis._offset + yaxis._length / 2];
}"""
# Not by `visit`, whose module imports torch.
TORCHLESS = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("app.py", default_timeout=60)
page.switch_page("pages/train.py").run()
sliders = sum('"key": "rewind"' in part.proto.json for part in page.get("bidi_component"))
sys.exit(10 * sliders + ("torch" in sys.modules))
"""


@pytest.mark.usefixtures("runs_dir")
def test_until_somebody_goes_back_the_page_does_without_torch() -> None:
    code = subprocess.run([sys.executable, "-c", TORCHLESS], check=False).returncode
    assert code == 10  # a slider, and no torch


def test_the_steps_are_known_and_going_back_brings_the_rest(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    test = visit(PAGES[2], run=run.name)
    known = run_moments.load_from_names(run, live=False)
    assert [moment.step for moment in known.moments] == [int(path.stem) for path in run.snapshots()]
    assert component(test, "rewind")["moments"] == known.name
    assert not any('"key": "then"' in part.proto.json for part in test.get("bidi_component"))
    test = visit(PAGES[2], {"rewind": {"touched": True}}, run=run.name)
    whole = run_moments.load(run, loaded_model.load(run))
    assert component(test, "rewind")["moments"] == whole.name
    assert component(test, "then")["decoder"] == whole.decoder
    # Where they lie on the curves is the same by the log as by the snapshots.
    for one, other in zip(known.moments, whole.moments, strict=True):
        assert one.epoch == pytest.approx(other.epoch)
    # Seconds are interpolated: how near they come depends on how evenly the machine went.
    seconds = [float(moment.seconds or 0) for moment in known.moments]
    assert seconds == sorted(seconds)
    assert seconds[-1] == pytest.approx(whole.moments[-1].seconds, abs=0.05)


def test_the_weights_of_a_stop_between_two_snapshots_are_the_last_moment(
    runs_dir: Path, trained: Run
) -> None:
    run = Run(runs_dir / trained.name)
    run.snapshots()[-1].unlink()
    steps = [int(path.stem) for path in run.snapshots()]
    last = run_moments.load_from_names(run, live=False).moments[-1]
    assert (last.step, last.epoch) == (run.status().step, 3)
    assert last.step > steps[-1]


def test_of_a_live_run_all_snapshots_are_moments_and_the_end_is_live(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    for found in (
        run_moments.load_from_names(run, live=True),
        run_moments.load(run, loaded_model.load(run), live=True),
    ):
        *earlier, end = found.moments
        assert [moment.step for moment in earlier] == [int(path.stem) for path in run.snapshots()]
        assert (end.url, end.epoch, end.train, end.test) == (None, None, None, None)
        assert found.live


@pytest.fixture
def run(trained: Run, workshop: Workshop) -> Run:
    """A copy of the small run, which a server shows."""
    return Run(shutil.copytree(trained.path, workshop.runs / trained.name))


@pytest.mark.browser
def test_a_click_on_a_curve_goes_to_that_moment(workshop: Workshop, page: Page, run: Run) -> None:
    page.goto(workshop.address("train"))
    ready(page, "curves")
    paths = run.snapshots()
    machine = page.locator(".time-machine")
    expect(machine.locator("[type=range]")).to_have_value(str(len(paths) - 1))
    assert page.evaluate(CURSORS) == []
    expect(page.locator(".st-key-newest")).to_be_visible()
    for panel, number in ((1, 4), (2, 1)):
        snapshot = load_snapshot(paths[number], run.config)
        assert snapshot.metrics is not None
        # A little beside it.
        page.mouse.click(*page.evaluate(PANEL, [panel, snapshot.metrics.epoch + 0.01]))
        seen(page, int(paths[number].stem))
        assert page.evaluate(CURSORS) == pytest.approx([snapshot.metrics.epoch] * 3, abs=0.01)
        expect(page).to_have_url(re.compile(f"step={int(paths[number].stem)}"))
        ready(page, "then")
        expect(page.locator(".latent-map[data-past]")).to_be_visible()
        assert np.array_equal(places(page), snapshot.mean.astype(np.float32))
        page.locator(".latent-map-plot").scroll_into_view_if_needed()
        next_frame(page)
        box = page.locator(".latent-map-plot .nsewdrag").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
        expect(page.locator(".latent-map-tooltip")).to_be_visible()
        next_frame(page)
        z, drawn = digit(page.locator(".latent-map-tooltip"))
        assert np.abs(drawn - decoded(model_of(run, snapshot), z)).max() <= 0.51
        expect(page.locator(".st-key-newest")).to_be_hidden()
        page.locator("[data-chart=curves]").scroll_into_view_if_needed()
        next_frame(page)
        # A double click shows the whole figure again, and leads nowhere.
        page.mouse.dblclick(*page.evaluate(PANEL, [panel, 0]))
        expect(machine.locator("[type=range]")).to_have_value(str(number))
    # The line goes with the slider, over whatever the curves are.
    page.get_by_role("radio", name="steps", exact=True).click()
    ready(page, "curves", 2)
    seek(page, 3)
    page.wait_for_function(f"({CURSORS})().every((x) => Math.abs(x - {int(paths[3].stem)}) < 0.2)")
    page.evaluate(BETWEEN, 3.5)
    middle = (int(paths[3].stem) + int(paths[4].stem)) / 2
    page.wait_for_function(f"({CURSORS})().every((x) => Math.abs(x - {middle}) < 0.2)")
    assert len(page.evaluate(CURSORS)) == 3
    # Whoever has gone back keeps the full map at the end: there a play ends.
    page.get_by_role("button", name="now", exact=True).click()
    expect(page.locator(".time-machine:not([data-past])")).to_have_attribute(
        "data-step", str(run.status().step)
    )
    expect(page.locator(".latent-map[data-past]")).to_have_count(0)
    expect(page.locator(".latent-map-plot")).to_be_visible()
    expect(page.locator(".time-machine-ten")).to_be_visible()
    expect(page.locator(".st-key-newest")).to_be_hidden()
    assert page.evaluate(CURSORS) == []


@pytest.mark.browser
def test_while_a_run_trains_its_end_is_live_and_follows(workshop: Workshop, page: Page, run: Run) -> None:
    finished = run.status()
    paths = run.snapshots()
    kept = [path.rename(path.with_suffix(".later")) for path in paths[4:]]
    slider = page.get_by_role("slider", name="Moment of the training")
    machine = page.locator(".time-machine")
    with run.lock():
        run.write_status(finished.model_copy(update={"state": "running"}))
        page.goto(workshop.address("train"))
        ready(page, "curves")
        expect(page.get_by_role("button", name="live", exact=True)).to_be_visible()
        expect(slider).to_have_attribute("max", "4")
        expect(machine.locator("[type=range]")).to_have_value("4")
        kept[0].rename(paths[4])
        expect(slider).to_have_attribute("max", "5")
        expect(machine.locator("[type=range]")).to_have_value("5")  # it follows
        slider.press("ArrowLeft")
        seen(page, int(paths[4].stem))
        kept[1].rename(paths[5])
        expect(slider).to_have_attribute("max", "6")
        expect(machine.locator("[type=range]")).to_have_value("4")  # who looks at another moment stays there
        assert np.array_equal(places(page), load_snapshot(paths[4], run.config).mean.astype(np.float32))
        # What goes on has a map at its end that goes on as well.
        page.get_by_role("button", name="live", exact=True).click()
        expect(page.locator(".st-key-newest")).to_be_visible()
        expect(page.locator(".latent-map")).to_be_hidden()
        expect(page.locator(".time-machine-ten")).to_be_hidden()
        slider.press("ArrowLeft")
        slider.press("ArrowLeft")
        expect(machine.locator("[type=range]")).to_have_value("4")
    run.write_status(finished)
    expect(page.get_by_role("button", name="now", exact=True)).to_be_visible()
    expect(slider).to_have_attribute("max", "5")
    expect(machine.locator("[type=range]")).to_have_value("4")


@pytest.mark.browser
def test_a_run_without_moments_has_no_slider(workshop: Workshop, page: Page, run: Run) -> None:
    kept = run.snapshots()
    away = [path.rename(path.with_suffix(".away")) for path in kept]
    page.goto(workshop.address("train?step=12"))
    ready(page, "curves")
    page.wait_for_selector(".time-machine[data-moments]", state="attached")
    expect(page.locator(".time-machine")).to_be_hidden()
    expect(page.locator(".st-key-newest")).to_be_visible()
    for path, back in zip(away, kept, strict=True):
        path.rename(back)
