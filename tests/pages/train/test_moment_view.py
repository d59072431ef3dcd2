"""The moment that the Train page shows: map, digits and samples of a run, finished or live."""

import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from pages.components.map.map_data import points_of
from pages.components.runs import loaded_model, run_moments
from tests.pages.map.test_time_machine import BETWEEN, model_of, places, seek, seen
from tests.support.app_test import PAGES, component, visit
from tests.support.browser import Workshop, ready
from tests.support.latent_page import decoded, digit, next_frame
from tests.support.small_runs import small_config
from vae.inference.formatting import coordinate_name
from vae.inference.planes import axis_directions, largest_axes
from vae.runs.catalogue import new_run
from vae.runs.checkpoints import load_snapshot
from vae.runs.live_view import load_view, save_view
from vae.runs.records import Status
from vae.runs.run import Run
from vae.runs.titles import title_of

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


def has(test: AppTest, key: str) -> bool:
    return any(f'"key": "{key}"' in part.proto.json for part in test.get("bidi_component"))


def test_a_finished_run_is_shown_by_its_weights_at_once(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    test = visit(PAGES[2], run=run.name)
    loaded = loaded_model.load(run)
    shown = run_moments.load(run, loaded)
    slider, drawn = component(test, "rewind"), component(test, "training_map")
    texts = (part.proto.json for part in test.get("bidi_component"))
    samples = next(json.loads(text) for text in texts if '"posteriors"' in text)
    assert (slider["moments"], slider["end"]) == (shown.name, None)
    assert drawn["decoder"] == samples["decoder"] == loaded.decoder.name
    assert drawn["moments"]["points"] == drawn["points"]
    assert drawn["points"] == points_of(run, loaded, axis_directions(2)).name


def live(run: Run, **changes: object) -> AppTest:
    """The page while a trainer holds the run."""
    with run.lock():
        run.write_status(run.status().model_copy(update={"state": "running", **changes}))
        return visit(PAGES[2], run=run.name)


def test_of_a_live_run_the_end_is_the_live_view(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    view = load_view(run.view_path, run.config)
    assert view is not None
    save_view(run.view_path, view._replace(step=24))
    test = live(run)
    slider, drawn = component(test, "rewind"), component(test, "training_map")
    *earlier, end = run_moments.load(run, loaded_model.load(run), live=True).moments
    assert [moment.step for moment in earlier] == [int(path.stem) for path in run.snapshots()]
    assert (end.url, end.epoch, end.train, end.test) == (None, None, None, None)
    line = {each.split: each for each in run.metric_lines()[0] if each.step == 24}["test"]
    assert slider["end"]["caption"].startswith("live · step 24 · epoch 2.00 · ")
    loss = f"test: reconstruction {line.reconstruction:.1f} + KL {line.kl:.1f} = {-line.elbo:.1f} nats"
    assert loss in slider["end"]["caption"]
    assert slider["end"]["caption"].endswith(" · samples: epoch 3.00")
    assert base64.b64decode(slider["end"]["reconstructions"]) == view.reconstructions.tobytes()
    assert drawn["decoder"] is None  # that of the weights is of another moment
    assert drawn["points"] != drawn["moments"]["points"]


def test_a_paused_run_is_shown_by_its_weights(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    test = live(run, state="paused")
    slider, drawn = component(test, "rewind"), component(test, "training_map")
    assert drawn["decoder"] == loaded_model.load(run).decoder.name
    assert slider["end"]["reconstructions"] is None
    assert slider["end"]["caption"].startswith("live · step 36 · epoch 3.00 · ")
    assert "samples" not in slider["end"]["caption"]


def test_before_the_first_weights_the_live_view_is_all_there_is(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    run.model_path.unlink()
    test = live(run)
    slider, drawn = component(test, "rewind"), component(test, "training_map")
    assert slider["moments"] == run_moments.without_weights(run, live=True).name
    assert slider["end"]["pictures"]
    assert (drawn["decoder"], drawn["moments"]) == (None, None)
    run.view_path.unlink()
    test = live(run, state="starting")
    assert component(test, "rewind")["end"] is None
    assert has(test, "training_map")  # in its place, empty


def test_of_many_dimensions_the_two_with_the_largest_kl_are_shown(small: Path, wide: Run) -> None:
    run = Run(shutil.copytree(wide.path, small / wide.name))
    loaded = loaded_model.load(run)
    first, second = largest_axes(loaded.test.kl_by_dimension.mean(axis=0))
    for test in (visit(PAGES[2], run=run.name), live(run)):
        names = component(test, "training_map")["plane"]["names"]
        assert set(names) <= {coordinate_name(i) for i in range(5)}
        assert any(f"The map shows {names[0]} and {names[1]}: of 5" in each.value for each in test.caption)
    expected = [coordinate_name(first), coordinate_name(second)]
    assert component(visit(PAGES[2], run=run.name), "training_map")["plane"]["names"] == expected
    assert component(visit(PAGES[0], run=run.name), "map")["plane"]["names"] == expected
    opened = component(visit(PAGES[1], run=run.name, index="3"), "opened_map")
    layout = json.loads(opened["figure"])["layout"]
    assert [layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis")] == expected


@pytest.fixture
def run(trained: Run, workshop: Workshop) -> Run:
    """A copy of the small run, which a server shows."""
    return Run(shutil.copytree(trained.path, workshop.runs / trained.name))


def box(part: Locator) -> object:
    return part.bounding_box()


@pytest.mark.browser
def test_a_click_on_a_curve_goes_to_that_moment(workshop: Workshop, page: Page, run: Run) -> None:
    page.goto(workshop.address("train"))
    ready(page, "curves")
    paths = run.snapshots()
    machine = page.locator(".time-machine")
    expect(machine.locator("[type=range]")).to_have_value(str(len(paths) - 1))
    assert page.evaluate(CURSORS) == []
    for panel, number in ((1, 4), (2, 1)):
        snapshot = load_snapshot(paths[number], run.config)
        assert snapshot.metrics is not None
        # A little beside it.
        page.mouse.click(*page.evaluate(PANEL, [panel, snapshot.metrics.epoch + 0.01]))
        seen(page, int(paths[number].stem))
        assert page.evaluate(CURSORS) == pytest.approx([snapshot.metrics.epoch] * 3, abs=0.01)
        expect(page).to_have_url(re.compile(f"step={int(paths[number].stem)}"))
        ready(page, "training_map")
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
    page.get_by_role("button", name="end", exact=True).click()
    expect(page.locator(".time-machine:not([data-past])")).to_have_attribute(
        "data-step", str(run.status().step)
    )
    expect(page.locator(".latent-map[data-past]")).to_have_count(0)
    expect(page.locator(".latent-map-plot")).to_be_visible()
    expect(page.locator(".time-machine-ten")).to_be_visible()
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
        # At its end the same map and the same digits go on.
        digits = page.locator(".time-machine-ten")
        places_before = box(page.locator(".latent-map-plot")), box(digits)
        page.get_by_role("button", name="live", exact=True).click()
        expect(page.locator(".latent-map:not([data-past])")).to_be_visible()
        expect(machine).to_contain_text("live · step 36")
        assert (box(page.locator(".latent-map-plot")), box(digits)) == places_before
        slider.press("ArrowLeft")
        slider.press("ArrowLeft")
        expect(machine.locator("[type=range]")).to_have_value("4")
    run.write_status(finished)
    expect(page.get_by_role("button", name="end", exact=True)).to_be_visible()
    expect(slider).to_have_attribute("max", "5")
    expect(machine.locator("[type=range]")).to_have_value("4")


@pytest.mark.browser
def test_a_run_without_moments_has_no_slider_but_its_digits(workshop: Workshop, page: Page, run: Run) -> None:
    for path in run.snapshots():
        path.unlink()
    page.goto(workshop.address("train?step=12"))
    ready(page, "curves")
    page.wait_for_selector(".time-machine[data-moments]", state="attached")
    expect(page.get_by_role("slider", name="Moment of the training")).to_be_hidden()
    expect(page.locator(".time-machine-ten")).to_be_visible()
    expect(page.locator(".time-machine")).to_have_attribute("data-step", "36")


@pytest.mark.browser
def test_a_run_without_weights_shows_nothing_of_the_run_before(
    page: Page, workshop: Workshop, trained: Run
) -> None:
    shutil.copytree(trained.path, workshop.runs / trained.name)
    begun = new_run(small_config(seed=5), workshop.runs)
    begun.write_status(Status(state="stopped"))
    page.goto(workshop.address(f"train?run={trained.name}"))
    ten, samples = page.locator(".time-machine-ten"), page.locator(".samples canvas")
    expect(page.get_by_role("img", name="Test images over their")).to_be_visible()
    expect(samples).to_be_visible()
    page.evaluate(
        "(url) => { history.pushState(null, '', url); dispatchEvent(new PopStateEvent('popstate')); }",
        workshop.address(f"train?run={begun.name}"),
    )
    expect(page.get_by_role("heading", name=f"{title_of(begun)}: stopped")).to_be_visible()
    expect(samples).to_be_hidden()
    expect(page.get_by_role("img", name="Test images over their")).to_be_hidden()
    assert not ten.evaluate(
        """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
            .data.some(Boolean)"""
    )
