"""`python -m docs.screenshots`: makes the README's pictures from the running app."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.live_run import training
from pages.components.explore.page_file import PageContent, page_file
from tests.support.browser import ARGUMENTS, MISSING, Server, chromium, place_on, ready, wait_until
from tests.support.paths import APP, BUNDLED
from vae.config import TrainConfig
from vae.runs.run import Run
from vae.training import jobs

PICTURES = Path(__file__).parent / "pictures"
PAGE = Path(__file__).parent / "latent.html"
PAGE_TEXT = (
    "A variational autoencoder has learned to draw digits from two numbers. Move over the map to see what it "
    "draws at each place, click to pin one, and press Play to see how it learned."
)


def take(page: Page, name: str) -> None:
    """Writes a screenshot to docs/pictures/NAME.png once the page has settled."""
    page.wait_for_timeout(1500)
    page.screenshot(path=PICTURES / f"{name}.png")


def take_bundled_run(page: Page, server: Server) -> None:
    """Takes the map, the gallery and the details of an image of the bundled run."""
    page.goto(server.address("?pins=i18_-1.4,1.6_0.9,0.3_-0.6,-1.9&index=18&path=-1.4,1.6_-0.6,-1.9"))
    ready(page, "map")
    page.wait_for_timeout(2000)
    page.mouse.move(*place_on(page, "map", -1.3, -1.0))  # where sixes turn into zeros
    take(page, "latent")
    page.goto(server.address("reconstructions?sort=worst&digit=3"))
    page.locator("[data-on-screen=row-3]").first.wait_for()
    take(page, "reconstructions")
    page.goto(server.address("reconstructions?sort=surprise&digit=4&index=247"))
    ready(page, "opened_map")
    take(page, "closer")


def take_training(page: Page, server: Server, runs_dir: Path) -> None:
    """Takes a training in its second epoch whose learning rate was changed in the first."""
    with training(TrainConfig.preset("quick", seed=2), runs_dir) as run:
        page.goto(server.address(f"train?run={run.name}"))
        ready(page, "training_map")
        wait_until(lambda: run.status().epoch > 0.6)
        run.update_request(learning_rate=1e-3)
        wait_until(lambda: run.status().epoch > 1.3)
        take(page, "train")


def make_page_file(page: Page) -> None:
    """Writes docs/latent.html, the file of the bundled run, and takes a picture of it."""
    content = PageContent("Where handwritten digits lie", PAGE_TEXT, moments=4)
    PAGE.write_bytes(page_file([Run(BUNDLED)], content))
    page.goto(PAGE.as_uri())
    page.locator(".latent-map[data-ready]").wait_for()
    page.wait_for_timeout(2000)
    page.mouse.click(*place_on(page, "map", -1.3, -1.0))
    page.mouse.move(*place_on(page, "map", 1.5, -0.9))
    take(page, "page")


def save_film(page: Page, server: Server, runs_dir: Path) -> None:
    """Writes docs/pictures/journey.gif: the training of `quick`, as the page saves it."""
    run = jobs.start(TrainConfig.preset("quick"), runs_dir)
    wait_until(lambda: run.status().state == "finished", seconds=300)
    page.goto(server.address(f"?run={run.name}&panel=save"))
    ready(page, "map")
    page.get_by_role("button", name="Export training video").click()
    for key in ("Home", "ArrowRight", "ArrowRight"):  # of six seconds, which take at most 3 MB
        page.get_by_role("slider", name="Seconds").press(key)
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Make the film").click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save it").click()
    saving.value.save_as(PICTURES / "journey.gif")


def main() -> None:
    path = chromium()
    if path is None:
        raise SystemExit(MISSING)
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(APP, VAE_RUNS_DIR=folder) as server,
        sync_playwright() as playwright,
    ):
        shutil.copytree(BUNDLED, Path(folder) / BUNDLED.name)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        take_bundled_run(page, server)
        make_page_file(page)
        take_training(page, server, Path(folder))
        save_film(page, server, Path(folder))


if __name__ == "__main__":
    main()
