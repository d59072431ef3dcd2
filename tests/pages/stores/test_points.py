"""The points of a map: what they are, and that the browser has the very same."""

import base64
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Page

from pages.components.stores.points import map_points
from tests.pages.gallery.test_filters import a_set
from tests.support.browser import Workshop
from vae.inference.planes import axis_directions, principal_directions
from vae.inference.scored_set import ScoredSet


def a_wide_set(latent_dim: int, count: int = 40) -> ScoredSet:
    generator = np.random.default_rng(latent_dim)
    means, logvars = generator.standard_normal((2, count, latent_dim), np.float32)
    reconstruction, kl = generator.uniform(50, 200, (2, count)).astype(np.float32)
    pictures = np.zeros((count, 0, 0), np.uint8)
    labels = generator.integers(0, 10, count)
    return ScoredSet(pictures, labels, means, logvars, reconstruction, kl)


def test_the_colours_are_those_of_the_pictures() -> None:
    logvars = np.log(np.array([[4, 9], [1, 1], [1, 16], [4, 4], [0.25, 1]], np.float32))
    points = map_points(replace(a_set(), logvars=logvars), axis_directions(2))
    assert points.xy.tolist() == a_set().means.tolist()
    assert points.labels.tolist() == [0, 0, 0, 1, 1]
    assert points.values["reconstruction"].tolist() == [10, 20, 60, 100, 50]
    assert points.values["kl"].tolist() == [1, 5, 2, 4, 3]
    np.testing.assert_allclose(points.values["deviation"], np.sqrt([6, 1, 4, 4, 0.5]), rtol=1e-6)
    # The means of the classes are (1, 5/3) and (3, 5).
    away = np.array([[-1, -5 / 3], [2, 7 / 3], [-1, -2 / 3], [-3, -3], [3, 3]])
    np.testing.assert_allclose(points.values["distance"], np.linalg.norm(away, axis=1), rtol=1e-6)


@pytest.mark.parametrize("latent_dim", [2, 3, 5])
def test_an_ellipse_is_the_posterior_as_the_map_shows_it(latent_dim: int) -> None:
    shown = a_wide_set(latent_dim)
    for directions in (axis_directions(latent_dim, 1, 0), principal_directions(shown.means)):
        points = map_points(shown, directions)
        seen = np.stack((directions.first, directions.second))
        for logvar, (xx, xy, yy) in zip(shown.logvars, points.covariance, strict=True):
            expected = seen @ np.diag(np.exp(logvar)) @ seen.T
            np.testing.assert_allclose([[xx, xy], [xy, yy]], expected, rtol=1e-4, atol=1e-6)


def test_distances_are_those_of_the_whole_space() -> None:
    shown = a_wide_set(5)
    one = shown.labels == shown.labels[0]
    expected = np.linalg.norm(shown.means[0] - shown.means[one].mean(axis=0))
    assert map_points(shown, axis_directions(5, 3, 4)).values["distance"][0] == pytest.approx(
        expected, rel=1e-5
    )


def test_on_a_line_the_other_axis_is_the_log_variance() -> None:
    shown = a_wide_set(1)
    points = map_points(shown, axis_directions(1))
    assert np.array_equal(points.xy, np.concatenate((shown.means, shown.logvars), axis=1))
    np.testing.assert_allclose(points.covariance[:, 0], np.exp(shown.logvars[:, 0]), rtol=1e-6)
    assert (points.covariance[:, 1:] == 0).all()


def test_the_name_is_that_of_the_content() -> None:
    shown = a_wide_set(3)
    points, again = (map_points(shown, axis_directions(3)) for _ in range(2))
    assert points.payload == again.payload
    changed = replace(shown, labels=(shown.labels + 1) % 10)
    others = [
        map_points(changed, axis_directions(3)),
        map_points(shown, axis_directions(3, 0, 2)),
        map_points(a_wide_set(3, 39), axis_directions(3)),
    ]
    assert len({points.name, *(each.name for each in others)}) == 4


def test_what_travels_is_37_bytes_a_point() -> None:
    head, arrays = map_points(a_wide_set(3, 1000), axis_directions(3)).payload.split(b"\n", 1)
    assert len(arrays) == 37_000
    assert json.loads(head)["count"] == 1000


SCRIPT = """
import pickle
from pathlib import Path
import streamlit as st
from pages.components.stores.points import points_store

sets = pickle.loads(Path({sets!r}).read_bytes())
name = points_store(sets[st.radio("Set", list(sets))])
st.text("sent " + name)
"""
# Every array of a set of points, in base64.
ARRAYS = """
    async (name) => {
        const { xy, labels, values, covariance, ...rest } = await window.pointsOfThisApp.get(name);
        const text = (array) => {
            const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
            return [array.constructor.name, btoa(String.fromCharCode(...bytes))];
        };
        const columns = Object.entries(values).map(([key, array]) => [key, text(array)]);
        return { xy: text(xy), labels: text(labels), covariance: text(covariance),
                 values: Object.fromEntries(columns), ...rest };
    }
"""


def unpacked(text: tuple[str, str]) -> np.ndarray:
    kind, data = text
    return np.frombuffer(base64.b64decode(data), {"Float32Array": "<f4", "Uint8Array": "u1"}[kind])


@pytest.mark.browser
def test_the_browser_has_the_very_same_points(workshop: Workshop, page: Page) -> None:
    sets = {
        "flat": map_points(a_wide_set(2, 101), axis_directions(2)),
        "wide": map_points(a_wide_set(5), axis_directions(5, 3, 1)),
    }
    path = workshop.folder / "sets.pickle"
    path.write_bytes(pickle.dumps(sets))
    page.goto(workshop.serve_script(SCRIPT.format(sets=str(path))).address())
    for choice, points in sets.items():
        page.get_by_text(choice, exact=True).click()
        page.get_by_text(f"sent {points.name}").wait_for()
        got = page.evaluate(ARRAYS, points.name)
        assert got["name"] == points.name
        assert np.array_equal(unpacked(got["xy"]), points.xy.ravel())
        assert np.array_equal(unpacked(got["labels"]), points.labels)
        assert np.array_equal(unpacked(got["covariance"]), points.covariance.ravel())
        assert list(got["values"]) == ["reconstruction", "kl", "deviation", "distance"]
        for name, values in points.values.items():
            assert np.array_equal(unpacked(got["values"][name]), values), name
