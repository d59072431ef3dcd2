"""The event that tells a page's components which place is hovered."""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_who_is_left_later_does_not_end_what_is_hovered_by_now(bare_page: Page) -> None:
    seen = bare_page.evaluate(
        """async () => {
            const { emitHover, onHover } = await import("/shell/hover_event.js");
            const seen = [];
            onHover(({ source, z }) => seen.push([source, z]));
            const z = [1, 2];
            emitHover("path", z);
            emitHover("coordinates", z);
            emitHover("path", null);
            emitHover("coordinates", null);
            return seen;
        }"""
    )
    assert seen == [["path", [1, 2]], ["coordinates", [1, 2]], ["coordinates", None]]
