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


DRAWN = """async (data) => {
    const { show } = await import("./charts/tiles/component.js");
    const parent = document.body.appendChild(document.createElement("div"));
    parent.innerHTML = '<div class="tiles" role="group"></div>';
    show({ data, parentElement: parent, setTriggerValue: () => undefined });
    const canvas = parent.querySelector("canvas");
    const { data: levels } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return { width: canvas.width, levels: [...levels] };
}"""


def test_the_difference_of_coloured_pictures_shows_another_colour_of_the_same_brightness(
    bare_page: Page,
) -> None:
    # Four pixels: red that became green, one that stayed, one that lost blue, one that gained 51 of red.
    before, after = np.zeros((2, 3, 4), np.uint8)
    before[0, 0], after[1, 0] = 250, 255
    before[:, 1] = after[:, 1] = 77
    before[2, 2], after[0, 3] = 255, 51
    levels = np.stack((before, after)).reshape(2, -1)
    data = {"pictures": base64.b64encode(levels.tobytes()).decode(), "tiles": 1, "count": 2, "side": 2}
    data |= {"colours": ["#ff0000", "#0000ff"], "difference": True, "width": 50, "captions": []}
    data |= {"panels": [], "numbers": None, "page": None, "query": {}, "follow": None}
    drawn = bare_page.evaluate(DRAWN, data | {"label": "Pictures", "key": "pictures"})
    pixels = np.array(drawn["levels"]).reshape(2, drawn["width"], 4)[:, -2:, :3]
    assert pixels.reshape(4, 3).tolist() == [[0, 0, 255], [0, 0, 0], [255, 0, 0], [0, 0, 51]]
