"""`python -m docs.screenshots`: takes the README's pictures from the running app."""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import APP, ARGUMENTS, MISSING, Server, chromium

PICTURES = Path(__file__).parent / "pictures"
SHOTS = {
    "latent": ("", '[data-live-figure="map"][data-ready="true"]'),
    "reconstructions": ("reconstructions", ".pairs img >> nth=49"),
    "train": ("train", '[data-live-figure="curves"][data-ready="true"]'),
}


def main() -> None:
    """Writes docs/pictures/*.png."""
    path = chromium()
    if path is None:
        raise SystemExit(MISSING)
    PICTURES.mkdir(exist_ok=True)
    with Server(APP) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 960})
        for name, (route, drawn) in SHOTS.items():
            page.goto(server.address(route))
            page.wait_for_selector(drawn, timeout=60_000)
            if name == "latent":
                page.mouse.click(590, 640)  # a slanted one
                page.mouse.move(590, 940)
            page.wait_for_timeout(1500)
            page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
