"""The names of tiles, by which a screen reader tells them apart."""

import base64

import numpy as np
import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SHOW = """async (data) => {
    const { show } = await import("./charts/tiles/component.js");
    const parent = document.body.appendChild(document.createElement("div"));
    parent.innerHTML = '<div class="tiles" role="group"></div>';
    show({ data, parentElement: parent, setTriggerValue: () => undefined });
    return [...parent.querySelectorAll("button, a, canvas[role=img]")].map((tile) => tile.ariaLabel);
}"""


@pytest.mark.parametrize(
    ("count", "changes", "names"),
    [
        (2, {"numbers": [39, 7]}, ["Open #39", "Open #7"]),
        (2, {"numbers": [39, 7], "page": "reconstructions"}, ["Open #39", "Open #7"]),
        (2, {"numbers": [39, 7], "captions": [["one"], ["", "2 nats"]]}, ["Open one", "Open #7 2 nats"]),
        (2, {"numbers": [39, 7], "captions": [["one", "1 nat"]]}, ["Open one 1 nat", "Open #7"]),
        (2, {}, ["Pictures, 1 of 2", "Pictures, 2 of 2"]),
        (2, {"captions": [["one"]]}, ["one", "Pictures, 2 of 2"]),
        (1, {}, ["Pictures"]),
    ],
)
def test_a_tile_without_a_caption_has_a_name_of_its_own(
    count: int, changes: dict[str, object], names: list[str], bare_page: Page
) -> None:
    pictures = base64.b64encode(np.zeros((count, 1, 2, 2), np.uint8).tobytes()).decode()
    data = {"pictures": pictures, "tiles": count, "count": 1, "side": 2, "difference": False, "width": 50}
    data |= {"colours": ["#000000", "#ffffff"], "captions": [], "panels": [], "numbers": None, "page": None}
    data |= {"query": {}, "follow": None, "label": "Pictures", "key": "pictures", **changes}
    assert bare_page.evaluate(SHOW, data) == names
