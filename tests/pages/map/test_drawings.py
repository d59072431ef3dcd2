"""The path and the lasso of a map: where they come from, and what is said of an invalid path in the URL."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app_test import messages

DRAWN = """
import streamlit as st
from pages.components.map.drawings import draw_path, draw_region, drawn_path, drawn_region
from pages.components.map.drawings import path_address, remove_path
from pages.components.map.latent_map import Region

if "revision" in st.session_state:
    corners = [(0, 0), (1, 0), (1, 1)][: st.session_state.corners]
    draw_region(Region(corners, frozenset({1}), "mine"))
    st.session_state.region = drawn_region(st.session_state.revision, 10)
if "new" in st.session_state:
    new = st.session_state.new
    draw_path(*new) if new else remove_path()
path = drawn_path(st.session_state.size)
st.session_state.path = path and [end.tolist() for end in path]
st.session_state.address = path_address(path)
"""


def drawn_in(query: dict[str, str] | None = None, **state: object) -> AppTest:
    test = AppTest.from_string(DRAWN)
    for name, value in {"size": 2, **state}.items():
        test.session_state[name] = value
    test.query_params.update(query or {})
    test.run()
    assert not test.exception
    return test


def test_a_path_is_that_of_the_address_until_one_is_drawn() -> None:
    test = drawn_in({"path": "-1,0_2,0.5"})
    assert test.session_state["path"] == [[-1, 0], [2, 0.5]]
    assert test.session_state["address"] == {"path": "-1,0_2,0.5"}
    test.session_state["size"] = 3  # another run; this one's path is no path there
    assert test.run().session_state["path"] is None
    assert test.session_state["address"] == {"path": None}
    test.session_state["size"] = 2  # and back
    assert test.run().session_state["path"] == [[-1, 0], [2, 0.5]]
    test.session_state["new"] = [[0.1, 0], [0, 7]]
    assert test.run().session_state["address"] == {"path": "0.1,0_0,7"}
    test.session_state["new"] = None
    test.run()
    assert test.run().session_state["path"] is None, "it came back by the address"


def test_a_link_brings_its_path_and_an_older_address_does_not() -> None:
    test = drawn_in({"path": "-1,0_2,0.5"})
    test.query_params["path"] = "3,0_0,1"  # a link of the app: the session goes on
    assert test.run().session_state["path"] == [[3, 0], [0, 1]]
    test.session_state["new"] = [[0.0, 0.0], [1.0, 0.0]]
    test.run()
    del test.session_state["new"]
    assert test.run().session_state["path"] == [[0, 0], [1, 0]], (
        "the server sees an older address for a while"
    )
    test.query_params["path"] = "0,0_1,0"
    assert test.run().session_state["path"] == [[0, 0], [1, 0]]
    del test.query_params["path"]
    assert test.run().session_state["path"] == [[0, 0], [1, 0]], "an address without a path removes none"
    test.query_params["path"] = ""  # links of lessons: what was drawn for another step is not in the way
    assert test.run().session_state["path"] is None
    assert messages(test) == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        *((text, "a path is two points z") for text in ("1,2", "0,0")),
        *((text, "is no z here") for text in ("1", "a_b", "1,2_nan,0", "1,2_3,4_5,6", "1e99,0_0,0")),
        ("1,2_1,2", "choose two that are not the same"),
    ],
)
def test_an_invalid_path_in_the_url_gets_a_sentence(text: str, sentence: str) -> None:
    test = drawn_in({"path": text})
    assert sentence in messages(test)
    assert test.session_state["path"] is None


@pytest.mark.parametrize(("revision", "corners", "there"), [("mine", 3, 1), ("other", 3, 0), ("mine", 0, 0)])
def test_a_lasso_is_there_on_its_own_map_only(revision: str, corners: int, there: bool) -> None:
    region = drawn_in(revision=revision, corners=corners).session_state["region"]
    assert (region is not None) == there


@pytest.mark.parametrize(
    ("new", "sentence"),
    [([[1.0, 2.0], [1.0, 2.0]], "choose two that are not the same"), ([[0.0, 0.0], [1e9, 0.0]], "beyond")],
)
def test_an_impossible_path_leaves_the_one_there_and_says_why(new: list[list[float]], sentence: str) -> None:
    test = drawn_in({"path": "-1,0_2,0.5"})
    test.session_state["new"] = new
    assert sentence in messages(test.run())
    assert test.session_state["path"] == [[-1, 0], [2, 0.5]]
    test.session_state["new"] = [[0.0, 0.0], [1.0, 0.0]]
    assert messages(test.run()) == ""


SELECTED = """
import streamlit as st
from pages.components.map.drawings import draw_region, drawn_region, region_address, remove_region
from pages.components.map.latent_map import Region

if "new" in st.session_state:
    new = st.session_state.new
    draw_region(Region(new, frozenset({1}), "mine")) if new else remove_region()
region = drawn_region(st.session_state.revision, 4)
st.session_state.region = region and (region.corners, sorted(region.classes))
st.session_state.address = region_address(region)
"""
CORNERS = [(-1.0, 0.0), (2.0, 0.5), (1.0, 1.25)]


def test_a_lasso_in_the_address_selects_the_classes_that_it_does_not_hide() -> None:
    test = AppTest.from_string(SELECTED)
    test.session_state["revision"] = "mine"
    test.query_params.update({"lasso": "-1,0_2,0.5_1,1.25", "hide": "0,3"})
    assert test.run().session_state["region"] == (CORNERS, [1, 2])
    assert test.session_state["address"] == {"lasso": "-1,0_2,0.5_1,1.25"}
    test.session_state["revision"] = "another"
    assert test.run().session_state["address"] == {"lasso": None}
    test.session_state["revision"] = "mine"
    test.session_state["new"] = CORNERS[::-1]
    assert test.run().session_state["address"] == {"lasso": "1,1.25_2,0.5_-1,0"}
    test.session_state["new"] = None
    test.run()
    assert test.run().session_state["region"] is None, "it came back by the address"


@pytest.mark.parametrize("text", ["1,2", "0,0_1,1", "a,b_1,1_2,0", "nan,0_1,1_2,0", "1,2,3_1,1_2,0"])
def test_a_lasso_in_the_address_that_is_none_gets_a_sentence(text: str) -> None:
    test = AppTest.from_string(SELECTED)
    test.session_state["revision"] = "mine"
    test.query_params["lasso"] = text
    assert "The address names no selection" in messages(test.run())
    assert test.session_state["region"] is None
