"""The levels of pictures as the browser reads them: grey and in colour, of any side."""

import numpy as np
import pytest
from playwright.sync_api import Page

from pages.components.charts.images import levels_text
from vae.datasets.images import as_rows

pytestmark = pytest.mark.browser

DRAWN = """async ([text, tiles]) => {
    const { bytesOf, imageOf, split } = await import("./stores/pictures/levels.js");
    const levels = bytesOf(text);
    return split(levels, levels.length / tiles).map((each) => {
        const { width, height, data } = imageOf(each);
        return [width, height, [...data]];
    });
}"""
# The number of colours of the drawn difference of two pictures, and those of its first and last pixel.
DIFFERENCE = """async (data) => {
    const { show } = await import("./charts/tiles/component.js");
    const parent = document.body.appendChild(document.createElement("div"));
    parent.innerHTML = '<div class="tiles" role="group"></div>';
    show({ data, parentElement: parent, setTriggerValue: () => undefined });
    const canvas = parent.querySelector("canvas");
    const { data: pixels } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.width, canvas.height, [...pixels]];
}"""
SHEET = """async (levels) => {
    const { makeSheet } = await import("./map/latent_map/manifold/tile_sheet.js");
    const { formOf } = await import("./stores/pictures/levels.js");
    const grid = { columns: 1, rows: 1, step: 1, i: 0, j: 0 };
    const form = formOf(levels.length);
    const sheet = makeSheet(grid, form);
    sheet.put({ column: 0, row: 0 }, Uint8Array.from(levels));
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = form.side;
    sheet.drawOn(canvas.getContext("2d"), { x0: -0.5, y1: 0.5, scale: [form.side, form.side] });
    return [sheet.inked, [...canvas.getContext("2d").getImageData(0, 0, form.side, form.side).data]];
}"""


@pytest.mark.parametrize("shape", [(9, 9), (8, 8, 3), (28, 28), (64, 64, 3)])
def test_pictures_are_drawn_as_they_are(shape: tuple[int, ...], bare_page: Page) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.uint8)
    drawn = bare_page.evaluate(DRAWN, [levels_text(images), 3])
    for (width, height, data), image in zip(drawn, images, strict=True):
        assert (width, height) == shape[:2]
        pixels = np.array(data).reshape(*shape[:2], 4)
        expected = image if image.ndim == 3 else image[..., None].repeat(3, axis=2)
        np.testing.assert_array_equal(pixels[..., :3], expected)
        assert (pixels[..., 3] == 255).all()


def test_a_difference_of_colours_is_the_largest_of_their_channels(bare_page: Page) -> None:
    before, after = np.zeros((2, 4, 4, 3), np.uint8)
    before[0, 0], after[3, 3] = (90, 0, 0), (255, 255, 255)
    after[1, 1], before[1, 1] = (90, 0, 0), (0, 0, 120)  # nearly as bright, and yet another colour
    data: dict[str, object] = {
        "pictures": levels_text(np.stack((before, after))),
        "tiles": 1,
        "count": 2,
        "side": 4,
        "difference": True,
        "width": 50,
        "colours": ["#ff0000", "#0000ff"],
        "captions": [],
        "panels": [],
        "numbers": None,
        "page": None,
        "query": {},
        "follow": None,
        "label": "Pictures",
        "key": "pictures",
    }
    width, height, data_of = bare_page.evaluate(DIFFERENCE, data)
    pixels = np.array(data_of).reshape(height, width, 4)
    assert (width, height) == (14, 4)
    np.testing.assert_array_equal(pixels[0, 0], (90, 0, 0, 255))
    np.testing.assert_array_equal(pixels[0, 10], (90, 0, 0, 255))  # darker by 90 of 255
    np.testing.assert_array_equal(pixels[3, 13], (0, 0, 255, 255))
    np.testing.assert_array_equal(pixels[1, 11], (120, 0, 0, 255))


def test_squares_of_the_manifold_are_ink_in_grey_and_opaque_in_colour(bare_page: Page) -> None:
    grey, coloured = (
        np.random.default_rng(1).integers(1, 256, shape).astype(np.uint8) for shape in ((8, 8), (8, 8, 3))
    )
    inked, data = bare_page.evaluate(SHEET, as_rows(grey[None])[0].tolist())
    assert inked
    np.testing.assert_array_equal(np.array(data).reshape(8, 8, 4)[..., 3], grey)
    inked, data = bare_page.evaluate(SHEET, as_rows(coloured[None])[0].tolist())
    assert not inked
    np.testing.assert_array_equal(np.array(data).reshape(8, 8, 4)[..., :3], coloured)
