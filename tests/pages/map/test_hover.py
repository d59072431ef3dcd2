"""The picture of a data point under the pointer, of a set from which the browser fetches single pictures."""

import json

import numpy as np
import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

HOVER = """async () => {
    const { makeHover } = await import("./map/latent_map/input/hover.js");
    const box = document.body.appendChild(document.createElement("div"));
    box.innerHTML = "<canvas></canvas><canvas></canvas><p><span></span><span></span></p><div></div>";
    const decoder = { decode: () => [0], greyLevels: () => new Uint8Array(12) };
    const place = { x: 0, y: 0, clientX: 100, clientY: 100 };
    const seen = [];
    addEventListener("latent-hover", ({ detail }) => detail.real && seen.push(detail.real.name));
    const shown = () => {
        const { data } = box.querySelectorAll("canvas")[1].getContext("2d").getImageData(0, 0, 2, 2);
        return [...data.slice(0, 8)];
    };
    // Points 1 to 5, one after the other, as the pointer crosses the map; it rests on the last.
    let number = 1;
    const at = () => hover.show("map", place, {
        z: [0, 0], decoder, pixel: 0.1, point: { index: number, name: `#${number}`, figures: "2 nats" },
        url: "set/index.json", chart: "map", set: "set/index.json", names: ["z1", "z2"],
        edge: 900, beside: true,
    });
    const states = [];
    return await new Promise((resolve) => {
        const hover = makeHover(box, () => {
            at();
            if (shown()[3]) {
                const title = box.querySelectorAll("span")[1].textContent;
                resolve({ states, last: shown(), title });
            } else {
                for (number of [1, 2, 3, 4, 5]) at();
                states.push(shown());
            }
        });
        window.hover = hover; // for `at`
        at();
    });
}"""


def test_the_picture_on_which_the_pointer_rests_is_fetched(bare_page: Page) -> None:
    planes = np.arange(6 * 12, dtype=np.uint8).reshape(6, 3, 2, 2)
    asked: list[str] = []

    def answer_range(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]
        asked.append(request.headers["range"])
        start, end = map(int, asked[-1].removeprefix("bytes=").split("-"))
        route.fulfill(status=206, body=planes.tobytes()[start : end + 1])  # type: ignore[attr-defined]

    index = json.dumps({"count": 6, "size": 12, "each": 6})
    bare_page.route("**/set/index.json", lambda route: route.fulfill(status=200, body=index))
    bare_page.route("**/set/0.bin", answer_range)
    got = bare_page.evaluate(HOVER)
    assert got["states"] == [[0] * 8]  # its name and figures are there at once, and a blank picture
    assert got["title"] == "#5"
    assert got["last"] == [*planes[5, :, 0, 0].tolist(), 255, *planes[5, :, 0, 1].tolist(), 255]
    assert asked == ["bytes=60-71"]
