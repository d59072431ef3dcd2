"""Planes through the latent space: exact, and the points on them the same wherever they lie."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.gallery.test_filters import a_set
from tests.support.paths import ROOT
from vae.inference.planes import (
    Directions,
    PlaneChoice,
    axis_directions,
    principal_directions,
    summarize_dimensions,
)

Z = 6
MEANS = np.random.default_rng(0).standard_normal((500, Z), np.float32) * [1, 3, 0.5, 2, 0.1, 1] + [
    0,
    5,
    0,
    1,
    2,
    3,
]
MEANS = MEANS.astype(np.float32)
PLACE = np.array([0.5, -1, 2, 0.25, -3, 1], np.float32)


@pytest.mark.parametrize(
    "directions", [axis_directions(Z, 3, 1), axis_directions(Z), principal_directions(MEANS)]
)
def test_places_on_a_plane_come_back_from_the_map(directions: Directions) -> None:
    plane = directions.through(PLACE)
    xy = np.random.default_rng(1).uniform(-5, 5, (50, 2))
    places = np.stack([plane.at(x, y) for x, y in xy])
    np.testing.assert_allclose(plane.coordinates(places), xy, atol=1e-5)
    np.testing.assert_allclose(plane.at(*plane.coordinates(PLACE[None])[0]), PLACE, atol=1e-5)


def test_a_plane_of_axes_is_exact() -> None:
    plane = axis_directions(Z, 3, 1).through(PLACE)
    assert plane.at(0.5, -2.25).tolist() == [0.5, -2.25, 2, 0.5, -3, 1]
    assert plane.names == ("z₄", "z₂")


@pytest.mark.parametrize("directions", [axis_directions(Z, 3, 1), principal_directions(MEANS)])
def test_the_points_lie_alike_wherever_the_plane_goes_through(directions: Directions) -> None:
    xy = directions.coordinates(MEANS)
    for place in (np.zeros(Z), PLACE, 10 * MEANS[7]):
        np.testing.assert_allclose(directions.through(place).coordinates(MEANS), xy, atol=1e-5)


def test_principal_components_are_those_of_the_singular_value_decomposition() -> None:
    directions = principal_directions(MEANS)
    spread = MEANS - MEANS.mean(axis=0, dtype=np.float64)
    left, values, right = np.linalg.svd(spread, full_matrices=False)
    for found, expected in zip((directions.first, directions.second), right, strict=False):
        assert abs(found @ expected) == pytest.approx(1, abs=1e-6)
        assert found[np.abs(found).argmax()] > 0
    np.testing.assert_allclose(
        np.abs(directions.coordinates(MEANS)), np.abs(left[:, :2] * values[:2]), atol=1e-4
    )
    assert f"{(values[:2] ** 2).sum() / (values**2).sum():.0%} of their variance" in directions.shown
    again = principal_directions(-MEANS)  # the other way round, and yet the same way
    np.testing.assert_allclose(again.first, directions.first, atol=1e-6)


def test_means_that_are_all_the_same_still_have_a_plane() -> None:
    plane = principal_directions(np.ones((5, 3))).through(np.zeros(3))
    assert np.isfinite(plane.at(1, 2)).all()


def test_a_line_has_a_plane_too() -> None:
    plane = axis_directions(1).through(np.array([0.5]))
    assert plane.at(-2, 7).tolist() == [-2]
    assert plane.names == ("z₁", "log-variance of z₁")


@pytest.mark.parametrize(
    ("picked", "pinned", "sentence"),
    [
        (
            axis_directions(1),
            True,
            "z₁ and, upwards, the log-variance of its posterior: how unsure the encoder is of it.",
        ),
        (axis_directions(2), True, "z₁ and z₂, all of this latent space."),
        (
            axis_directions(3, 2, 0),
            True,
            "z₃ and z₁; the other coordinate is that of the chosen point. What is drawn lies on this plane;",
        ),
        (axis_directions(8, 2, 6), True, "z₃ and z₇; the other 6 coordinates are those of the chosen point."),
        (
            axis_directions(8, 2, 6),
            False,
            "z₃ and z₇; the other 6 coordinates are those of the mean of all test images, as nothing is "
            "pinned yet.",
        ),
    ],
)
def test_what_the_map_shows_is_said(picked: Directions, pinned: bool, sentence: str) -> None:
    mean = np.zeros(len(picked.first), np.float32)
    assert PlaneChoice(picked, mean, at_pin=True).sentence(pinned).startswith(f"The map shows {sentence}")


def test_without_a_pin_the_plane_goes_through_the_mean() -> None:
    mean = MEANS.mean(axis=0)
    for at_pin, pinned in ((True, None), (False, PLACE)):
        plane = PlaneChoice(axis_directions(Z), mean, at_pin).plane(pinned)
        assert plane.at(0, 0)[2:].tolist() == mean[2:].tolist()
    assert (
        PlaneChoice(axis_directions(Z), mean, at_pin=True).plane(PLACE).at(0, 0)[2:].tolist()
        == PLACE[2:].tolist()
    )


def test_dimensions_are_ordered_by_their_kl() -> None:
    test = a_set()  # its means are 9/5 and 3 on the average, its variances 1
    found = summarize_dimensions(test)
    np.testing.assert_allclose(found.kl, 0.5 * (test.means**2).mean(axis=0))
    assert found.order.tolist() == [1, 0]
    assert found.principal is None


SCRIPT = """
import numpy as np
import streamlit as st
from pages.components.map.plane_picker import plane_picker
from vae.inference.planes import DimensionSummary, principal_directions

latent_dim = st.session_state.get("latent_dim", 4)
means = np.random.default_rng(0).standard_normal((50, latent_dim))
kl = np.array([0.5, 2, 1, 3][:latent_dim], np.float32)
principal = principal_directions(means) if latent_dim > 2 else None
found = DimensionSummary(kl, np.zeros(latent_dim, np.float32), principal)
picked = plane_picker(found, st.session_state.get("run", "one"))
st.text(picked.sentence(True))
st.text(" | ".join(picked.directions.names))
"""


def choosing(**query: str) -> AppTest:
    test = AppTest.from_string(SCRIPT)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def test_the_map_shows_at_first_what_the_model_uses_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    test = choosing()
    assert test.text[1].value == "z₂ | z₄"
    assert test.selectbox[0].options == ["z₄", "z₂", "z₃", "z₁"]
    assert "z₄ 3.00, z₂ 2.00, z₃ 1.00, z₁ 0.50" in test.caption[0].value


def test_the_address_brings_back_the_plane_and_nonsense_does_not() -> None:
    assert choosing(x="z₁", y="z₃").text[1].value == "z₁ | z₃"
    assert "the mean of all test images" in choosing(rest="the mean").text[0].value
    shown = choosing(plane="principal components")
    assert shown.text[1].value.startswith("principal component 1")
    assert not shown.selectbox
    for nonsense in ({"x": "z₉"}, {"y": "3"}, {"x": ""}, {"plane": "curved"}, {"rest": "somewhere"}):
        assert choosing(**nonsense).text[1].value == "z₂ | z₄"


def test_the_two_axes_are_never_the_same() -> None:
    assert choosing(x="z₄", y="z₄").text[1].value == "z₄ | z₂"
    test = choosing()
    test.selectbox[0].select(3).run()
    assert test.text[1].value == "z₄ | z₂"
    test.selectbox[1].select(0).run()
    test.selectbox[0].select(2).run()
    assert test.text[1].value == "z₃ | z₁"


def test_other_runs_with_other_dimensions_find_the_widgets_as_they_need_them() -> None:
    test = choosing()
    found = {3: "z₂ | z₃", 2: "z₁ | z₂", 1: "z₁ | log-variance of z₁", 4: "z₂ | z₄"}
    for latent_dim, names in found.items():
        test.session_state["latent_dim"], test.session_state["run"] = latent_dim, f"of {latent_dim}"
        test.run()
        assert not test.exception
        assert test.text[1].value == names


def test_axes_that_the_address_says_stay_with_another_run() -> None:
    test = choosing(x="z₁")
    test.session_state["run"] = "another"
    assert test.run().text[1].value == "z₁ | z₄"


def test_people_read_the_coordinates_that_the_map_shows() -> None:
    place = np.array([0.5, 0.05, -1, 0.984], np.float32)
    assert axis_directions(4, 3, 0).through(place).format_place(place) == "z₄ 0.98, z₁ 0.50, …"
    pc = principal_directions(np.diag([4, 2, 1]).astype(np.float32)[[0, 0, 1, 2]])
    assert pc.through(pc.centre).format_place(pc.centre) == "PC 1 0.00, PC 2 0.00, …"
    assert axis_directions(2).through(place[:2]).format_place(place[:2]) == "0.50, 0.05"
    assert axis_directions(1).through(place[:1]).format_place(place[:1]) == "0.50"
