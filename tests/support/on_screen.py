"""Whether parts of a page are visible without scrolling, in a real browser."""

from collections.abc import Iterable

from playwright.sync_api import Locator, Page

# The boxes of all elements that are this part; a part of a component carries the attribute itself, a group of
# Streamlit's elements stands in a `screen_part`.
_SELECTOR = '[data-on-screen="{name}"], .st-key-on_screen_{name}'
_OUTSIDE = """(parts) => {
    const outside = (box) => box.left < -0.5 || box.top < -0.5 || box.width < 1 || box.height < 1
        || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5;
    return Object.entries(parts).flatMap(([name, selector]) => {
        const boxes = [...document.querySelectorAll(selector)].map((part) => part.getBoundingClientRect());
        if (!boxes.length) return [`${name} is missing`];
        return boxes.filter(outside).map((box) => `${name}: ${JSON.stringify(box)}`);
    });
}"""


def part(page: Page, name: str) -> Locator:
    """The part of the page that is called `name`."""
    return page.locator(_SELECTOR.format(name=name))


def assert_on_screen(page: Page, names: Iterable[str]) -> None:
    """Waits until each of these parts is there and wholly visible; says at the end which are not."""
    selectors = {name: _SELECTOR.format(name=name) for name in names}
    outside: list[str] = []
    for _ in range(40):  # layouts settle within a few frames, on a busy machine within seconds
        if not (outside := page.evaluate(_OUTSIDE, selectors)):
            return
        page.wait_for_timeout(250)
    raise AssertionError("\n".join(outside))


def hide_sidebar(page: Page) -> None:
    """Collapses the sidebar, as a visitor with a small window does."""
    page.get_by_test_id("stSidebar").hover()
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    page.get_by_test_id("stExpandSidebarButton").wait_for()
