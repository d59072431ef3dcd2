"""Trainings as a person watches them: a real server, real trainers, a real Chromium.

Trainings use a small MNIST and wait after each batch, so that they outlast their tests and leave the
processor to the browser.
"""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Error, Page, expect

from tests.support.browser import Server, Workshop, click_at, points, ready, removed, wait_until
from tests.support.paths import APP, BUNDLED
from tests.support.small_runs import small_config
from vae.runs.catalogue import list_runs
from vae.runs.records import LIVE
from vae.runs.run import Run
from vae.runs.titles import title_of
from vae.training import jobs

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("forked")]
LONG = small_config(epochs=10_000)
DELAY = 0.05  # seconds after each batch


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has visited yet, without runs."""
    with Server(APP, VAE_RUNS_DIR=str(tmp_path)) as server:
        yield server


@pytest.fixture
def live_run(workshop: Workshop, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Run]:
    """Starts a long training among the runs of the workshop."""
    monkeypatch.setenv("VAE_DATA_DIR", str(small_data))

    def started() -> Run:
        run = jobs.start(LONG, workshop.runs)
        run.update_request(delay=DELAY)
        return run

    return started


def started_on_the_page(page: Page, workshop: Workshop, epochs: int) -> Run:
    """Starts a training by the form, and slows it down before it takes its first step."""
    page.goto(workshop.address("train"))
    page.get_by_text("Settings of quick").click()
    page.get_by_label("Epochs", exact=True).fill(str(epochs))
    page.get_by_label("Epochs", exact=True).press("Enter")
    expect(page.get_by_text(f"Changed from quick: epochs {epochs}")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    wait_until(lambda: len(list_runs(workshop.runs)) == 1)
    (run,) = list_runs(workshop.runs)
    run.update_request(delay=DELAY)
    ready(page, "curves")
    return run


def test_the_bundled_runs_curves_are_there_at_once(shared: Server, page: Page) -> None:
    page.goto(shared.address("train"))
    ready(page, "curves")
    expect(page.get_by_role("button", name="Train again")).to_be_visible()
    assert points(page, "curves") > 500


def test_the_pages_follow_a_dark_theme_and_a_narrow_window(shared: Server, page: Page) -> None:
    page.set_viewport_size({"width": 700, "height": 900})
    page.emulate_media(color_scheme="dark")
    for address, key in (("", "map"), ("train", "curves")):
        page.goto(shared.address(address))
        ready(page, key)
        background, text, overflow = page.evaluate(
            """(key) => [
                getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor,
                document.querySelector(`[data-chart="${key}"] .js-plotly-plot`)._fullLayout.font.color,
                document.documentElement.scrollWidth - innerWidth,
            ]""",
            key,
        )
        assert max(int(level) for level in re.findall(r"\d+", background)[:3]) < 60
        assert text.lower() > "#c0"
        assert overflow <= 0


def test_a_first_visitor_at_a_sub_page_meets_the_app(empty: Server, page: Page) -> None:
    page.goto(empty.address("train?run=../../etc"))
    expect(page.get_by_text("'../../etc' is no run's name")).to_be_visible()
    expect(page.get_by_role("link", name="app", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Latent space").click()
    expect(page.get_by_text("There are no runs yet")).to_be_visible()


def test_a_run_deleted_under_an_open_map_gets_a_sentence(
    workshop: Workshop, page: Page, trained: Run
) -> None:
    run = shutil.copytree(trained.path, workshop.runs / "mine")
    page.goto(workshop.address("?run=mine"))
    ready(page, "map")
    shutil.rmtree(run)
    click_at(page, "map", -4, 2)
    expect(page.get_by_text("mine is gone: it was deleted")).to_be_visible()


def test_an_open_map_outlives_its_server(workshop: Workshop, page: Page) -> None:
    shutil.copytree(BUNDLED, workshop.runs / "mine")
    page.goto(workshop.address("?run=mine&pins=1,1_2,0"))
    ready(page, "map")
    tiles = page.locator(".pins-row-tile")
    click_at(page, "map", -3, 2.5)
    expect(tiles).to_have_count(3)
    workshop.stop()
    page.wait_for_selector("[data-testid=stApp]:not([data-test-connection-state=CONNECTED])")
    workshop.start()
    page.wait_for_selector("[data-test-connection-state=CONNECTED]")
    for _ in range(5):  # Streamlit may clear the page for a moment: who clicks then, clicks again
        with suppress(AssertionError, Error):
            ready(page, "map")
            click_at(page, "map", -3, -2.5)
            expect(tiles).to_have_count(4, timeout=15_000)
            break
    page.wait_for_url(lambda url: "pins=1,1_2,0_-3,2.5_-3,-2.5" in unquote(url))


def test_a_training_is_live_in_every_tab_and_outlives_the_server(workshop: Workshop, page: Page) -> None:
    run = started_on_the_page(page, workshop, epochs=10_000)
    live = page.get_by_role("heading", name=f"{title_of(run)}: running")
    expect(live).to_be_visible()
    assert f"run={run.name}" in page.url
    lengths: set[int] = set()
    while len(lengths) < 3 and run.status().state in LIVE:
        lengths.add(points(page, "curves"))
        page.wait_for_timeout(200)
    assert len(lengths) == 3, "the curves did not grow while it trained"

    page.reload()
    second = page.context.new_page()
    second.goto(workshop.address("train"))
    for tab in (page, second):
        expect(tab.get_by_role("heading", name=": running")).to_be_visible()
        ready(tab, "curves", 2)
        assert points(tab, "curves") >= max(lengths)
    second.close()

    page.goto("about:blank")
    workshop.stop()
    step = run.status().step
    wait_until(lambda: run.status().step > step)
    workshop.start()
    page.goto(workshop.address(f"train?run={run.name}"))
    expect(live).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name=": stopped")).to_be_visible()
    # The choice survives a change of page, and so does the address.
    page.get_by_role("link", name="Reconstructions").click()
    expect(page.get_by_role("heading", name="Reconstructions")).to_be_visible()
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_role("heading", name=": stopped")).to_be_visible()
    page.wait_for_url(re.compile(f"run={run.name}"))

    step = run.status().step
    page.get_by_role("button", name="Resume").click()
    wait_until(lambda: run.status().step > step)
    expect(live).to_be_visible()


def test_a_training_is_watched_steered_stopped_and_finished(workshop: Workshop, page: Page) -> None:
    run = started_on_the_page(page, workshop, epochs=60)
    digits = page.locator(".time-machine-ten")
    lengths: set[int] = set()
    pictures: set[str | None] = set()
    while (len(lengths) < 3 or len(pictures) < 3) and run.status().state in LIVE:
        lengths.add(points(page, "curves"))
        pictures.add(digits.evaluate("canvas => canvas.toDataURL()"))
        page.wait_for_timeout(100)
    assert len(lengths) >= 3, "the curves did not grow while it trained"
    assert len(pictures) >= 3, "the pictures did not change while it trained"

    # Whatever was clicked last, space is for the training.
    page.get_by_text("Log scale").click()
    page.wait_for_timeout(300)
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name=": paused")).to_be_visible()
    expect(page.get_by_role("switch", name="Log scale")).not_to_be_checked()
    step = run.status().step
    page.wait_for_timeout(500)
    assert run.status().step == step
    page.get_by_role("button", name="One batch").click()
    expect(page.get_by_text(f"step {step + 1:,} of")).to_be_visible()
    page.wait_for_timeout(500)
    assert (run.status().state, run.status().step) == ("paused", step + 1)

    page.keyboard.press("Space")
    wait_until(lambda: run.status().step > step + 1)
    page.get_by_label("Learning rate", exact=True).last.fill("0.001")
    page.get_by_label("Learning rate", exact=True).last.press("Enter")
    chart = page.locator('[data-chart="curves"]')
    expect(chart.get_by_text("learning rate 0.003 → 0.001").first).to_be_visible()
    wait_until(lambda: run.status().learning_rate == 0.001)  # the event is written first

    page.get_by_role("button", name="Pause").click()
    paused = page.get_by_role("heading", name=": paused")
    expect(paused).to_be_visible()
    page.reload()
    expect(paused).to_be_visible()
    ready(page, "curves")
    expect(chart.get_by_text("learning rate 0.003 → 0.001").first).to_be_visible()
    expect(page.get_by_label("Learning rate", exact=True).last).to_have_value("0.001")

    chart.evaluate("box => (box.isTheSame = true)")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name=": stopped")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    wait_until(lambda: run.status().state == "finished")  # a stop ends the slow motion
    expect(page.get_by_role("heading", name=": finished")).to_be_visible()
    status = run.status()
    assert (status.epoch, status.steered) == (60, True)
    assert chart.evaluate("box => box.isTheSame"), "the chart was made anew, and its zoom was lost"
    expect(page.get_by_role("button", name="Train longer")).to_be_visible()
    expect(page.get_by_text("Its rates were changed while it trained")).to_be_visible()


def test_a_click_that_a_poll_brings_along_is_one_click(
    workshop: Workshop, page: Page, live_run: Callable[[], Run]
) -> None:
    # As a busy browser: what it puts off to its next turn comes after the next polls.
    page.add_init_script("""const soon = window.setTimeout;
        window.setTimeout = (work, wait, ...given) => soon(work, window.isBusy ? 1500 : wait, ...given);""")
    run = live_run()
    page.goto(workshop.address("train"))
    ready(page, "curves")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name=": paused")).to_be_visible()
    step = run.status().step
    page.evaluate("window.isBusy = true")
    page.get_by_role("button", name="One batch").click()
    wait_until(lambda: run.status().step > step)
    page.evaluate("window.isBusy = false")
    page.wait_for_timeout(1500)
    assert (run.status().state, run.status().step) == ("paused", step + 1)
    run.request_stop()


def killed(workshop: Workshop, page: Page, run: Run) -> Run:
    """A run that is watched, whose trainer has just been killed."""
    page.goto(workshop.address("train"))
    expect(page.get_by_role("heading", name=": running")).to_be_visible()
    wait_until(lambda: run.model_path.exists())
    pid = run.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    expect(page.get_by_role("heading", name=": interrupted")).to_be_visible()
    return run


def test_a_killed_trainer_is_told_of_and_the_run_resumes(
    workshop: Workshop, page: Page, live_run: Callable[[], Run]
) -> None:
    run = killed(workshop, page, live_run())
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name=": running")).to_be_visible()
    run.request_stop()
    expect(page.get_by_role("heading", name=": stopped")).to_be_visible()


def test_a_run_deleted_while_it_is_watched_gets_a_sentence(
    workshop: Workshop, page: Page, live_run: Callable[[], Run]
) -> None:
    run = live_run()
    page.goto(workshop.address("train"))
    expect(page.get_by_role("heading", name=": running")).to_be_visible()
    pid = run.status().pid
    assert pid is not None
    wait_until(lambda: removed(run.path))
    expect(page.get_by_text("There is no run called")).to_be_visible()
    expect(page.get_by_text("There are no runs yet")).to_be_visible()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_a_run_in_trouble_is_looked_at_again(
    workshop: Workshop, page: Page, live_run: Callable[[], Run]
) -> None:
    run = killed(workshop, page, live_run())
    interrupted = page.get_by_role("heading", name=": interrupted")
    files = {name: run.path / name for name in ("status.json", "config.json")}
    whole = {name: file.read_bytes() for name, file in files.items()}
    for name, words in (("status.json", "is damaged"), ("config.json", "cannot be read")):
        files[name].write_bytes(b"{")
        expect(page.get_by_text(f"{name} {words}").first).to_be_visible()
        page.reload()
        expect(page.get_by_text(f"{name} {words}").first).to_be_visible()
        files[name].write_bytes(whole[name])
        expect(interrupted).to_be_visible()

    files["status.json"].unlink()
    expect(page.get_by_text("step 0 of 0")).to_be_visible()
    files["status.json"].write_bytes(whole["status.json"])
    expect(page.get_by_text("step 0 of 0")).to_be_hidden()
    files["config.json"].unlink()
    expect(page.get_by_text("There is no run called")).to_be_visible()
    files["config.json"].write_bytes(whole["config.json"])
    page.goto(workshop.address(f"train?run={run.name}"))
    expect(interrupted).to_be_visible()
    jobs.resume(run)  # elsewhere
    expect(page.get_by_role("heading", name=": running")).to_be_visible()
    run.request_stop()


def test_a_run_of_the_command_line_appears_when_one_comes_back(
    workshop: Workshop, page: Page, live_run: Callable[[], Run]
) -> None:
    page.goto(workshop.address("train"))
    expect(page.get_by_text("There are no runs yet")).to_be_visible()
    run = live_run()
    heading = page.get_by_role("heading", name=f"{title_of(run)}: ")
    for _ in range(20):  # on a busy machine it takes a while until the page listens
        page.evaluate("window.dispatchEvent(new Event('blur'))")
        page.wait_for_timeout(600)
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        with suppress(AssertionError):
            expect(heading).to_be_visible(timeout=5000)
            break
    expect(heading).to_be_visible()
