"""What a lasso holds: against a slow count by hand; and what is said of it."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.components.map.lasso import inside, is_polygon
from tests.support.app_test import PAGES, bars, component, html, messages, visit
from tests.support.tensors import load
from vae.inference.image_search import exact_search, search_indices
from vae.runs.run import Run


def slowly_inside(point: np.ndarray, corners: np.ndarray) -> bool:
    """The even-odd rule as textbooks have it."""
    x, y = point
    odd = False
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (x1 - x0) * (y - y0) / (y1 - y0):
            odd = not odd
    return odd


@pytest.mark.parametrize("seed", range(5))
def test_a_lasso_that_crosses_itself_holds_what_the_even_odd_rule_says(seed: int) -> None:
    generator = np.random.default_rng(seed)
    corners = generator.uniform(-2, 2, (3 + 7 * seed, 2))
    points = generator.uniform(-2.5, 2.5, (300, 2)).astype(np.float32)
    expected = [slowly_inside(point, corners) for point in points.astype(np.float64)]
    assert inside(points, corners).tolist() == expected
    assert 0 < sum(expected) < 300


def test_a_corner_is_crossed_once() -> None:
    diamond = np.array([(0, -1), (1, 0), (0, 1), (-1, 0)], np.float64)
    points = np.array([[0, 0], [-2, 0], [-2, 1], [-2, -1], [0.4, 0.5], [0.6, 0.5]], np.float32)
    assert inside(points, diamond).tolist() == [True, False, False, False, True, False]


def test_a_flat_or_closed_polygon_disturbs_nobody() -> None:
    points = np.array([[0.5, 0.5], [3, 3]], np.float32)
    assert not inside(points, np.array([(0, 1), (1, 1), (2, 1)], np.float64)).any()
    assert inside(points, np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], np.float64)).tolist() == [
        True,
        False,
    ]
    assert inside(points[:0], np.array([(0, 0), (1, 0), (1, 1)], np.float64)).tolist() == []


@pytest.mark.parametrize("corners", [[(0, 0), (1, 1)], [(0, 0)] * 2001, [(0, 0), (1, 1), (2, 1e300)], []])
def test_what_has_no_area_is_no_polygon(corners: list[tuple[float, float]]) -> None:
    assert is_polygon([(0, 0), (1, 1), (2, 1)])
    assert not is_polygon(corners)


@pytest.mark.parametrize("indices", [[417], [3, 1, 2], list(range(0, 100, 2)), [0, 1, 5, 6, 7, 199]])
def test_a_search_can_name_pictures_exactly(indices: list[int]) -> None:
    find = exact_search(indices)
    assert find is not None
    assert np.flatnonzero(search_indices(find, 5000)[0]).tolist() == sorted(indices)


def test_a_search_has_no_room_for_more() -> None:
    assert exact_search(list(range(0, 102, 2))) is None
    assert exact_search(list(range(4000))) == "0-3999"


SCRIPT = """
from pathlib import Path
import numpy as np
import streamlit as st
from pages.components.runs import loaded_model
from pages.components.map.lasso import summarize_region
from pages.components.explore.region_panel import region_list, region_panel
from vae.runs.run import Run

run = Run(Path(st.session_state["run"]))
explored = loaded_model.load(run)
train = st.session_state.get("train", False)
shown = loaded_model.training_set(run, explored) if train else explored.test
members = np.array(st.session_state["members"], np.int64)
summary = summarize_region(shown, members)
region_panel(run, explored, summary, train=train)
region_list(run, explored, summary, train=train)
"""


def panel(run: Run, members: list[int], **state: Any) -> AppTest:
    test = AppTest.from_string(SCRIPT, default_timeout=60)
    for name, value in {"run": str(run.path), "members": members, **state}.items():
        test.session_state[name] = value
    test.run()
    assert not test.exception
    return test


def written(test: AppTest) -> str:
    return html(test) + " ".join(element.value for element in test.caption)


@pytest.mark.usefixtures("runs_dir")
def test_a_region_is_counted_averaged_and_listed(wide: Run) -> None:
    members = list(range(20, 60))
    test = panel(wide, members)
    rows, labels = (part.numpy() for part in load("mnist", train=False))
    images = rows.reshape(-1, 28, 28)
    model = wide.load_model()
    means = model.encode(load("mnist", train=False)[0].float() / 255)[0].detach().numpy()
    assert "40 test images selected" in written(test)
    counts = np.bincount(labels[members], minlength=10)
    assert bars(html(test)) == {str(label): count for label, count in enumerate(counts)}
    data = component(test, "region_means")
    mean, drawn = np.frombuffer(base64.b64decode(data["pictures"]), np.uint8).reshape(2, 28, 28)
    assert np.abs(mean - images[members].mean(axis=0)).max() <= 0.5
    centre = means[members].mean(axis=0)
    expected = model.decode(torch.from_numpy(centre[None]))[0, 0].detach().numpy() * 255
    assert np.abs(drawn - expected).max() <= 0.6
    data = component(test, "region_pictures")
    order = np.argsort(np.linalg.norm(means[members] - centre, axis=1))
    assert data["numbers"] == [members[i] for i in order[:24]]
    assert data["page"] == "reconstructions"
    assert data["query"]["run"] == wide.name
    test.button(key="region_more").click().run()
    assert sorted(component(test, "region_pictures")["numbers"]) == members
    assert [button.label for button in test.button] == ["Remove the selection"]


@pytest.mark.usefixtures("runs_dir")
def test_the_link_finds_exactly_these(wide: Run) -> None:
    members = [3, 17, 18, 19, 150]
    query = component(panel(wide, members), "region_link")["query"]
    assert query == {**dict.fromkeys(("digit", "loss", "page", "view", "index", "z")), "run": wide.name,
                     "find": "3-3,17-19,150-150"}  # fmt: skip
    shown = visit(PAGES[1], find=query["find"])
    assert component(shown, "gallery")["numbers"] == members


@pytest.mark.usefixtures("runs_dir")
def test_of_too_many_the_link_shows_the_nearest(wide: Run) -> None:
    members = list(range(0, 200, 2))
    test = panel(wide, members)
    data = component(test, "region_link")
    assert data["label"] == "Show the nearest 50 in Reconstructions"
    shown = visit(PAGES[1], find=data["query"]["find"], show="100")  # longer than 200 characters
    assert messages(shown) == ""
    numbers = component(shown, "gallery")["numbers"]
    assert len(numbers) == 50
    assert set(component(test, "region_pictures")["numbers"]) <= set(numbers) <= set(members)


@pytest.mark.usefixtures("runs_dir")
def test_another_selection_begins_short(wide: Run) -> None:
    test = panel(wide, list(range(100)))
    test.button(key="region_more").click().run()
    assert len(component(test, "region_pictures")["numbers"]) == 48
    test.session_state["members"] = list(range(1, 100))
    assert len(component(test.run(), "region_pictures")["numbers"]) == 24


@pytest.mark.usefixtures("runs_dir")
def test_an_empty_region_and_training_pictures_get_a_sentence(wide: Run) -> None:
    assert "No image lies in there" in messages(panel(wide, []))
    test = panel(wide, list(range(600)), train=True)
    assert "600 training images selected" in written(test)
    assert "Reconstructions shows test images only" in written(test)
    assert len(test.get("bidi_component")) == 1
    assert "1 test image selected" in written(panel(wide, [7]))
