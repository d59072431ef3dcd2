"""What the whole map shows: ranges computed from its points, in a real browser."""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

HOME = """async ([xy, line]) => {
    const { home } = await import("/map/latent_map/layers/plotly_figure.js");
    return home({ xy: Float32Array.from(xy) }, line);
}"""


def test_the_whole_map_reaches_to_3_5_and_to_all_points(bare_page: Page) -> None:
    collapsed = [[-3.5, 3.5], [-3.5, 3.5]]
    assert bare_page.evaluate(HOME, [[0.01, 0, -0.01, 0.02], False]) == collapsed
    # A twentieth of the points' extent stays free beyond them.
    assert bare_page.evaluate(HOME, [[-4, 0, 6, 1], False]) == [[-4.5, 6.5], [-3.5, 3.5]]
    # Of one dimension the log-variances stand upwards, which have nothing to do with the prior's.
    assert bare_page.evaluate(HOME, [[1, -8, 2, -4], True]) == [[-3.5, 3.5], [-8.2, -3.8]]
