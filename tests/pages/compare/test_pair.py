"""A pair of runs: what can be compared, what is marked on both maps, and the table of their metrics."""

from pathlib import Path

import numpy as np
import pytest

from pages.components.charts.tables import number_table
from pages.components.compare.metrics_table import BITS, METRICS, equal_counts, metric_rows
from pages.components.compare.pair import Pair
from pages.components.compare.shared_pin import Mark, mark_of
from pages.components.map.pin_urls import PinQuery
from pages.components.runs.config_text import differing_fields
from pages.components.shell.url_state import UrlHistory
from tests.support.evaluations import evaluation_of
from tests.support.small_runs import small_config
from vae import VaeError
from vae.runs.catalogue import new_run
from vae.runs.evaluation_record import Evaluation
from vae.runs.run import Run


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Run]:
    """Untrained: of two dimensions, of five, of another data set."""
    configs: dict[str, dict[str, object]] = {
        "flat": {},
        "deep": {"latent_dim": 5},
        "clothes": {"dataset": "fashion-mnist"},
    }
    return {name: new_run(small_config(**changes), tmp_path, name) for name, changes in configs.items()}


def test_what_cannot_be_compared_is_said(runs: dict[str, Run]) -> None:
    flat, deep, clothes = runs.values()
    assert Pair(flat, flat).obstacles == ()
    (space,) = Pair(flat, deep).obstacles
    assert "2 numbers at the left and 5 at the right" in space
    (pictures,) = Pair(clothes, flat).obstacles
    assert "fashion-mnist at the left and mnist at the right" in pictures
    assert len(Pair(deep, clothes).obstacles) == 2


def test_a_url_marks_a_picture_of_both_or_a_place_of_either(runs: dict[str, Run]) -> None:
    flat, deep, clothes = runs.values()
    assert mark_of(PinQuery(index="7"), Pair(flat, deep), 200) == Mark(7)
    assert mark_of(PinQuery(z="1,-2"), Pair(deep, flat), 200) == Mark(z=(1, -2))
    assert mark_of(PinQuery(z="1,2,3,4,5"), Pair(flat, deep), 200).z == (1, 2, 3, 4, 5)
    for texts, pair, why in (
        (PinQuery(index="200"), Pair(flat, deep), "numbered from 0 to 199"),
        (PinQuery(index="7"), Pair(flat, clothes), "is another at each side"),
        (PinQuery(z="1,2,3"), Pair(flat, deep), "is no z here: it is 2 numbers"),
        (PinQuery(z="nan,1"), Pair(flat, flat), "is no z here"),
    ):
        with pytest.raises(VaeError, match=why):
            mark_of(texts, pair, 200)
    assert Mark(199).fits(Pair(flat, deep), 200)
    assert not Mark(200).fits(Pair(flat, deep), 200)
    assert not Mark(7).fits(Pair(flat, clothes), 200)
    assert Mark(z=(1, 2)).fits(Pair(flat, clothes), 200)
    assert not Mark(z=(1, 2)).fits(Pair(deep, deep), 200)
    assert Mark(z=(0.5, -1)).texts == PinQuery(z="0.5,-1")


def test_a_mark_is_a_pin_of_the_runs_that_have_its_place() -> None:
    means = np.arange(10, dtype=np.float32).reshape(5, 2)
    (pin,) = Mark(3).pins(means).row
    assert (pin.place, pin.index) == ((6, 7), 3)
    (pin,) = Mark(z=(1, 2)).pins(means).row
    assert (pin.place, pin.index) == ((1, 2), None)
    assert Mark(z=(1, 2, 3)).pins(means).row == ()


def test_of_two_figures_the_better_is_bold_and_what_looks_the_same_is_not(trained: Run) -> None:
    left = evaluation_of(trained, nll=134.001, kl=6.0, knn_1=0.5).model_dump()
    right = evaluation_of(trained, nll=134.004, kl=7.0, knn_1=0.625, negative_elbo=140.0).model_dump()
    rows, bold = metric_rows(left, right, comparable=True)
    assert rows["−ELBO, nats"] == ("138.80 ± 0.50", "140.00 ± 0.50", "+1.20")
    assert rows["NLL, nats"] == ("134.00", "134.00", "0")
    assert rows["KL, nats"] == ("6.00", "7.00", "+1.00")
    assert rows["1-NN accuracy, %"] == ("50.00", "62.50", "+12.50")
    assert bold == {"−ELBO, nats": 0, "1-NN accuracy, %": 1}
    html = number_table(("", "left", "right", "difference"), rows, bold)
    assert "<td><b>138.80 ± 0.50</b></td><td>140.00 ± 0.50</td>" in html
    assert "<td>50.00</td><td><b>62.50</b></td><td>+12.50</td>" in html
    texts = number_table(("", "", ""), {"": ("-1.20", "sprites-colour", "1e-4")})
    assert "<td>−1.20</td><td>sprites-colour</td><td>1e−4</td>" in texts  # minus signs, and a hyphen
    rows, bold = metric_rows(left, right, comparable=False)
    assert rows["KL, nats"] == ("6.00", "7.00", "")
    assert bold == {}
    rows, bold = metric_rows({"kl": 1.0}, {"kl": 2.0, "nll": 3.0}, comparable=True)
    assert rows["NLL, nats"] == ("–", "3.00", "")


@pytest.mark.parametrize(
    ("name", "field", "values", "best"),
    [
        ("−ELBO refined, nats", "refined_negative_elbo", (126.5, 127.5), 0),  # less is better
        ("reconstruction, nats", "reconstruction", (130.0, 125.0), 1),
        ("5-NN accuracy, %", "knn_5", (0.75, 0.5), 0),  # more is better
        ("20-NN accuracy, %", "knn_20", (0.5, 0.75), 1),
        ("active units", "active_units", (1, 2), None),
    ],
)
def test_each_figure_knows_whether_less_of_it_is_better(
    trained: Run, name: str, field: str, values: tuple[float, float], best: int | None
) -> None:
    left, right = (evaluation_of(trained, **{field: value}).model_dump() for value in values)
    _, bold = metric_rows(left, right, comparable=True)
    assert bold == ({} if best is None else {name: best})


def test_losses_of_different_likelihoods_are_no_better_or_worse(trained: Run, tmp_path: Path) -> None:
    gaussian = new_run(small_config(likelihood="gaussian"), tmp_path)
    assert not Pair(trained, gaussian).same_likelihood
    (obstacle,) = Pair(trained, gaussian).obstacles
    assert "bernoulli at the left and gaussian at the right" in obstacle
    left = {"negative_elbo": 140.0, "kl": 6.0, "knn_1": 0.5}
    right = {"negative_elbo": 2000.0, "kl": 7.0, "knn_1": 0.75, BITS: 3.68}
    rows, bold = metric_rows(left, right, comparable=True, same_likelihood=False)
    assert rows["−ELBO, nats"] == ("140.00", "2000.00", "")
    assert rows["−ELBO, bits per dimension"] == ("–", "3.680", "")
    assert rows["KL, nats"] == ("6.00", "7.00", "+1.00")
    assert bold == {"1-NN accuracy, %": 1}
    assert "−ELBO, bits per dimension" not in metric_rows(left, left, comparable=True)[0]


@pytest.mark.parametrize("count", ["images", "elbo_samples", "importance_samples"])
def test_means_over_other_numbers_of_samples_are_not_equal_counts(trained: Run, count: str) -> None:
    one, other = evaluation_of(trained), evaluation_of(trained, **{count: 1})
    assert equal_counts(one.model_dump(), one.model_dump())
    assert not equal_counts(one.model_dump(), other.model_dump())


def test_an_error_stands_at_the_figure_that_it_is_of_and_is_no_difference(trained: Run) -> None:
    evaluated = evaluation_of(trained).model_dump()
    del evaluated["standard_error"]  # as where −ELBO is sampled once, as that of the other
    rows, _ = metric_rows(evaluated, {"negative_elbo": 140.0}, comparable=True)
    assert rows["−ELBO, nats"] == ("138.80", "140.00", "+1.20")
    refined = f"{evaluated['refined_negative_elbo']:.2f} ± {evaluated['refined_standard_error']:.2f}"
    assert rows["−ELBO refined, nats"] == (refined, "–", "")


def test_every_figure_of_an_evaluation_is_in_the_table() -> None:
    about = {"run", "weights", "step", "epoch", "images", "elbo_samples", "importance_samples"}
    errors = {"standard_error", "refined_standard_error"}  # behind the figure that they are of
    fields = {field for _, field, *_ in METRICS}
    assert fields - {BITS} == Evaluation.model_fields.keys() - about - errors


def test_settings_that_differ_are_named_with_both_values() -> None:
    one, other = small_config(threads=1), small_config(threads=2, beta=0, hidden_dims=(8, 4))
    assert differing_fields(one, one) == {}
    assert differing_fields(one, other) == {"Hidden dimensions": ("24, 16", "8, 4"), "Beta": ("1", "0")}


def test_an_echo_is_no_wish() -> None:
    url_history: UrlHistory[str] = UrlHistory()
    assert url_history.is_new("a", stayed=True)
    url_history = url_history.seen("a").written("b").written("c")
    assert [url_history.is_new(seen, stayed=True) for seen in "abcd"] == [False, False, False, True]
    # Another page was shown before: the person came by a link or the Back button.
    assert url_history.is_new("a", stayed=False)
    url_history = url_history.written("d").written("e")
    assert url_history.is_new("b", stayed=True)
    assert not url_history.is_new("e", stayed=True)
