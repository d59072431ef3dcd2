"""How a figure travels to the browser."""

import base64
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go

from pages.components.charts.live_figure import figure_spec


def decoded(array: Any) -> np.ndarray:
    """The numbers of an encoded array."""
    assert array["dtype"] == "f4"
    return np.frombuffer(base64.b64decode(array["bdata"]), np.float32)


def test_arrays_travel_as_float32_and_everything_else_as_it_is() -> None:
    x, y = np.arange(5), np.linspace(0, 1, 10)[::2]
    spec = figure_spec({"data": [{"x": x, "y": y, "text": ["a", "→"]}], "layout": {"uirevision": "run"}})
    figure = json.loads(spec.text)
    (trace,) = figure["data"]
    np.testing.assert_array_equal(decoded(trace["x"]), x)
    np.testing.assert_allclose(decoded(trace["y"]), y, rtol=1e-6)
    assert trace["text"] == ["a", "→"]
    assert figure["layout"] == {"uirevision": "run"}
    assert spec.narrow is None


def test_numbers_that_json_does_not_know_reach_the_browser() -> None:
    figure = json.loads(figure_spec({"data": [{"x": [1.0, float("nan")], "y": np.nan}], "layout": {}}).text)
    assert figure["data"] == [{"x": [1, None], "y": None}]


def test_a_figure_of_plotly_travels_without_its_template() -> None:
    figure = json.loads(figure_spec(go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))).text)
    assert figure["data"][0]["y"] == [3, 4]
    assert "template" not in figure["layout"]


def test_what_a_narrow_chart_changes_is_kept_beside_the_figure() -> None:
    narrow = {"width": 700, "height": 900, "layout": {"legend": {"y": 1}}}
    spec = figure_spec({"data": [], "layout": {}, "narrow": narrow})
    assert spec.narrow == narrow
    assert "narrow" not in json.loads(spec.text)


def test_the_same_figure_is_the_same_text() -> None:
    def text() -> str:
        return figure_spec({"data": [{"x": np.arange(3)}], "layout": {}}).text

    assert text() == text()
