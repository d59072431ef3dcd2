"""The Compare page in a real browser: one pointer for two maps, against torch; all is in its address."""

import re
import shutil
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.pages.map.test_time_machine import model_of
from tests.support.browser import Workshop, pixels, place_on, ready
from tests.support.latent_page import decoded, digit, next_frame, shown_by
from tests.support.small_runs import save_model
from tests.support.tensors import load
from vae.runs.checkpoints import load_snapshot
from vae.runs.run import Run
from vae.training.scoring import score_set

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("small")]

SIDES = ("left", "right")
# What the browser decodes, unrounded, at the place that a panel shows, by the decoder of the map below it.
DECODED = """async ([key, z]) => {
    const name = document.querySelector(`[data-chart="${key}"]`).dataset.decoder;
    return [...(await window.decodersOfThisApp.get(name)).decode(z)];
}"""
OF_MAP = f"(key) => {shown_by('latentMap', '[data-chart=${key}]')}"
PINS = f"(key) => ({OF_MAP})(key).data.pins"
RANGES = f"(key) => ({OF_MAP})(key).view.ranges.flat()"
HIDDEN = f"(key) => [...({OF_MAP})(key).hidden]"
# Where the picture of a number lies on a map's screen.
POINT = f"""([key, index]) => {{
    const map = ({OF_MAP})(key);
    const [x, y] = map.points.xy.subarray(2 * index, 2 * index + 2);
    const {{ clientX, clientY }} = map.view.onScreen({{ x, y }});
    return [clientX, clientY];
}}"""
MARKS = """(key) => document.querySelector(`[data-chart="${key}"] .latent-map-marks`).toDataURL()"""
SETTLED = f"() => ['left', 'right'].every((key) => ({OF_MAP})(key).queue.pending.length === 0)"


@pytest.fixture
def pair(workshop: Workshop, trained: Run) -> tuple[Run, Run]:
    """Two runs whose maps overlap, and that draw otherwise."""
    runs = Run(workshop.runs / trained.name), Run(workshop.runs / "other")
    for run in runs:
        shutil.copytree(trained.path, run.path)
    model = trained.load_model()
    model.encoder.linear("mean").bias.data += 0.2
    model.decoder.linear("logits").weight.data *= -1
    save_model(runs[1].model_path, model, trained.config, 36, 3.0)
    return runs


def open_pair(page: Page, address: str) -> None:
    page.goto(address)
    for side in SIDES:
        ready(page, side)
        expect(page.locator(f'[data-chart="{side}"][data-decoder]')).to_have_count(1)
    # The page runs once more when the real pictures are packed.
    page.wait_for_function(f"() => ({OF_MAP})('right').data.pictures !== null")
    page.locator(".latent-map-plot").first.scroll_into_view_if_needed()
    next_frame(page)


def pointed_at(page: Page, side: str, x: float, y: float) -> None:
    page.mouse.move(*place_on(page, side, x, y))
    next_frame(page)
    expect(page.locator(".look-panel[data-idle]")).to_have_count(0)


def test_one_hovered_place_is_decoded_by_both_and_the_address_brings_all_back(
    pair: tuple[Run, Run], workshop: Workshop, page: Page, open_page: Callable[[], Page]
) -> None:
    models = dict(zip(SIDES, (run.load_model() for run in pair), strict=True))
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    open_pair(page, workshop.address(f"compare?run={pair[0].name}&with={pair[1].name}"))
    sent.clear()
    for side, other in (SIDES, SIDES[::-1]):
        before = page.evaluate(MARKS, other)
        x0, x1, y0, y1 = page.evaluate(RANGES, side)
        place = [0.4 * x0 + 0.6 * x1, 0.3 * y0 + 0.7 * y1]
        pointed_at(page, side, *place)
        places = []
        for name in SIDES:
            z, levels = digit(page.locator(f".st-key-{name}_look .look-pointer"))
            places.append(z)
            values = np.array(page.evaluate(DECODED, [name, z])).reshape(28, 28)
            expected = decoded(models[name], z)
            assert np.abs(values - expected / 255).max() < 1e-3
            assert np.abs(levels - expected).max() <= 0.51  # as it is drawn
        assert places[0] == places[1] == pytest.approx(place, abs=0.03)
        assert page.evaluate(MARKS, other) != before  # it is ringed there
    assert sent == []  # nobody was asked
    page.mouse.move(5, 5)
    for name in SIDES:
        expect(page.locator(f".st-key-{name}_look .look-pointer")).to_contain_text("Move over a map.")

    # A picture that is picked on the right is marked on both, with both reconstructions and losses.
    page.mouse.click(*page.evaluate(POINT, ["right", 11]))
    expect(page).to_have_url(re.compile("index="))
    page.wait_for_function(SETTLED)
    index = int(parse_qs(urlsplit(page.url).query)["index"][0])
    images, _ = load("mnist", train=False)
    for side, model in models.items():
        scores = score_set(model, images)
        assert page.evaluate(PINS, side)[0] == pytest.approx(scores.mean[index].tolist(), abs=1e-4)
        chosen = page.locator(f".st-key-{side}_look .look-chosen")
        for loss in (scores.reconstruction, scores.kl):
            expect(chosen).to_contain_text(f"{loss[index].item():.1f}")
        levels = pixels(chosen.locator("canvas").first)[:, :, 0]
        assert np.abs(levels - decoded(model, scores.mean[index].tolist())).max() <= 0.51

    # A zoom of one moves both, which show the same; a class is hidden on both.
    page.locator(".latent-map-plot").first.press("+")
    page.locator(".latent-map-plot").last.press("+")
    page.locator('[data-chart="left"] .latent-map-class').nth(3).click()
    page.get_by_role("radio", name="KL", exact=True).click()
    page.get_by_role("radio", name="steps", exact=True).click()
    for part in (
        "[?&]window=",
        "with_window=",
        "[?&]hide=3",
        "with_hide=3",
        "colour=KL",
        "over=step",
        f"index={index}",
    ):
        expect(page).to_have_url(re.compile(part))
    page.wait_for_timeout(600)  # a window is written once the map has rested
    seen = {side: page.evaluate(RANGES, side) for side in SIDES}
    assert seen["left"] == pytest.approx(seen["right"], abs=0.1)  # labels of axes differ in width
    address = page.url

    again = open_page()
    open_pair(again, address)
    for side in SIDES:
        assert again.evaluate(RANGES, side) == pytest.approx(seen[side], abs=0.01)
        assert len(again.evaluate(PINS, side)) == 1
    assert [again.evaluate(HIDDEN, side) for side in SIDES] == [[3], [3]]
    expect(again.get_by_role("radio", name="KL", exact=True)).to_be_checked()
    expect(again.get_by_role("radio", name="steps", exact=True)).to_be_checked()
    expect(again.locator(".look-chosen")).to_contain_text([re.compile(f"#{index}")] * 2)


def test_both_maps_have_the_same_axes_unless_the_switch_is_off(
    pair: tuple[Run, Run], workshop: Workshop, page: Page
) -> None:
    model = pair[1].load_model()
    model.encoder.linear("mean").weight.data *= 5
    save_model(pair[1].model_path, model, pair[1].config, 36, 3.0)
    open_pair(page, workshop.address(f"compare?run={pair[0].name}&with={pair[1].name}"))
    page.wait_for_function(f"() => `${{({RANGES})('left')}}` === `${{({RANGES})('right')}}`")
    page.get_by_text("Same axes", exact=True).click()
    page.wait_for_function(f"() => `${{({RANGES})('left')}}` !== `${{({RANGES})('right')}}`")
    expect(page).to_have_url(re.compile("same_axes=false"))


def test_what_the_browser_writes_into_the_address_before_the_page_has_run_stays(
    pair: tuple[Run, Run], workshop: Workshop, page: Page
) -> None:
    asked: list[str | bytes] = []
    way: list[WebSocketRoute] = []
    held = False

    def between(route: WebSocketRoute) -> None:
        way.append(route.connect_to_server())
        route.on_message(lambda message: asked.append(message) if held else way[-1].send(message))

    page.route_web_socket(re.compile("_stcore/stream"), between)
    open_pair(page, workshop.address(f"compare?run={pair[0].name}&with={pair[1].name}"))
    ready(page, "pair_curves")
    drawn = int(page.locator("[data-chart=pair_curves]").get_attribute("data-revision") or 0)
    entries = page.evaluate("history.length")
    held = True
    page.get_by_role("radio", name="steps", exact=True).click()  # which changes nothing of the maps
    page.locator(".latent-map-plot").last.press("+")
    expect(page).to_have_url(re.compile("with_window="))
    held = False
    for message in asked:
        way[-1].send(message)
    ready(page, "pair_curves", drawn + 1)
    assert "with_window=" in page.url
    assert page.evaluate("history.length") == entries


def test_a_place_that_means_nothing_to_the_other_is_said_to(
    pair: tuple[Run, Run], wide: Run, workshop: Workshop, page: Page
) -> None:
    shutil.copytree(wide.path, workshop.runs / wide.name)
    open_pair(page, workshop.address(f"compare?run={pair[0].name}&with={wide.name}"))
    for side, other, sizes in (("left", "right", (2, 5)), ("right", "left", (5, 2))):
        before = page.evaluate(MARKS, other)
        x0, x1, y0, y1 = page.evaluate(RANGES, side)
        pointed_at(page, side, 0.2 * x0 + 0.8 * x1, 0.02 * y0 + 0.98 * y1)  # where no point is
        assert page.evaluate(f"() => ({OF_MAP})('{side}').hovered.index") is None
        panel = page.locator(f".st-key-{other}_look .look-pointer")
        expect(panel).to_contain_text(
            f"z with {sizes[0]} numbers means nothing here, where z has {sizes[1]}."
        )
        assert page.evaluate(MARKS, other) == before
    before = page.evaluate(MARKS, "right")
    # A picture is the same at both.
    page.mouse.move(*page.evaluate(POINT, ["left", 5]))
    next_frame(page)
    assert page.evaluate(MARKS, "right") != before


TIMELINES = """[...document.querySelectorAll(".time-machine[data-step]")].map((element) => {
    while (!element.timeMachine) element = element.parentElement;
    return element.timeMachine.timeline;
})"""
SEEK = f"""([key, position]) => {{
    const seen = {TIMELINES}[key];
    seen.position = position;
    seen.moved();
}}"""
SEEN = f"""(key) => {{
    const {{ moments, position }} = {TIMELINES}[key];
    const [before, after] = [Math.floor(position), Math.ceil(position)].map((at) => moments[at].step);
    return before + (position % 1) * (after - before);
}}"""
# Whether both are linked by this: one hears of it after the other.
LINKED = f"""(by) => {{
    const timelines = {TIMELINES};
    return timelines.length === 2 && timelines.every(({{ linked }}) => (linked?.by ?? null) === by);
}}"""
PLAYED = f"""([key, played]) => ({OF_MAP})(key).past.played === played"""


def test_time_sliders_go_along_to_the_same_step_or_epoch_or_stand_alone(
    pair: tuple[Run, Run], workshop: Workshop, page: Page, open_page: Callable[[], Page]
) -> None:
    for path in pair[1].snapshots()[1:-1:2]:
        path.unlink()  # so that their moments are others
    save_model(pair[1].model_path, pair[1].load_model(), pair[1].config, 30, 2.5)  # and their ends
    open_pair(page, workshop.address(f"compare?run={pair[0].name}&with={pair[1].name}"))
    page.wait_for_function(LINKED, arg="epoch")
    page.get_by_role("radio", name="same step", exact=True).click()
    expect(page).to_have_url(re.compile(r"linked=same\+step"))
    page.wait_for_function(LINKED, arg="step")
    for key, other in ((0, 1), (1, 0)):
        for position in (0, 1, 2.5):
            page.evaluate(SEEK, [key, position])
            assert page.evaluate(SEEN, other) == pytest.approx(page.evaluate(SEEN, key))
    # Both maps are in the midst of a play of one of them.
    machine = page.locator(".time-machine").first
    machine.get_by_label("Loop").check()
    machine.get_by_role("button", name="Play the moments").click()
    for side in SIDES:
        page.wait_for_function(PLAYED, arg=[side, True])
    machine.get_by_role("button", name="Pause the moments").click()
    for side in SIDES:
        page.wait_for_function(PLAYED, arg=[side, False])
    expect(machine.locator("[type=range]")).to_have_value(re.compile(r"^\d+$"))
    page.evaluate(SEEK, [0, 0])
    page.evaluate("() => document.querySelectorAll('.time-machine [data-act=end]')[0].click()")
    assert (page.evaluate(SEEN, 0), page.evaluate(SEEN, 1)) == (36, 30), "the shorter one ends first"

    page.get_by_role("radio", name="free", exact=True).click()
    expect(page).to_have_url(re.compile("linked=free"))
    page.wait_for_function(LINKED, arg=None)
    page.evaluate(SEEK, [0, 1])
    assert page.evaluate(SEEN, 1) == 30
    page.evaluate(SEEK, [1, 2])
    steps = [page.evaluate(SEEN, key) for key in (0, 1)]
    assert steps[0] != steps[1]
    for name, step in zip(("step", "with_step"), steps, strict=True):
        expect(page).to_have_url(re.compile(f"[?&]{name}={step}(&|$)"))
    again = open_page()
    open_pair(again, page.url)
    for side, step in zip(SIDES, steps, strict=True):
        again.wait_for_selector(f".st-key-{side}_moment .time-machine[data-step='{step}']")
    # Each side's panel draws what its own model drew then.
    x0, x1, y0, y1 = again.evaluate(RANGES, "left")
    pointed_at(again, "left", 0.4 * x0 + 0.6 * x1, 0.3 * y0 + 0.7 * y1)
    for side, run, step in zip(SIDES, pair, steps, strict=True):
        (path,) = (path for path in run.snapshots() if int(path.stem) == step)
        z, levels = digit(again.locator(f".st-key-{side}_look .look-pointer"))
        then = model_of(run, load_snapshot(path, run.config))
        assert np.abs(levels - decoded(then, z)).max() <= 0.51


def test_a_run_that_is_deleted_elsewhere_is_missed_while_the_other_trains(
    pair: tuple[Run, Run], workshop: Workshop, page: Page
) -> None:
    left, right = pair
    with left.lock():
        left.write_status(left.status().model_copy(update={"state": "running"}))
        page.goto(workshop.address(f"compare?run={left.name}&with={right.name}"))
        ready(page, "pair_curves")
        shutil.rmtree(right.path)
        expect(page.get_by_text(f"There is no run called {right.name}.")).to_be_visible()
