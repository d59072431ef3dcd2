"""The map as a figure: what the pages' map shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.small_runs import small_config
from vae.cli.figure_command import FigureOptions, write_figure
from vae.datasets.registry import load
from vae.export.figures import Style, figure_file
from vae.inference.colourings import colour_values
from vae.inference.planes import axis_directions, principal_directions
from vae.inference.scored_set import ScoredSet
from vae.inference.scoring import scored_set
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.training.loop import fit

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def axes_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Draws a map of a run with such options, and returns matplotlib's axes: first that of the map."""

    def drawn(run: Run, *, training: bool = False, **options: Any) -> Any:
        figures: list[Any] = []

        def keep(draw: Callable[[], Any], kind: Any, style: Style) -> bytes:
            def draw_and_keep() -> Any:
                figures.append(draw())
                return figures[-1]

            return figure_file(draw_and_keep, kind, style)

        monkeypatch.setattr("vae.cli.figure_command.figure_file", keep)
        write_figure(run, tmp_path / "x.png", FigureOptions(**options), training=training)
        return figures[0].axes

    return drawn


def scored(run: Run) -> ScoredSet:
    saved = run.saved_model()
    assert saved.scores is not None
    return scored_set(*load("mnist", train=False), saved.scores)


def test_points_lie_on_the_chosen_plane(wide: Run, axes_of: Callable[..., Any]) -> None:
    test = scored(wide)
    (axes,) = axes_of(wide, axes=(3, 1))
    np.testing.assert_allclose(axes.collections[0].get_offsets(), test.means[:, [2, 0]], atol=1e-6)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z₃", "z₁")
    (axes,) = axes_of(wide, principal=True)
    expected = principal_directions(test.means).coordinates(test.means)
    np.testing.assert_allclose(axes.collections[0].get_offsets(), expected, atol=1e-5)
    assert axes.get_xlabel() == "principal component 1"


def test_colours_are_of_numbers_between_the_percentiles(trained: Run, axes_of: Callable[..., Any]) -> None:
    values = colour_values(scored(trained))["kl"]
    axes, bar = axes_of(trained, colour="kl")
    colours = axes.collections[0].get_facecolors()[:, :3]
    red = colours[np.argsort(values), 0]  # from blue over violet to orange
    assert (red[0], red[-1]) == pytest.approx((0x22 / 255, 0xDD / 255), abs=0.01)
    assert np.all(np.diff(red) >= -1e-6)
    assert bar.get_ylabel() == "KL, nats"
    assert bar.get_ylim() == pytest.approx(np.percentile(values, (1, 99), method="nearest"))


def test_the_grid_is_what_the_model_decodes_in_the_window(wide: Run, axes_of: Callable[..., Any]) -> None:
    through = tuple(0.1 * i for i in range(wide.config.latent_dim))
    (axes,) = axes_of(wide, axes=(1, 2), through=through, layers=("manifold",), window=(-1, 1, 0, 1.5))
    (grid,) = axes.images
    left, right, low, high = grid.get_extent()
    shown = np.asarray(grid.get_array())
    columns, rows = shown.shape[1] // 28, shown.shape[0] // 28
    step = (right - left) / columns
    assert step == (high - low) / rows == 0.125
    plane = axis_directions(wide.config.latent_dim, 0, 1).through(np.array(through))
    x, y = left + 2.5 * step, high - 1.5 * step  # the third of the second row
    expected = wide.saved_model().model.decode(plane.at(x, y)[None])[0]
    np.testing.assert_allclose(shown[28:56, 56:84].astype(int), expected, atol=1)
    assert (axes.get_xlim(), axes.get_ylim()) == ((-1, 1), (0, 1.5))
    assert (left <= -1, right >= 1, low <= 0, high >= 1.5) == (True,) * 4


def test_pins_are_rings_with_their_numbers(trained: Run, axes_of: Callable[..., Any]) -> None:
    test = scored(trained)
    mean = [float(each) for each in test.means[7]]
    (axes,) = axes_of(trained, pins=(0.5, -0.25, *mean), layers=("points", "ellipses"))
    rings = [line.get_xydata()[0] for line in axes.lines]
    np.testing.assert_allclose(rings[::2], [[0.5, -0.25], mean])  # each light, and over it dark
    assert [(each.get_text(), each.xy) for each in axes.texts] == [
        ("1", (0.5, -0.25)),
        ("2", tuple(mean)),
    ]
    ellipses = [(each.width, each.height) for each in axes.patches]
    deviations = np.sort(test.deviations[7])[::-1]
    np.testing.assert_allclose(ellipses, [2 * deviations, 4 * deviations], rtol=1e-5)


def test_texts_stay_within_a_window(trained: Run, axes_of: Callable[..., Any]) -> None:
    (axes,) = axes_of(trained, pins=(2, 1, 2, 0, 0.5, 1), window=(-2, 2, -1, 1))
    frame = axes.get_window_extent()
    texts = [each for each in axes.texts if each.get_text() in ("1", "2", "3", "1 σ")]
    assert len(texts) == 4
    for each in texts:
        box = each.get_window_extent()
        assert frame.x0 <= box.x0, each
        assert box.x1 <= frame.x1, each
        assert box.y1 <= frame.y1, each


def test_hidden_classes_and_what_is_outside_are_left_out(trained: Run, axes_of: Callable[..., Any]) -> None:
    test = scored(trained)
    (axes,) = axes_of(trained, hide=(0, 3))
    assert len(axes.collections[0].get_offsets()) == np.isin(test.labels, [0, 3], invert=True).sum()
    names = [each.get_text() for each in axes.get_legend().get_texts()]
    assert names == ["1", "2", "4", "5", "6", "7", "8", "9"]
    (axes,) = axes_of(trained, window=(90, 91, 90, 91))
    assert len(axes.collections[0].get_offsets()) == 0


def test_a_path_is_drawn_as_it_leads(trained: Run, axes_of: Callable[..., Any]) -> None:
    (axes,) = axes_of(trained, start=(1, 0), end=(0, 1), way="spherical", layers=())
    radii = np.linalg.norm(axes.lines[0].get_xydata(), axis=1)
    np.testing.assert_allclose(radii, 1, atol=1e-5)


def test_the_training_set_is_shown_instead(wide: Run, axes_of: Callable[..., Any]) -> None:
    (axes,) = axes_of(wide, training=True)
    assert len(axes.collections[0].get_offsets()) == 600


def test_on_a_line_a_pin_is_all_that_lies_above_it(small: Path, axes_of: Callable[..., Any]) -> None:
    run = new_run(small_config(latent_dim=1, epochs=1), small)
    for _ in fit(run):
        pass
    test = scored(run)
    (axes,) = axes_of(run, pins=(0.5, float(test.means[3, 0])), layers=("points", "manifold", "prior"))
    rings = [line for line in axes.lines if line.get_marker() == "o"]
    assert rings[0].get_xydata().tolist() == [[0.5, 0.5]]
    assert rings[0].get_transform() == axes.get_xaxis_transform()
    np.testing.assert_allclose(rings[2].get_xydata()[0], [test.means[3, 0], test.logvars[3, 0]])
