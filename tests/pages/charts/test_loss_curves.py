"""The loss curves: what each panel shows, how long curves are thinned, where a training was steered."""

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from pages.components.charts.loss_curves import (
    MARKS,
    OVERLAYS,
    PANELS,
    POINTS,
    TEST,
    TRAIN,
    Change,
    Curve,
    X,
    envelope,
    loss_curves,
    rate_changes,
    thinned,
)
from tests.pages.charts.test_colours import DICHROMATS, linear_rgb, oklab
from vae.runs.history import ROW, Losses
from vae.runs.records import Status

Figure = dict[str, Any]


def losses(train: int = 60, test: int = 7, seed: int = 0) -> Losses:
    """A run of six epochs that learns, with noise; the KL starts near zero."""
    noise = np.random.default_rng(seed)
    columns = []
    for lines in (train, test):
        rows = np.zeros(lines, ROW)
        rows["epoch"] = np.linspace(0, 6, lines)
        rows["step"], rows["seconds"] = np.round(rows["epoch"] * 469), rows["epoch"] * 2.5
        rows["reconstruction"] = 140 + 400 * np.exp(-3 * rows["epoch"]) + noise.normal(0, 2, lines)
        rows["kl"] = 6.7 * (1 - np.exp(-3 * rows["epoch"])) + noise.uniform(0.002, 0.1, lines)
        rows["elbo"] = -(rows["reconstruction"] + rows["kl"])
        rows["reconstruction_std"], rows["kl_std"], rows["elbo_std"] = 5, 0.3, 5.2
        rows["peak_learning_rate"], rows["beta"], rows["kl_weight"] = 3e-3, 1, 1
        columns.append(rows)
    return Losses(*columns)


def figure(*curves: Curve, **options: Any) -> Figure:
    """The figure, which Plotly's own validation accepts."""
    drawn = loss_curves(curves, **{"scale": "log", "x": "epoch", "references": False, **options})
    go.Figure(drawn)
    return drawn


def on(drawn: Figure, panel: int, name: str) -> dict[str, Any]:
    """The first trace of this name on a panel, 0 to 2, by its name in the hover box or else in the legend."""
    axis = PANELS[panel].x
    traces = [trace for trace in drawn["data"] if trace["xaxis"] == axis]
    full = f"<extra>{name}</extra>"
    return next(t for t in traces if full in t.get("hovertemplate", "") or t.get("name") == name)


@pytest.mark.parametrize("x", ["epoch", "step", "seconds"])
def test_each_panel_shows_its_term_of_train_and_test(x: X) -> None:
    run = losses()
    drawn = figure(Curve("run", run), x=x)
    for panel, (term, sign) in enumerate((("reconstruction", 1), ("kl", 1), ("elbo", -1))):
        for split, rows in zip(("train", "test"), run, strict=True):
            trace = on(drawn, panel, split)
            gap = [1] if split == "test" else []  # between the first test and the end of the first epoch
            np.testing.assert_array_equal(trace["x"], np.insert(rows[x], gap, rows[x][0]))
            np.testing.assert_array_equal(trace["y"], np.insert(sign * rows[term], gap, np.nan))
            assert trace["hovertemplate"].startswith("%{y:.2f} nats")
    headings = [note["text"] for note in drawn["layout"]["annotations"]]
    assert headings == ["<b>Reconstruction</b>", "<b>KL</b>", "<b>−ELBO</b>"]
    assert on(drawn, 0, "test")["mode"] == "lines+markers"
    assert [trace["name"] for trace in drawn["data"] if trace["showlegend"]] == [
        "±1 std over batches",
        "train",
        "test",
    ]


def test_the_band_is_one_standard_deviation_and_stays_above_zero_on_a_log_axis() -> None:
    run = losses()
    for panel, term in ((0, "reconstruction"), (1, "kl"), (2, "elbo")):
        means, deviations = np.abs(run.train[term]), run.train[f"{term}_std"]
        band = on(figure(Curve("run", run), scale="linear"), panel, "±1 std over batches")
        np.testing.assert_allclose(band["y"][:60], means + deviations)
        np.testing.assert_allclose(band["y"][60:], np.maximum(means - deviations, 0)[::-1])
        np.testing.assert_array_equal(band["x"][60:], band["x"][:60][::-1])
        if term != "kl":  # whose axis is linear
            assert (on(figure(Curve("run", run)), panel, "±1 std over batches")["y"] > 0).all()


@pytest.mark.parametrize("lines", [1, 2, POINTS, POINTS + 1, 1000, 100_000])
def test_thinned_curves_keep_their_extremes_and_ends(lines: int) -> None:
    values = np.random.default_rng(lines).normal(size=lines)
    x = np.arange(lines) / 7
    kept = thinned(x, values)
    assert len(kept) <= POINTS + 2
    assert {0, lines - 1, values.argmin(), values.argmax()} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    edges, low, high = envelope(x, values - 1, values + 1)
    assert len(edges) <= POINTS + 2
    assert (edges[0], edges[-1]) == (0, lines - 1)
    assert low.min() == values.min() - 1
    assert high.max() == values.max() + 1
    # Everywhere, not only where a vertex is: the outline holds every band it stands for.
    places = np.arange(lines)
    assert (np.interp(places, edges, low) <= values - 1).all()
    assert (np.interp(places, edges, high) >= values + 1).all()
    if lines <= POINTS:
        assert len(kept) == len(edges) == lines


def test_what_was_logged_densely_takes_no_points_from_the_rest() -> None:
    x = np.concatenate((np.linspace(0, 3, 70), np.linspace(3, 8, 2400)))  # slow motion from epoch 3 on
    values = np.exp(-x)
    early = [index for index in thinned(x, values) if x[index] < 3]
    assert len(early) >= 60
    edges, low, high = envelope(x, values, values)
    assert (high - low)[x[edges] < 3].max() < 0.1


def test_a_spike_of_one_line_is_drawn_and_a_poll_changes_only_the_end() -> None:
    run = losses(train=5000)
    run.train["kl"][3210] = 99
    trace = on(figure(Curve("run", run)), 1, "train")
    assert trace["y"].max() == 99
    longer = thinned(np.arange(5002), np.concatenate((run.train["kl"], [0.5, 0.6])))
    assert longer[-1] == 5001
    assert set(thinned(np.arange(5000), run.train["kl"])[:-3].tolist()) <= set(longer.tolist())


def test_runs_laid_over_have_a_colour_and_one_legend_entry_each() -> None:
    names = ("mine", "mnist-quick-1", "mnist-best-2", "fashion-3")
    drawn = figure(*(Curve(name, losses(seed=i)) for i, name in enumerate(names)))
    legend = [trace["name"] for trace in drawn["data"] if trace["showlegend"]]
    assert legend == ["±1 std over batches", "mine: train", "mine: test", *names[1:]]
    assert len([trace for trace in drawn["data"] if trace.get("fill")]) == 3  # only the first has a band
    for index, name in enumerate(names[1:]):
        train, test = (on(drawn, 2, f"{name}: {split}") for split in ("train", "test"))
        assert train["line"]["color"] == test["line"]["color"] == OVERLAYS[index]
        assert train["legendgroup"] == test["legendgroup"] == name
        assert train["line"]["width"] < 2
        assert test["line"]["dash"] == "dash"


def test_many_runs_are_as_many_traces_and_the_colours_begin_anew() -> None:
    drawn = figure(*(Curve(f"run{i}", losses()) for i in range(7)))
    assert on(drawn, 0, "run5: train")["line"]["color"] == OVERLAYS[0]


def test_everybody_can_tell_the_runs_apart() -> None:
    # 0.02 is just noticeable side by side. More is not to be had with this contrast; the symbols differ, too.
    rgb = linear_rgb((TRAIN, TEST, *OVERLAYS))
    for seen in (np.eye(3), *map(np.array, DICHROMATS)):
        lab = oklab(rgb @ seen.T)
        assert min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > 0.1
    luminance = rgb @ (0.2126, 0.7152, 0.0722)
    for theme in linear_rgb(("#ffffff", "#0e1117")) @ (0.2126, 0.7152, 0.0722):
        contrast = (np.maximum(luminance, theme) + 0.05) / (np.minimum(luminance, theme) + 0.05)
        assert contrast[2:].min() > 2.7


def test_references_stand_at_their_lines_with_their_condition() -> None:
    drawn = figure(Curve("run", losses()), references=True)
    for value, condition, label in (
        (152.7, "30 epochs, its KL trap included", "152.7 blog's loop, 2-D"),
        (137.1, "Gaussian VAE, d = 2, dynamic binarisation", "137.1 Davidson 2018,<br> Gaussian, 2-D"),
        (133.7, "S-VAE, hyperspherical, d = 2, dynamic binarisation", "133.7 S-VAE, 2-D"),
    ):
        lines = [t for t in drawn["data"] if condition in t.get("hovertemplate", "")]
        assert [line["xaxis"] for line in lines] == ["x3"]
        assert f"{value} nats" in lines[0]["hovertemplate"]
        assert set(lines[0]["y"]) == {value}
        assert np.diff(lines[0]["x"]).max() < 0.2  # epochs: no place without a point
        assert lines[0]["x"][-1] >= 6
        assert not lines[0]["showlegend"]
        (note,) = [t for t in drawn["data"] if t["mode"] == "text" and label in t["text"][0]]
        assert (note["yaxis"], note["x"], note["y"]) == ("y3", [pytest.approx(6, abs=0.2)], [value])
    assert len(figure(Curve("run", losses()))["data"]) == len(drawn["data"]) - 6


def test_the_bound_of_densities_is_also_in_bits_per_dimension() -> None:
    run = losses()
    drawn = figure(Curve("run", run, values=100))
    trace = on(drawn, 2, "train")
    assert trace["hovertemplate"].startswith("%{y:.2f} nats, %{customdata:.3f} bits/dim<")
    np.testing.assert_allclose(trace["customdata"], -run.train["elbo"] / (100 * np.log(2)))
    assert "bits" not in on(drawn, 0, "train")["hovertemplate"] + on(drawn, 1, "train")["hovertemplate"]


def test_what_is_trained_is_drawn_where_it_is_not_the_elbo() -> None:
    run = losses()
    name = "trained objective"
    assert not any(name in trace.get("name", "") for trace in figure(Curve("run", run))["data"])
    run.train["beta"][30:] = run.train["kl_weight"][30:] = 4
    drawn = on(figure(Curve("run", run)), 2, name)
    expected = run.train["reconstruction"] + run.train["beta"] * run.train["kl"]
    np.testing.assert_allclose(drawn["y"], expected)
    np.testing.assert_allclose(drawn["y"][:30], -run.train["elbo"][:30])
    assert drawn["showlegend"]


def test_with_free_bits_no_curve_claims_to_be_what_is_trained() -> None:
    """That is the sum over dimensions of max(λ, KL), which the log does not have."""
    run = losses()
    run.train["kl_weight"][:20] = np.linspace(0, 1, 20, endpoint=False)
    drawn = figure(Curve("run", run, free=0.6))
    assert not any("objective" in trace.get("name", "") for trace in drawn["data"])
    assert on(drawn, 1, "beta in force")


def test_a_warm_up_is_drawn_as_the_beta_that_was_in_force() -> None:
    run = losses()
    run.train["kl_weight"][:20] = np.linspace(0, 1, 20, endpoint=False)
    drawn = figure(Curve("run", run))
    rising = on(drawn, 1, "beta in force")
    np.testing.assert_allclose(rising["y"][:20], run.train["kl_weight"][:20])
    assert rising["y"][-1] == 1
    assert len(rising["y"]) == 21  # where it is beta again, there is nothing to show
    assert rising["yaxis"] == "y4"
    assert drawn["layout"]["yaxis4"]["overlaying"] == "y2"
    objective = on(drawn, 2, "trained objective")
    np.testing.assert_allclose(objective["y"][0], run.train["reconstruction"][0])  # the KL cost nothing yet


def test_free_bits_are_drawn_as_the_kl_of_all_dimensions_that_costs_nothing() -> None:
    line = on(figure(Curve("run", losses(), free=0.6)), 1, "free bits")
    assert set(line["y"]) == {0.6}
    assert not any(
        "free bits" in trace.get("hovertemplate", "") for trace in figure(Curve("r", losses()))["data"]
    )


@pytest.mark.parametrize("x", ["epoch", "step", "seconds"])
def test_changes_are_marked_on_all_panels(x: X) -> None:
    change = Change(938, 2.0, 5.0, "learning rate 0.003 → 0.001")
    drawn = figure(Curve("run", losses()), changes=[change], x=x)
    shapes = drawn["layout"]["shapes"]
    assert {shape["xref"] for shape in shapes} == {"x", "x2", "x3"}
    assert {shape["x0"] for shape in shapes} == {shape["x1"] for shape in shapes} == {getattr(change, x)}
    (label,) = [note for note in drawn["layout"]["annotations"] if note["text"] == change.text]
    assert (label["xref"], label["x"]) == ("x", getattr(change, x))
    assert sum(trace.get("text") == [change.text] for trace in drawn["data"]) == 3  # for the hover


def test_many_changes_have_few_labels_in_rows_of_their_own() -> None:
    many = [Change(step, step / 469, step / 200, f"beta {step} → {step + 1}") for step in range(80)]
    layout = figure(Curve("run", losses()), changes=many)["layout"]
    assert len(layout["shapes"]) == 3 * MARKS
    labels = [note for note in layout["annotations"] if "→" in note["text"]]
    assert [label["text"] for label in labels] == [change.text for change in many[:-6:-1]]
    assert len({label["y"] for label in labels}) == 5


def test_changes_are_found_where_the_last_line_with_the_old_value_is() -> None:
    run = losses()
    run.train["peak_learning_rate"][20:] = 1e-3
    run.train["beta"][40:] = 4
    run.train["peak_learning_rate"][50:], run.train["beta"][50:] = 5e-4, 1
    found = rate_changes(run, None)
    assert [change.text for change in found] == [
        "learning rate 0.003 → 0.001",
        "beta 1 → 4",
        "learning rate 0.001 → 0.0005, beta 4 → 1",
    ]
    assert [change.step for change in found] == [run.train["step"][line] for line in (19, 39, 49)]
    assert found[0].epoch == run.train["epoch"][19]
    assert found[0].seconds == run.train["seconds"][19]


def test_a_change_that_no_line_shows_yet_is_where_the_run_stands() -> None:
    run = losses()
    place = {"step": 2900, "epoch": 6.18, "seconds": 15.5}
    for status, texts in (
        (Status(state="paused", **place), []),
        (Status(state="paused", learning_rate=3e-3, beta=1, **place), []),
        (Status(state="paused", learning_rate=1e-4, **place), ["learning rate 0.003 → 0.0001"]),
        (Status(state="paused", learning_rate=3e-3, beta=0, **place), ["beta 1 → 0"]),
    ):
        found = rate_changes(run, status)
        assert [change.text for change in found] == texts
        assert all(change[:3] == tuple(place.values()) for change in found)
    assert rate_changes(losses(0, 0), Status(state="paused", learning_rate=1e-4)) == []


def test_zoom_and_hidden_curves_survive_while_the_kind_of_figure_stays() -> None:
    early, late = Curve("run", losses(train=5, test=1)), Curve("run", losses(train=900))
    marks = [Change(1, 0.1, 0.2, "beta 1 → 4")]
    drawn, later = figure(early), figure(late, references=True, changes=marks)
    assert drawn["layout"]["uirevision"] == later["layout"]["uirevision"]
    # Plotly knows curves by their numbers, and takes a zoom back if the given range changes.
    legends = [[trace.get("legendgroup") for trace in f["data"]] for f in (drawn, later)]
    assert legends[1][:9] == legends[0][:9]
    assert not any("range" in drawn["layout"][f"{axis}axis{n}"] for axis in "xy" for n in ("", 2, 3))
    others = (
        figure(early, scale="linear"),
        figure(early, x="step"),
        figure(early, Curve("other", losses())),
        figure(Curve("other", losses())),
    )
    assert len({f["layout"]["uirevision"] for f in (drawn, *others)}) == 5


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_a_kl_that_falls_to_zero_is_seen_to_do_so(scale: str) -> None:
    collapsed = losses()
    for rows in collapsed:
        rows["kl"] = 1e-3
    layout = figure(Curve("run", collapsed), scale=scale)["layout"]
    assert layout["yaxis2"]["type"] == "linear"
    assert layout["yaxis2"]["autorangeoptions"] == {"include": [0, 1]}
    assert layout["yaxis"]["type"] == layout["yaxis3"]["type"] == scale


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_the_first_lines_which_are_all_alike_do_not_fill_their_axis(scale: str) -> None:
    early, late = losses(train=1, test=1), losses()
    (only,) = early.test["reconstruction"]

    def unseen(curve: Curve) -> list[dict[str, Any]]:
        return [
            each for each in figure(curve, scale=scale)["data"] if each.get("marker", {}).get("opacity") == 0
        ]

    below = unseen(Curve("run", early))
    assert [each["yaxis"] for each in below] == ["y", "y3"]
    assert below[0]["y"] == [pytest.approx(only / 1.05, rel=0.01)]
    # A fall that can be seen fills its axis.
    for rows in late:
        rows["reconstruction"] = np.linspace(545, 515, len(rows))
        rows["elbo"] = -rows["reconstruction"]
    assert unseen(Curve("run", late)) == []
    late = losses()
    assert unseen(Curve("run", late)) == []
    # It would turn a logarithmic axis upside down.
    assert "autorangeoptions" not in figure(Curve("run", early), scale=scale)["layout"]["yaxis"]


@pytest.mark.parametrize("curves", [(), (Curve("run", losses(0, 0)),)])
@pytest.mark.parametrize("scale", ["log", "linear"])
def test_a_run_without_lines_has_three_panels_with_axes(curves: tuple[Curve, ...], scale: str) -> None:
    drawn = figure(*curves, scale=scale, references=True, changes=[Change(0, 0, 0, "beta 1 → 4")])
    layout = drawn["layout"]
    for number, (low, high) in (("", (100, 600)), (2, (0, 10)), (3, (100, 600))):
        expected = np.log10((low, high)).tolist() if scale == "log" and number != 2 else [0, high]
        assert layout[f"yaxis{number}"]["range"] == expected
        assert layout[f"xaxis{number}"]["autorangeoptions"]["include"] > 0
    assert layout["shapes"] == []


def test_a_narrow_chart_has_the_panels_below_each_other() -> None:
    narrow = figure(Curve("run", losses()))["narrow"]["layout"]
    spans = [narrow[f"yaxis{number}"]["domain"] for number in (3, 2, "")]
    assert all(below[1] < above[0] for below, above in pairwise(spans))
    assert all(narrow[f"xaxis{number}"]["domain"] == [0, 1] for number in ("", 2, 3))
