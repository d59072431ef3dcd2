"""Arrays to figures and galleries: what is drawn, where, and in which colours."""

import numpy as np

from pages.components.charts import LABEL_COLOURS, latent_map, loss_curves
from pages.components.gallery import Pair, gallery
from vae.pictures import grey
from vae.runs import Run


def test_curves_have_a_band_and_keep_the_zoom(trained: Run) -> None:
    lines, _ = trained.metrics()
    figure = loss_curves(lines, "log", "run")
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "±1 std over batches",
        "train",
        "test",
    ]
    train = next(trace for trace in figure.data if trace.name == "train")
    expected = [line.reconstruction for line in lines if line.split == "train"]
    assert list(train.y) == expected
    upper, lower = figure.data[0].y, figure.data[1].y
    deviations = np.array([line.reconstruction_std for line in lines if line.split == "train"])
    np.testing.assert_allclose(upper - np.array(expected), deviations)
    assert (lower > 0).all()
    assert figure.layout.uirevision == loss_curves(lines[:5], "log", "run").layout.uirevision
    assert {figure.layout.yaxis.type, figure.layout.yaxis2.type} == {"log"}
    linear = loss_curves(lines, "linear", "run")
    assert linear.layout.yaxis.type == "linear"
    for first, term in ((0, "reconstruction"), (4, "kl")):
        means = np.array([getattr(line, term) for line in lines if line.split == "train"])
        deviations = np.array([getattr(line, f"{term}_std") for line in lines if line.split == "train"])
        np.testing.assert_allclose(linear.data[first].y, means + deviations)
        np.testing.assert_allclose(linear.data[first + 1].y, means - deviations)


def test_the_map_has_every_point_once_in_its_colour() -> None:
    points = np.arange(40, dtype=np.float32).reshape(20, 2)
    labels = np.repeat(np.arange(10), 2)
    figure = latent_map(points, labels, tuple("0123456789"), ("a", "b"), (0, 0), "run")
    classes = figure.data[:10]
    assert [trace.marker.color for trace in classes] == list(LABEL_COLOURS)
    np.testing.assert_array_equal(np.concatenate([trace.x for trace in classes]), points[:, 0])
    assert classes[3].name == "3 (2)"
    assert figure.layout.yaxis.scaleanchor == "x"


def test_the_map_stands_still_whatever_is_clicked() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    labels = np.arange(50) % 10
    near, far = (
        latent_map(points, labels, tuple("0123456789"), ("a", "b"), place, "run").layout
        for place in ((0, 0), (90, 90))
    )
    assert near.xaxis.range == far.xaxis.range
    assert near.xaxis.range[0] < points[:, 0].min() < points[:, 0].max() < near.xaxis.range[1]
    assert near.yaxis.range == far.yaxis.range


def test_the_kl_axis_is_never_upside_down(trained: Run) -> None:
    lines, _ = trained.metrics()
    tiny = [line.model_copy(update={"kl": 1e-3 * (1 + line.kl / 100)}) for line in lines]
    for some in (tiny[:1], tiny, lines):
        low, high = loss_curves(some, "log", "run").layout.yaxis2.range
        assert low < high


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB: protanopia, deuteranopia, tritanopia.
DICHROMATS = (
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)
# Ottosson 2020: linear sRGB to cone responses, and their cube roots to OKLab.
TO_CONES = ((0.412221, 0.536333, 0.051446), (0.211903, 0.680700, 0.107397), (0.088302, 0.281719, 0.629979))
TO_OKLAB = ((0.210454, 0.793618, -0.004072), (1.977998, -2.428592, 0.450594), (0.025904, 0.782772, -0.808676))


def test_everybody_can_tell_the_ten_colours_apart() -> None:
    srgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in LABEL_COLOURS]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    for seen in (np.eye(3), *map(np.array, DICHROMATS)):
        cones = np.clip(linear @ seen.T, 0, 1) @ np.array(TO_CONES).T
        lab = np.cbrt(cones) @ np.array(TO_OKLAB).T
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 9 * np.eye(10)
        assert distances.min() > 0.12  # 0.02 is just noticeable side by side


def test_a_gallery_shows_captions_and_never_runs_them() -> None:
    picture = np.zeros((28, 28), np.uint8)
    html = gallery([Pair(picture, grey(np.ones((28, 28), np.float32)), "<script>alert(1)</script>")])
    assert "<script>" not in html
    assert html.count("<figure>") == 1
