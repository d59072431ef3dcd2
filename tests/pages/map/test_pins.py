"""Pins: the row as a value, as addresses say it, and whose word counts, the address's or the tab's."""

import math
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.components.map.pin_urls import PinQuery, format_pins, index_of, parse_pins, place_of, place_text
from pages.components.map.pins import MOST, MOST_KEPT, Pin, Pins, fit_pins
from tests.support.app_test import messages
from vae import VaeError
from vae.inference.formatting import format_number

MEANS = np.random.default_rng(2).standard_normal((500, 2), np.float32)


def row(count: int) -> Pins:
    pins = Pins()
    for i in range(count):
        pins = pins.add([i, -i])
    return pins


def places(pins: Pins) -> list[tuple[float, ...]]:
    return [pin.place for pin in pins.row]


def test_the_newest_pin_is_chosen_and_a_place_may_be_pinned_twice() -> None:
    assert Pins().chosen is None
    assert Pins().place(3).tolist() == [0, 0, 0]
    pins = Pins().add([1, 2]).add([1, 2]).add(MEANS[7], 7)
    assert [pin.number for pin in pins.row] == [0, 1, 2]
    assert pins.chosen == Pin(tuple(MEANS[7].tolist()), 7)
    assert pins.choose(1).place(2).tolist() == [1, 2]
    assert pins.choose(9) == pins


def test_what_is_removed_leaves_the_choice_to_its_neighbour() -> None:
    pins = row(4)
    assert pins.choose(1).remove(1).choice == 2
    assert pins.remove(3).choice == 2
    assert pins.choose(0).remove(3).choice == 0
    assert pins.remove(0).remove(0) == pins.remove(0)
    for number in range(4):
        pins = pins.remove(number)
    assert pins.chosen is None
    assert pins.add([5, 5]).choice == 4  # no number comes twice


def test_clearing_leaves_what_is_kept() -> None:
    pins = row(5).keep(1).keep(3).keep(4).keep(4)
    assert places(pins.clear()) == [(1, -1), (3, -3)]
    assert pins.clear().choice == 3
    assert pins.choose(1).clear().choice == 1
    assert row(2).clear().chosen is None


def test_of_too_many_the_oldest_goes_that_is_not_kept() -> None:
    pins = row(MOST).keep(0).choose(1).add([0.5, 0.5])
    assert len(pins.row) == MOST
    assert [pin.number for pin in pins.row] == [0, *range(2, MOST + 1)]
    pins = row(MOST)
    for number in range(MOST):
        pins = pins.keep(number)
    assert pins.kept == MOST_KEPT  # so that there is room for the next
    pins = pins.add([0.5, 0.5])
    assert (len(pins.row), pins.kept, pins.choice) == (MOST, MOST_KEPT, MOST)


def test_another_latent_space_sets_places_aside_and_moves_test_pictures() -> None:
    pins = Pins().add([1, 2]).add(MEANS[7], 7).add([3, 4])
    five = np.ones((500, 5), np.float32)
    there, aside = fit_pins(pins, (), five, "")
    assert places(there) == [(1, 1, 1, 1, 1)]
    assert there.choice == 1
    there = there.add([0, 0, 0, 0, 9])
    back, aside = fit_pins(there, aside, MEANS, "")
    assert places(back) == [(1, 2), tuple(MEANS[7].tolist()), (3, 4)]
    assert [pin.place for pin in aside] == [(0, 0, 0, 0, 9)]
    assert fit_pins(pins, (), MEANS[:5], "")[0].choice == 2  # a set of fewer pictures


def test_of_pins_at_the_same_place_the_chosen_one_stays() -> None:
    pins = Pins()
    for _ in range(MOST):
        pins = pins.add([1, 1])
    there, _ = fit_pins(pins.choose(0), (Pin((2, 2), number=MOST),), MEANS, "")
    assert [pin.number for pin in there.row] == [0, *range(2, MOST + 1)]


def test_places_come_back_as_the_same_float32() -> None:
    values = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
    values = np.concatenate(
        [values, values * 1e-9, values * 1e4, [0, -0.0, 1e6, 1e-38, 0.41]], dtype=np.float32
    )
    for value in values:
        text = place_text(value[None])
        assert place_of(text, 1) == value
        assert "+" not in text
    assert place_text(np.array([0.41, -1.2, -3, -0.0], np.float32)) == "0.41,-1.2,-3,0"


def test_people_read_minus_signs_and_no_minus_zero() -> None:
    assert format_number(-0.001) == "0.00"
    assert format_number(-1.5) == "−1.50"
    assert format_number(-1234.5, thousands=",") == "−1,234.50"


NONSENSE = [
    "abc",
    "",
    ",",
    "1;2",
    "1,2_3,4",
    "nan",
    "nan,0",
    "inf,1",
    "1e99,0",
    "-2e6,0",
    "1",
    "1,2,3",
    "1,,2",
    "1_0,2",
    "0x1,2",
    "٣,1",
]


@pytest.mark.parametrize(
    "text", [*NONSENSE, "1," * 500_000, *(f"{'9' * 1_000_000}{end}" for end in ("", "x,1", ",1"))]
)
def test_nonsense_is_no_place(text: str) -> None:
    start = time.process_time()
    with pytest.raises(VaeError, match="is no z here: it is 2 numbers with commas between") as error:
        place_of(text, 2)
    assert time.process_time() - start < 1
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("text", ["10000", "200", "-1", "abc", "", "1e3", "1.5", "nan", "٣", "9" * 5000])
def test_nonsense_is_no_test_picture(text: str) -> None:
    with pytest.raises(VaeError, match="they are numbered from 0 to 199") as error:
        index_of(text, 200)
    assert len(str(error.value)) < 200
    assert index_of("199", 200) == 199


@pytest.mark.parametrize("text", ["nonsense", "i500", "_", "*", "i", "i1.5"])
def test_nonsense_is_no_pin(text: str) -> None:
    pins, (sentence,) = parse_pins(PinQuery(pins=text), MEANS, Pins())
    assert "is no pin here" in sentence
    assert pins.row == ()


def test_an_address_brings_back_the_row() -> None:
    assert format_pins(Pins()) == PinQuery()
    assert format_pins(row(1)) == PinQuery(z="0,0")
    assert format_pins(Pins().add(MEANS[417], 417)) == PinQuery(index="417")
    pins = Pins().add([0.41, -1.2]).add(MEANS[417], 417).add([-3, 0]).add([-3, 0])
    assert format_pins(pins) == PinQuery(z="-3,0", pins="0.41,-1.2_i417_-3,0_-3,0")
    assert format_pins(pins.keep(1).choose(1)) == PinQuery(index="417", pins="0.41,-1.2_i417*_-3,0_-3,0")
    for each in (pins, pins.keep(1).choose(1), row(1).keep(0), row(MOST).choose(3).keep(MOST - 1), Pins()):
        again, sentences = parse_pins(format_pins(each), MEANS, Pins())
        assert again == each
        assert sentences == ()


def test_what_makes_no_sense_gets_one_sentence_and_the_rest_is_there() -> None:
    pins, (sentence,) = parse_pins(PinQuery(z="1,1", pins="0,1_abc_i417_i500_1,2,3_1,1"), MEANS, Pins())
    assert places(pins) == [(0, 1), tuple(MEANS[417].tolist()), (1, 1)]
    assert pins.choice == 2
    assert sentence == (
        "'abc' is no pin here, nor are 2 others: a pin is a z, 2 numbers with commas between, "
        "or a test image, from i0 to i499."
    )
    pins, sentences = parse_pins(PinQuery(z="nan,1", index="x", pins="0,1"), MEANS, Pins())
    assert places(pins) == [(0, 1)]
    assert [text.split(":")[0] for text in sentences] == [
        "There is no test image 'x'",
        "'nan,1' is no z here",
    ]


@pytest.mark.parametrize("text", ["_".join(["1,2"] * 10_000), "_" * 1_000_000, "x" * 1_000_000])
def test_a_row_of_any_length_is_read_at_once(text: str) -> None:
    start = time.process_time()
    pins, (sentence,) = parse_pins(PinQuery(pins=text), MEANS, Pins())
    assert time.process_time() - start < 1
    assert len(pins.row) == (MOST if text.startswith("1") else 0)
    assert len(sentence) < 250


def test_an_address_without_a_row_adds_to_that_of_the_tab_and_one_with_a_row_leaves_what_is_kept() -> None:
    before = row(3).keep(1)
    pins, _ = parse_pins(PinQuery(index="417"), MEANS, before)
    assert (len(pins.row), pins.place(2).tolist()) == (4, MEANS[417].tolist())
    pins, _ = parse_pins(PinQuery(z="2,-2"), MEANS, before.choose(0))
    assert (len(pins.row), pins.choice) == (3, 2)  # it is pinned already
    pins, _ = parse_pins(PinQuery(z="8,8", pins="7,7_1,-1_1,-1_8,8"), MEANS, before)
    assert sorted(places(pins)) == [(1, -1), (1, -1), (7, 7), (8, 8)]
    assert pins.kept == 1


def tab() -> None:
    """A page that pins what it is told to."""
    import numpy as np
    import streamlit as st

    from pages.components.explore.pin_state import act, current_pins, pin, pins_query
    from pages.components.explore.pins_row import KEY, Action
    from vae.inference.scored_set import ScoredSet

    st.text_input("Row", key=KEY)  # in its place
    means = np.random.default_rng(2).standard_normal((500, 2), np.float32)
    empty = np.zeros(500, np.float32)
    test = ScoredSet(np.zeros((500, 1, 1), np.uint8), empty.astype(int), means, *[empty] * 3)
    pins = current_pins(test, st.session_state.get("dataset", "mnist"))
    match st.session_state.pop("do", None):
        case [float(x), float(y)]:
            pins = pin([x, y])
        case Action() as action:
            pins = act(action)
    st.session_state.query = pins_query(pins)


class Tab:
    """A tab whose address the server sees late, or never."""

    def __init__(self, **seen: str) -> None:
        self.test = AppTest.from_function(tab, default_timeout=60)
        self.see(**seen)

    def see(self, **seen: str) -> "Tab":
        self.test.query_params.clear()
        for name, value in seen.items():
            self.test.query_params[name] = value
        return self.run()

    def run(self, do: object = None) -> "Tab":
        if do is not None:
            self.test.session_state["do"] = do
        self.test.run()
        assert not self.test.exception
        return self

    @property
    def asks(self) -> dict[str, str]:
        """What the browser is asked to write."""
        return {name: text for name, text in self.test.session_state["query"].items() if text is not None}


def test_an_old_address_is_not_taken_for_a_wish() -> None:
    tab = Tab(z="1,2")
    assert tab.asks == {"z": "1,2"}
    for i in range(5):  # the server goes on seeing what it saw first
        tab.run((float(i), 0.5))
    assert tab.asks["z"] == "4,0.5"
    assert tab.asks["pins"].count("_") == 5
    assert "z" in tab.test.query_params  # which nobody has written
    tab.see(z="7,7")  # a link, or the way back
    assert (tab.asks["z"], tab.asks["pins"].count("_")) == ("7,7", 6)


def test_a_test_picture_waits_for_its_data_set() -> None:
    tab = Tab(index="417")
    tab.test.session_state["dataset"] = "fashion"
    assert tab.run().asks == {}
    tab.run((0.5, 0.5))
    tab.test.session_state["dataset"] = "mnist"
    assert tab.run().asks == {"z": "0.5,0.5", "pins": "i417_0.5,0.5"}


def test_an_address_that_arrives_late_is_known() -> None:
    tab = Tab()
    asked = []
    for i in range(3):
        tab.run((float(i), 0.5))
        asked.append(tab.asks)
    tab.see(**asked[1])  # the last is still on its way
    assert tab.asks == asked[2]
    tab.see(**asked[2])
    assert tab.asks == asked[2]


def test_nonsense_is_said_until_something_is_pinned() -> None:
    tab = Tab(z="abc", pins="1,1_x")
    assert tab.asks == {"z": "1,1"}
    for _ in range(2):
        assert "'abc' is no z here" in messages(tab.test)
        assert "'x' is no pin here: a pin is" in messages(tab.test)
        tab.see(z="1,1")
    tab.run((2.0, 2.0)).run()
    assert messages(tab.test) == ""


def test_what_browsers_send_is_not_trusted() -> None:
    from pages.components.explore.pins_row import Action

    tab = Tab(z="1,2")
    for place in ((math.inf, 0.0), (math.nan, 0.0), (1e7, 0.0)):
        tab.run(place)
        assert "Nothing is pinned beyond ±1,000,000" in messages(tab.test)
    tab.run(Action("remove", 10**30)).run(Action("choose", -5))
    assert tab.asks == {"z": "1,2"}
    for i in range(MOST_KEPT):
        tab.run((float(i), 0.0)).run(Action("keep", i + 1))
    tab.run(Action("keep", 0))
    assert f"{MOST_KEPT} pins are kept already" in messages(tab.test)
    tab.run(Action("clear", -1))
    assert tab.asks["pins"].count("*") == MOST_KEPT


def test_an_empty_row_in_the_url_removes_all_but_starred_pins() -> None:
    row = Pins().add((0.5, 0.5)).add((1.5, 0.5))
    row = row.keep(row.row[0].number)
    pins, sentences = parse_pins(PinQuery(pins=""), MEANS, row)
    assert ([pin.place for pin in pins.row], sentences) == ([(0.5, 0.5)], ())
