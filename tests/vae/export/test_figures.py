"""Figures for print."""

import io
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.small_runs import small_config
from vae import VaeError
from vae.cli.figure_command import FigureOptions, write_figure
from vae.export.figures import (
    CM,
    LARGEST_TILE,
    Style,
    Subject,
    curves_figure,
    figure_file,
    manifold_figure,
    path_figure,
    reconstructions_figure,
)
from vae.inference.planes import axis_directions, prior_grid
from vae.runs.catalogue import new_run
from vae.runs.history import read_losses
from vae.runs.run import Run

IMAGES = 200  # of the small test set
pytestmark = pytest.mark.usefixtures("small")


@pytest.mark.parametrize("subject", ["map", "manifold", "curves", "path", "reconstructions"])
def test_a_figure_has_its_size_and_its_text(
    subject: Subject, trained: Run, wide: Run, tmp_path: Path
) -> None:
    options = FigureOptions(of=subject, width=8, height=6, font=7, dpi=254)
    for run in (trained, wide):
        for ending in ("pdf", "svg", "png"):
            write_figure(run, tmp_path / f"x.{ending}", options)
        png = Image.open(tmp_path / "x.png")
        assert (png.size, round(png.info["dpi"][0])) == ((800, 600), 254)
        assert min(np.asarray(png.convert("L")).ravel()) < 128, "something is drawn"
        (box,) = re.findall(rb"/MediaBox \[ 0 0 ([0-9.]+) ([0-9.]+) \]", (tmp_path / "x.pdf").read_bytes())
        points = [float(each) for each in box]
        assert points == pytest.approx([8 / 2.54 * 72, 6 / 2.54 * 72], abs=0.01)
        svg = (tmp_path / "x.svg").read_text(encoding="utf-8")
        expected = {
            "map": "z₁",
            "manifold": "z₁",
            "curves": "nats per image",
            "reconstructions": "reconstruction<",
        }
        assert expected.get(subject, "") in svg
        if subject != "path":
            assert f"font-size: {options.font}px" in svg or f"font: {options.font}px" in svg


def test_points_are_vectors_or_pixels(trained: Run, tmp_path: Path) -> None:
    counts = []
    for raster in (False, True):
        write_figure(trained, tmp_path / "x.svg", FigureOptions(raster=raster))
        svg = (tmp_path / "x.svg").read_text(encoding="utf-8")
        counts.append((svg.count("<use "), svg.count("<image ")))
    assert counts[0][0] - counts[1][0] >= IMAGES
    assert [images for _, images in counts] == [0, 1]
    before = (tmp_path / "x.svg").read_bytes()
    write_figure(trained, tmp_path / "x.svg", FigureOptions(raster=True))
    assert (tmp_path / "x.svg").read_bytes() == before, "the same file each time"


def test_a_manifold_is_what_the_model_decodes(trained: Run) -> None:
    model, plane = trained.saved_model().model, axis_directions(2).through(np.zeros(2))
    (axes,) = manifold_figure(model, plane, 5, Style()).axes
    shown = np.asarray(axes.images[0].get_array())
    decoded = model.decode(prior_grid(5).reshape(-1, 2).astype(np.float32))
    np.testing.assert_array_equal(shown[:28, 56:84], decoded[2])  # the top row, which has the largest y
    np.testing.assert_array_equal(shown[112:, :28], decoded[20])
    assert [each.get_text() for each in axes.get_yticklabels()] == ["−1.3", "−0.5", "0.0", "0.5", "1.3"]


def test_curves_are_those_of_the_log(trained: Run) -> None:
    losses = read_losses(trained)
    panels = curves_figure(losses, Style()).axes
    for axes, names in zip(panels, (["reconstruction"], ["kl"], ["reconstruction", "kl"]), strict=True):
        for line, rows in zip(axes.lines, losses, strict=True):
            np.testing.assert_allclose(np.asarray(line.get_xdata()), rows["epoch"])
            np.testing.assert_allclose(np.asarray(line.get_ydata()), sum(rows[name] for name in names))


def test_a_path_in_colour_keeps_its_colours() -> None:
    pictures = np.zeros((3, 8, 8, 3), np.uint8)
    pictures[1, ..., 0] = 255
    style = Style(width=6, dpi=254)
    file = figure_file(lambda: path_figure(pictures, style), "png", style)
    drawn = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    assert drawn[drawn.shape[0] // 2, drawn.shape[1] // 2].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("count", "style"),
    [(1, Style()), (10, Style()), (20, Style()), (10, Style(width=3, font=40)), (2, Style(height=20))],
)
def test_images_are_bounded_and_their_titles_apart(count: int, style: Style) -> None:
    pictures = np.zeros((count, 8, 8), np.uint8)
    figure = reconstructions_figure(pictures, pictures, ["Ankle boot\n#9999"] * count, style)
    figure.draw_without_rendering()
    all_axes = np.array(figure.axes).reshape(2, count)
    titles = [axes.title.get_window_extent() for axes in all_axes[0]]
    assert all(left.x1 < right.x0 for left, right in pairwise(titles))
    tiles = [axes.get_window_extent() for axes in all_axes[:, 0]]
    words = [axes.yaxis.label for axes in all_axes[:, 0]]
    assert [word.get_text() for word in words] == ["image", "reconstruction"]
    for tile, word in zip(tiles, words, strict=True):
        assert word.get_window_extent().x0 >= 0
        assert word.get_window_extent().x1 < tile.x0
    assert titles[0].y0 + 1 > tiles[0].y1 > tiles[0].y0 > tiles[1].y1 > tiles[1].y0 >= 0  # pixels
    assert titles[0].y1 <= figure.bbox.y1
    if style.height is None:
        assert tiles[0].height <= figure.dpi * LARGEST_TILE * CM * 1.05
        assert figure.bbox.height <= figure.dpi * CM * (2 * LARGEST_TILE + 2)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 2}, "A width of 2 cm is not possible: 3 to 100."),
        ({"height": 101}, "A height of 101"),
        ({"font": 3}, "A font size of 3 points"),
        ({"dpi": 20}, "A resolution of 20"),
        ({"width": float("nan")}, "A width of nan cm"),
    ],
)
def test_a_style_out_of_bounds_gets_a_sentence(changes: dict[str, float], sentence: str) -> None:
    with pytest.raises(VaeError, match=sentence):
        Style(**changes)  # type: ignore[arg-type]


def test_what_cannot_be_drawn_gets_a_sentence(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.pdf"
    runs = new_run(small_config(), tmp_path), new_run(small_config(seed=2), tmp_path)
    cases: tuple[tuple[str, Run, FigureOptions], ...] = (
        ("no losses yet", runs[0], FigureOptions(of="curves")),
        ("no weights", runs[1], FigureOptions()),
        (
            "--start needs as many finite numbers as .* dimensions: 2",
            trained,
            FigureOptions(of="path", start=(1,), end=(2,)),
        ),
        ("A path has two ends", trained, FigureOptions(start=(1, 1))),
        ("1 images are not", trained, FigureOptions(of="path", count=1)),
        ("0 images are not", trained, FigureOptions(of="path", count=0)),
        ("0 images a side", trained, FigureOptions(of="manifold", count=0)),
        ("no image 200", trained, FigureOptions(of="reconstructions", images=(200,))),
        ("--axes are two of the dimensions of .*: 1 to 2", trained, FigureOptions(axes=(1, 3))),
        ("--axes are two", trained, FigureOptions(axes=(1, 1))),
        ("more than two dimensions", trained, FigureOptions(principal=True)),
        ("--through needs as many finite numbers as", trained, FigureOptions(through=(1, 2, 3))),
        (
            "--pins needs as many finite numbers for each point as",
            trained,
            FigureOptions(pins=(1, 2, float("nan"), 2)),
        ),
        ("--window is four numbers", trained, FigureOptions(window=(1, -1, 0, 1))),
        ("--window is four numbers", trained, FigureOptions(window=(1, 2))),
        ("They are from -1,000,000", trained, FigureOptions(window=(-1e308, 1e308, 0, 1))),
        ("They are from -1,000,000", trained, FigureOptions(window=(float("nan"), 1, 0, 1))),
        ("no class 10 to hide: 0 to 9", trained, FigureOptions(hide=(10,))),
        ("47,244 x 17,008 pixels are not", trained, FigureOptions(of="curves", width=100, dpi=1200)),
    )
    for sentence, run, options in cases:
        with pytest.raises(VaeError, match=sentence):
            write_figure(run, target.with_suffix(".png"), options)
    with pytest.raises(VaeError, match="names no format"):
        write_figure(trained, tmp_path / "x.jpg", FigureOptions())
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(VaeError, match="Figures need the package matplotlib"):
        write_figure(trained, target, FigureOptions())
    assert not [*tmp_path.glob("x.*")]
