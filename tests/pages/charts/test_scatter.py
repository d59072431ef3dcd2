"""Scatter plots: where points are drawn, and in which colours."""

import numpy as np
import plotly.graph_objects as go
import pytest

from pages.components.charts.scatter import latent_scatter, posterior_map
from vae.export.colours import CLASS_COLOURS

COLOURS = CLASS_COLOURS["dark"][:10]


def scattered(outside: int, distance: float = 5) -> tuple[np.ndarray, np.ndarray]:
    """A thousand points, of which so many lie at a distance, and their labels."""
    points = np.random.default_rng(0).uniform(-3.9, 3.9, (1000, 2)).astype(np.float32)
    points[:outside, 1] = -distance
    return points, np.arange(1000) % 10


def test_the_scatter_has_every_point_once_in_its_colour_and_is_not_clickable() -> None:
    points, labels = scattered(0)
    figure = latent_scatter(points, labels, ("z₁", "z₂"), COLOURS)
    go.Figure(figure)
    assert [trace["marker"]["color"] for trace in figure["data"]] == list(COLOURS)
    for label, trace in enumerate(figure["data"]):
        drawn = np.stack((trace["x"], trace["y"]), axis=1)
        np.testing.assert_array_equal(drawn, points[labels == label])
    layout = figure["layout"]
    assert layout["hovermode"] is False
    assert layout["xaxis"]["fixedrange"]
    assert layout["yaxis"]["fixedrange"]
    assert layout["yaxis"]["scaleanchor"] == "x"
    assert layout["xaxis"]["title"]["text"] == "z₁"


@pytest.mark.parametrize(
    ("outside", "distance", "half"),
    [(0, 0, 4), (5, 5, 4), (6, 5, 6), (6, 6, 6), (6, 6.1, 8), (500, 19, 20), (5, 1e6, 4)],
)
def test_the_scatter_stands_still_unless_too_many_points_lie_outside(
    outside: int, distance: float, half: int
) -> None:
    layout = latent_scatter(*scattered(outside, distance), ("z₁", "z₂"), COLOURS)["layout"]
    assert layout["xaxis"]["range"] == layout["yaxis"]["range"] == [-half, half]


def test_a_scatter_without_points_has_axes() -> None:
    layout = latent_scatter(np.empty((0, 2)), np.empty(0, np.int64), ("a", "b"), COLOURS)["layout"]
    assert layout["xaxis"]["range"] == [-4, 4]


def test_the_posterior_is_drawn_where_and_as_wide_as_it_is() -> None:
    points = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    figure = posterior_map(
        points,
        np.arange(500) % 10,
        ("a", "b"),
        COLOURS,
        np.array([1.0, -2]),
        np.array([0.1, 0.2]),
        np.array([3, 4]),
    )
    one, two = (next(trace for trace in figure["data"] if trace.get("name") == f"{n} σ") for n in (1, 2))
    for trace, x, y in ((one, [0.9, 1.1], [-2.2, -1.8]), (two, [0.8, 1.2], [-2.4, -1.6])):
        assert [trace["x"].min(), trace["x"].max()] == pytest.approx(x)
        assert [trace["y"].min(), trace["y"].max()] == pytest.approx(y)
        np.testing.assert_allclose(  # on the ellipse, all around
            ((trace["x"] - 1) / (x[1] - 1)) ** 2 + ((trace["y"] + 2) / (y[1] + 2)) ** 2, 1
        )
    (low, high), (bottom, top) = (figure["layout"][axis]["range"] for axis in ("xaxis2", "yaxis2"))
    assert high - low == pytest.approx(top - bottom)
    for x, y in points[[3, 4]]:  # the neighbours are in sight
        assert low < x < high
        assert bottom < y < top
    assert figure["layout"]["xaxis"]["range"] == [-4, 4]


def test_a_picture_far_from_all_others_is_on_the_map() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    figure = posterior_map(
        points,
        np.arange(50) % 10,
        ("a", "b"),
        COLOURS,
        np.array([-9.0, 1]),
        np.array([0.1, 0]),
        np.array([3]),
    )
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < -9
    assert [low, high] == figure["layout"]["yaxis"]["range"] == [-high, high]
    line = next(trace for trace in figure["data"] if trace.get("name") == "2 σ")
    assert set(line["y"]) == {1}  # no deviation, no height
    assert line["x"].min() == pytest.approx(-9.2)
