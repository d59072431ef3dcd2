"""Arrays to figures and galleries: what is drawn, where, and in which colours."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import pytest

from pages.components.charts.box_plots import loss_boxes
from pages.components.charts.scatter import LABEL_COLOURS, latent_scatter, posterior_map


def scattered(outside: int, distance: float = 5) -> tuple[np.ndarray, np.ndarray]:
    """A thousand points, of which so many lie at a distance, and their labels."""
    points = np.random.default_rng(0).uniform(-3.9, 3.9, (1000, 2)).astype(np.float32)
    points[:outside, 1] = -distance
    return points, np.arange(1000) % 10


def test_the_scatter_has_every_point_once_in_its_colour_and_is_not_clickable() -> None:
    points, labels = scattered(0)
    figure = latent_scatter(points, labels, ("z₁", "z₂"))
    go.Figure(figure)
    assert [trace["marker"]["color"] for trace in figure["data"]] == list(LABEL_COLOURS)
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
    layout = latent_scatter(*scattered(outside, distance), ("z₁", "z₂"))["layout"]
    assert layout["xaxis"]["range"] == layout["yaxis"]["range"] == [-half, half]


def test_a_scatter_without_points_has_axes() -> None:
    layout = latent_scatter(np.empty((0, 2)), np.empty(0, np.int64), ("a", "b"))["layout"]
    assert layout["xaxis"]["range"] == [-4, 4]


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB: protanopia, deuteranopia, tritanopia.
DICHROMATS = (
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)
# Ottosson 2020: linear sRGB to cone responses, and their cube roots to OKLab.
TO_CONES = ((0.412221, 0.536333, 0.051446), (0.211903, 0.680700, 0.107397), (0.088302, 0.281719, 0.629979))
TO_OKLAB = ((0.210454, 0.793618, -0.004072), (1.977998, -2.428592, 0.450594), (0.025904, 0.782772, -0.808676))


def linear_rgb(colours: Sequence[str]) -> np.ndarray:
    """Colours like #1133ff as linear sRGB (N, 3), 0 to 1."""
    srgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(linear: np.ndarray) -> np.ndarray:
    """Linear sRGB (N, 3) in OKLab (N, 3), where distances are those that people see."""
    lab: np.ndarray = np.cbrt(np.clip(linear, 0, 1) @ np.array(TO_CONES).T) @ np.array(TO_OKLAB).T
    return lab


def test_everybody_can_tell_the_ten_colours_apart() -> None:
    linear = linear_rgb(LABEL_COLOURS)
    for seen in (np.eye(3), *map(np.array, DICHROMATS)):
        lab = oklab(linear @ seen.T)
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 9 * np.eye(10)
        assert distances.min() > 0.12  # 0.02 is just noticeable side by side


def test_a_box_holds_the_middle_half_of_its_class() -> None:
    losses = np.concatenate((np.arange(101), np.full(3, 7.0)))
    labels = np.concatenate((np.zeros(101, int), np.full(3, 2)))
    figure = loss_boxes(losses, labels, tuple("0123456789"), (), "loss")
    first, second, hover = figure["data"]
    assert [first[part] for part in ("lowerfence", "q1", "median", "q3", "upperfence", "mean")] == [
        [5], [25], [50], [75], [95], [50]
    ]  # fmt: skip
    assert (first["x"], second["x"], second["median"]) == ([0], [2], [7])
    assert first["marker"]["color"] == LABEL_COLOURS[0]
    assert hover["text"][0] == ("<b>0</b>: median 50.0, mean 50.0<br>half: 25.0 to 75.0<br>90 %: 5.0 to 95.0")


def test_classes_that_are_not_chosen_are_faded() -> None:
    figure = loss_boxes(np.ones(4), np.arange(4), tuple("0123456789"), [1, 3], "loss")
    assert [box["opacity"] == 1 for box in figure["data"][:-1]] == [False, True, False, True]
    figure = loss_boxes(np.ones(4), np.arange(4), tuple("0123456789"), [], "loss")
    assert [box["opacity"] for box in figure["data"][:-1]] == [1] * 4


def test_the_posterior_is_drawn_where_and_as_wide_as_it_is() -> None:
    points = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    figure = posterior_map(
        points, np.arange(500) % 10, ("a", "b"), np.array([1.0, -2]), np.array([0.1, 0.2]), np.array([3, 4])
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
        points, np.arange(50) % 10, ("a", "b"), np.array([-9.0, 1]), np.array([0.1, 0]), np.array([3])
    )
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < -9
    assert [low, high] == figure["layout"]["yaxis"]["range"] == [-high, high]
    line = next(trace for trace in figure["data"] if trace.get("name") == "2 σ")
    assert set(line["y"]) == {1}  # no deviation, no height
    assert line["x"].min() == pytest.approx(-9.2)
