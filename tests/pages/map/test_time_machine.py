"""The time machine on the Latent page, in a real browser, against the snapshots as Python reads them."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, expect

from pages.components.charts.colours import NUMBER_COLOURS
from pages.components.map import time_machine
from pages.components.stores.points import map_points
from tests.pages.stores.test_points import a_wide_set
from tests.support.browser import Workshop, pixels, place_on
from tests.support.latent_page import (
    MAP,
    TIMELINE,
    decoded,
    levels,
    middle,
    next_frame,
    open_map,
    pointed_at,
    ranges,
    settled,
    tile,
)
from vae.inference.planes import axis_directions, principal_directions
from vae.models.network import VAE, load_vae
from vae.runs.checkpoints import Snapshot, load_snapshot
from vae.runs.run import Run

pytestmark = pytest.mark.browser

SEEK = """(slider, index) => {
    slider.value = index;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""
# Between two moments, as in the midst of a play.
BETWEEN = f"""(position) => {{
    {TIMELINE}.position = position;
    {TIMELINE}.update();
}}"""
LABELS = """async () => {
    const { points } = document.querySelector(".latent-map").dataset;
    return [...(await pointsOfThisApp.get(points)).labels];
}"""
END = """([least, most]) => {
    const { range } = document.querySelector("[data-chart=map] .js-plotly-plot")._fullLayout.xaxis;
    return least <= range[1] && range[1] <= most;
}"""
# Where the map has the first pin, and its ellipse.
PINNED = f"""() => {{
    const {{ pins, ellipse }} = {MAP}.past;
    return [pins[0], [...ellipse.at], [...ellipse.covariance]];
}}"""

# What the map makes of the posteriors of a moment.
THEN = """async ([{ mean, logvar, labels }, plane]) => {
    const { momentPoints } = await import("/map/latent_map/moments/moment_points.js");
    const newest = { name: "newest", labels: Uint8Array.from(labels), values: { reconstruction: [7] } };
    const opened = { mean: Float32Array.from(mean), logvar: Float32Array.from(logvar) };
    const { xy, covariance, values } = momentPoints(opened, newest, plane);
    const { reconstruction, ...own } = values;
    const numbers = Object.entries({ xy, covariance, ...own }).map(([name, array]) => [name, [...array]]);
    return { reconstruction, ...Object.fromEntries(numbers) };
}"""


@pytest.fixture
def server(trained: Run, workshop: Workshop) -> Workshop:
    """It shows the small run."""
    shutil.copytree(trained.path, workshop.runs / trained.name)
    return workshop


@pytest.fixture(scope="module")
def snapshots(trained: Run) -> dict[int, Snapshot]:
    """Those of the small run by their steps."""
    return {int(path.stem): load_snapshot(path, trained.config) for path in trained.snapshots()}


def open_moments(page: Page, address: str) -> None:
    open_map(page, address)
    expect(page.locator(".time-machine[data-step]")).to_have_count(1)


def seek(page: Page, index: int) -> None:
    page.locator(".time-machine input[type=range]").evaluate(SEEK, index)


def seen(page: Page, step: int) -> None:
    """Waits until all of a moment is drawn."""
    expect(page.locator(f".time-machine[data-step='{step}']")).to_have_count(1)
    next_frame(page)


def places(page: Page) -> npt.NDArray[np.float32]:
    """Where the points of an earlier moment are on the map, once they are drawn: (N, 2)."""
    expect(page.locator(".latent-map[data-past]")).to_have_count(1)
    return np.array(page.evaluate(f"[...{MAP}.points.xy]")).reshape(-1, 2)


def model_of(run: Run, snapshot: Snapshot) -> VAE:
    decoder = {name: values.astype(np.float32) for name, values in snapshot.decoder.items()}
    return load_vae(run.config, {**run.saved_model().model.weights, **decoder})


def test_the_thumb_stands_at_the_end_before_there_are_moments(bare_page: Page) -> None:
    bare_page.set_content(time_machine.HTML)

    at, end = bare_page.get_by_role("slider").evaluate("({ value, max }) => [value, max]")

    assert at == end


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_points_of_a_moment_are_as_python_makes_them(bare_page: Page, latent_dim: int) -> None:
    shown = a_wide_set(latent_dim)
    shown = replace(shown, kl=shown.kl_by_dimension.sum(axis=1))
    posteriors = {
        "mean": shown.means.ravel().tolist(),
        "logvar": shown.logvars.ravel().tolist(),
        "labels": shown.labels.tolist(),
    }
    for directions in (
        axis_directions(latent_dim),
        *([principal_directions(shown.means)] if latent_dim > 1 else []),
    ):
        expected = map_points(shown, directions)
        plane = directions.through(shown.means[3])  # whatever place is pinned, points lie where they lay
        vectors = {name: getattr(plane, name).tolist() for name in ("base", "first", "second")}
        then = bare_page.evaluate(THEN, [posteriors, vectors])
        assert then.pop("reconstruction") == [7]  # no snapshot has it: that of the newest weights
        arrays = {"xy": expected.xy, "covariance": expected.covariance, **expected.values}
        assert sorted(then) == sorted(arrays.keys() - {"reconstruction"})
        for name, numbers in then.items():
            np.testing.assert_allclose(numbers, arrays[name].ravel(), rtol=1e-4, atol=1e-5, err_msg=name)


def test_every_moment_is_what_its_snapshot_says(
    server: Workshop, page: Page, trained: Run, snapshots: dict[int, Snapshot]
) -> None:
    open_moments(page, server.address())
    for index, (step, snapshot) in list(enumerate(snapshots.items()))[4::-1]:
        seek(page, index)
        seen(page, step)
        assert np.array_equal(places(page), snapshot.mean.astype(np.float32))
        model = model_of(trained, snapshot)
        z, drawn = pointed_at(page, *middle(page))
        assert np.abs(drawn - decoded(model, z)).max() <= 0.51  # rounded
        looked = levels(page.locator(".look-pointer canvas").first)
        assert np.array_equal(looked, drawn)
        rows = pixels(page.locator(".time-machine-ten"))[33:61, :, 0]
        for label, picture in enumerate(snapshot.reconstructions.astype(np.float32).reshape(-1, 28, 28)):
            shown = rows[:, 30 * label : 30 * label + 28]
            assert np.abs(shown - 255 * picture).max() <= 0.51
        page.wait_for_selector('.latent-map-manifold[data-pending="0"]', state="attached")
        z, drawn = tile(page, *middle(page))
        assert np.abs(drawn - decoded(model, z)).max() <= 1
    # And between two of them on the way.
    before, after = (snapshot.mean.astype(np.float32) for snapshot in list(snapshots.values())[2:4])
    seek(page, 2)
    seen(page, list(snapshots)[2])
    page.evaluate(BETWEEN, 2.25)
    page.wait_for_function(f"{MAP}.past.scene.part === 0.25")
    assert np.allclose(places(page), 0.75 * before + 0.25 * after, atol=1e-6)
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(BETWEEN, 2.75)
    page.wait_for_function(f"{MAP}.past.scene.before === 3")
    assert np.array_equal(places(page), after)


def test_points_are_drawn_where_they_were_and_axes_stand_still_or_go_with_them(
    server: Workshop, page: Page, snapshots: dict[int, Snapshot]
) -> None:
    open_moments(page, server.address("?hide=0,1"))
    seek(page, 3)
    seen(page, list(snapshots)[3])
    ink = pixels(page.locator(".latent-map-points"))[:, :, 3]
    x0, x1, y0, y1 = ranges(page)
    labels = page.evaluate(LABELS)
    shares = (places(page) - (x0, y1)) / (x1 - x0, y0 - y1)  # from the upper left corner
    inside = (abs(shares - 0.5) < 0.48).all(1)  # of what the axes show: they stand still
    chosen = np.isin(labels, (0, 1))
    visible, hidden = (inside & each for each in (~chosen, chosen))
    assert visible.sum() > 50
    columns, rows = (shares * ink.shape[::-1]).T.astype(int)
    assert (ink[rows[visible], columns[visible]] > 100).all()
    assert (ink > 0).sum() < 49 * visible.sum()  # nothing but dots
    spots = np.stack((columns, rows), axis=1)
    away = np.linalg.norm(spots[:, None] - spots[~chosen], axis=2).min(1)
    alone = hidden & (away > 5)
    assert alone.any()
    assert (ink[rows[alone], columns[alone]] == 0).all()
    newest = x1
    seek(page, 0)
    seen(page, 0)
    assert ranges(page) == [x0, x1, y0, y1]  # the axes stand still
    page.get_by_label("Keep axes fixed").uncheck()
    means = snapshots[0].mean.astype(np.float32)
    low, high = means.min(0), means.max(0)
    margin = 0.05 * (high - low)
    low, high = np.minimum(low - margin, -3.5), np.maximum(high + margin, 3.5)  # of the whole map, at least
    page.wait_for_function(END, arg=[float(high[0]) - 0.1, float(2 * high[0] - low[0])])
    x0, x1, y0, y1 = ranges(page)
    fills = (high - low) / (x1 - x0, y1 - y0)
    assert fills.max() == pytest.approx(1, rel=0.02)
    page.get_by_label("Keep axes fixed").check()
    page.wait_for_function(END, arg=[newest - 1e-6, newest + 1e-6])
    expect(page).not_to_have_url(re.compile("window="))


def test_colours_by_numbers_mean_the_same_at_every_moment_while_held(
    server: Workshop, page: Page, snapshots: dict[int, Snapshot]
) -> None:
    open_moments(page, server.address("?colour=KL"))
    scale = page.locator(".latent-map-scale")
    now = str(scale.text_content())
    newest, then = (_kl(snapshots[step]) for step in (max(snapshots), list(snapshots)[1]))
    seek(page, 1)
    seen(page, list(snapshots)[1])
    assert scale.text_content() == now
    assert (_binned(then, then) != (held := _binned(then, newest))).mean() > 0.3  # it tells
    assert (
        page.evaluate(f"[...{MAP}.dots.numbers]") == held
    ).mean() > 0.97  # float16 and float32 round otherwise
    page.get_by_label("Keep axes fixed").uncheck()
    expect(scale).not_to_have_text(now)
    assert (page.evaluate(f"[...{MAP}.dots.numbers]") == _binned(then, then)).mean() > 0.97
    # No snapshot has losses of pictures: that is said, while they are seen.
    note = page.locator(".time-machine-note")
    sentence = "Colours by loss are those of the newest weights."
    expect(note).not_to_contain_text(sentence)
    page.get_by_role("radio", name="loss", exact=True).click()
    expect(note).to_contain_text(sentence)
    seek(page, len(snapshots) - 1)
    expect(note).not_to_contain_text(sentence)


def _kl(snapshot: Snapshot) -> npt.NDArray[np.float32]:
    """In nats, of each picture: Kingma & Welling 2013, appendix B."""
    mean, logvar = snapshot.mean.astype(np.float32), snapshot.logvar.astype(np.float32)
    kl: npt.NDArray[np.float32] = (mean**2 + np.exp(logvar) - 1 - logvar).sum(1) / 2
    return kl


def _binned(values: npt.NDArray[np.float32], spread: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The numbers of colours, spread over what lies between two hundredths."""
    low, high = np.quantile(spread, (0.01, 0.99), method="nearest")
    count = len(NUMBER_COLOURS["light"])
    return np.clip((values - low) / (high - low) * count, 0, count - 1).astype(int)


def test_it_plays_to_the_end_and_asks_for_each_snapshot_once(
    server: Workshop, page: Page, snapshots: dict[int, Snapshot]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "moments-" in request.url else None)
    open_moments(page, server.address())
    assert asked == []  # before anybody wants them
    machine = page.locator(".time-machine")
    machine.get_by_label("Speed").select_option("4")
    for _ in range(2):
        machine.get_by_role("button", name="Play the moments").click()
        expect(page.locator(".latent-map[data-past]")).to_have_count(1)
        expect(page.locator(".nearest")).to_have_css("opacity", "0.65")
        expect(machine.get_by_role("button", name="Play the moments")).to_be_visible()
        expect(machine).to_have_attribute("data-step", str(max(snapshots)))
        expect(page.locator(".latent-map[data-past]")).to_have_count(0)
    assert sorted(Path(url).name.partition("-")[0] for url in asked) == [
        f"{step:08d}" for step in list(snapshots)[:-1]
    ]
    machine.get_by_label("Loop").check()
    machine.get_by_role("button", name="Play the moments").click()
    for position in ("1", "4", "1"):  # and round again
        page.wait_for_function(
            f"(at) => Math.round({TIMELINE}.position) === Number(at)",
            arg=position,
        )
    machine.get_by_role("button", name="Pause the moments").click()
    expect(machine.locator("[type=range]")).to_have_value(re.compile(r"^\d+$"))  # not between two


def test_the_address_brings_a_moment_back_and_keys_lead_on(
    server: Workshop, page: Page, snapshots: dict[int, Snapshot]
) -> None:
    steps = list(snapshots)
    open_moments(page, server.address(f"?step={steps[2]}"))
    seen(page, steps[2])
    slider = page.get_by_role("slider", name="Moment of the training")
    assert f"step {steps[2]} · epoch" in str(slider.get_attribute("aria-valuetext"))
    for key, step in (("ArrowRight", steps[3]), ("Home", 0), ("End", None), ("ArrowLeft", steps[-2])):
        slider.press(key)
        seen(page, steps[-1] if step is None else step)
        named = re.compile(rf"[?&]step={step}(&|$)")
        if step is None:
            expect(page).not_to_have_url(re.compile("step="))
        else:
            expect(page).to_have_url(named)
    slider.press(" ")
    expect(page.locator(".time-machine")).to_have_attribute("data-step", str(steps[-1]))
    open_moments(page, server.address(f"?step={steps[3] + 1}"))
    seen(page, steps[3])  # the nearest that is kept
    for nonsense in ("-3", "9999999"):
        open_moments(page, server.address(f"?step={nonsense}"))
        seen(page, steps[-1])
        expect(page).not_to_have_url(re.compile("step="))


def test_a_picture_that_is_picked_goes_along(
    server: Workshop, page: Page, trained: Run, snapshots: dict[int, Snapshot]
) -> None:
    open_moments(page, server.address("?layers=points,ellipses"))
    (step, snapshot), *_ = list(snapshots.items())[4:]
    seek(page, 4)
    seen(page, step)
    # One that no other hides.
    means = snapshot.mean.astype(np.float32)
    apart = np.linalg.norm(means[:, None] - means, axis=2)
    np.fill_diagonal(apart, np.inf)
    index = int(apart.min(1).argmax())
    page.mouse.click(*place_on(page, "map", *means[index].tolist()))
    expect(page.locator(".pins-row-tile")).to_have_count(1)
    settled(page)
    expect(page).to_have_url(re.compile(f"index={index}"))
    figure = page.locator(".look-chosen")
    for number in (4, 1):
        step, snapshot = list(snapshots.items())[number]
        seek(page, number)
        seen(page, step)
        z = snapshot.mean[index].astype(np.float32).tolist()
        assert figure.get_attribute("data-z") == "[" + ",".join(repr_js(value) for value in z) + "]"
        drawn = levels(figure.locator("canvas").first)
        assert np.abs(drawn - decoded(model_of(trained, snapshot), z)).max() <= 0.51
        place, middle, covariance = page.evaluate(PINNED)
        assert place == middle == z
        variances = np.exp(snapshot.logvar[index].astype(np.float32)).tolist()
        assert covariance == pytest.approx([variances[0], 0, variances[1]])
    expect(figure.locator("canvas").last).to_be_visible()


def repr_js(value: float) -> str:
    """A number as JavaScript writes it."""
    return str(int(value)) if value == int(value) else repr(value)
