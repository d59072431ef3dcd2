"""The bars of classes: a bar for each of a few, the largest and the others of many."""

from pages.components.charts.class_bars import MOST, class_bars
from tests.support.app_test import bars


def bars_of(counts: list[int]) -> dict[str, int]:
    names = [f"c{label}" for label in range(len(counts))]
    return bars(class_bars(counts, names, ["#000000"] * len(counts), "Counts").replace(" others", "_others"))


def test_a_few_classes_stand_in_their_order_also_empty_ones() -> None:
    assert list(bars_of([3, 0, 5]).items()) == [("c0", 3), ("c1", 0), ("c2", 5)]


def test_of_many_classes_the_largest_come_first_and_the_others_together() -> None:
    found = bars_of([1] * 30 + [7, 9, 8])
    assert list(found.items())[:3] == [("c31", 9), ("c32", 8), ("c30", 7)]
    assert len(found) == MOST
    assert list(found.items())[-1] == ("28_others", 28)
    assert sum(found.values()) == 30 + 7 + 9 + 8


def test_of_many_classes_empty_ones_are_left_out() -> None:
    assert bars_of([0] * 15 + [2, 4]) == {"c16": 4, "c15": 2}
    table = class_bars([0] * 15, ["name"] * 15, ["#000000"] * 15, "Nothing")
    assert "<tr" not in table
