"""Box plots of losses by class."""

import numpy as np

from pages.components.charts.box_plots import loss_boxes
from vae.export.colours import CLASS_COLOURS

COLOURS = CLASS_COLOURS["dark"][:10]


def test_a_box_holds_the_middle_half_of_its_class() -> None:
    losses = np.concatenate((np.arange(101), np.full(3, 7.0)))
    labels = np.concatenate((np.zeros(101, int), np.full(3, 2)))
    figure = loss_boxes(losses, labels, tuple("0123456789"), COLOURS, (), "loss")
    first, second, hover = figure["data"]
    assert [first[part] for part in ("lowerfence", "q1", "median", "q3", "upperfence", "mean")] == [
        [5], [25], [50], [75], [95], [50]
    ]  # fmt: skip
    assert (first["x"], second["x"], second["median"]) == ([0], [2], [7])
    assert first["marker"]["color"] == COLOURS[0]
    assert hover["text"][0] == ("<b>0</b>: median 50.0, mean 50.0<br>half: 25.0 to 75.0<br>90 %: 5.0 to 95.0")


def test_classes_that_are_not_chosen_are_faded() -> None:
    figure = loss_boxes(np.ones(4), np.arange(4), tuple("0123456789"), COLOURS, [1, 3], "loss")
    assert [box["opacity"] == 1 for box in figure["data"][:-1]] == [False, True, False, True]
    figure = loss_boxes(np.ones(4), np.arange(4), tuple("0123456789"), COLOURS, [], "loss")
    assert [box["opacity"] for box in figure["data"][:-1]] == [1] * 4


def test_the_axis_begins_at_0_where_the_losses_do_and_long_names_are_slanted() -> None:
    for losses, mode in (([2, 90], "tozero"), ([12_000, 18_000], "normal")):
        layout = loss_boxes(np.array(losses, float), np.arange(2), ("box", "disc"), COLOURS[:2], [], "loss")[
            "layout"
        ]
        assert (layout["yaxis"]["rangemode"], layout["xaxis"]["tickangle"]) == (mode, 0)
    layout = loss_boxes(np.ones(2), np.arange(2), ("x" * 30, "b"), COLOURS[:2], [], "loss")["layout"]
    assert layout["xaxis"]["tickangle"] == -30
