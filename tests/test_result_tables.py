"""The tables of README and METHOD: what was measured, not what was written by hand."""

import json

from benchmarks.quality import NAMES, PAGES, RESULTS, Results, compare, render, with_table
from benchmarks.targets import Measurement
from vae.config import TrainConfig
from vae.evaluation.published import PUBLISHED


def made_up(negative_elbo: float, seconds: float) -> Results:
    """Results as `measure` returns them."""
    evaluation = {
        "images": 10_000,
        "negative_elbo": negative_elbo,
        "standard_error": 0.48,
        "elbo_samples": 16,
        "reconstruction": negative_elbo - 7,
        "kl": 7.0,
        "refined_negative_elbo": negative_elbo - 1,
        "nll": negative_elbo - 2,
        "importance_samples": 500,
        "knn_5": 0.8,
    }
    rows = {
        name: {
            "config": TrainConfig.preset(name).identity,
            "seconds": seconds,
            "writing": 0.0301 * seconds if seconds > 30 else 0.9,
            "evaluation": evaluation,
        }
        for name in NAMES
    }
    return {"date": "2026-11-22", "machine": "2 cores", "runs": rows}


def test_a_row_has_all_figures_and_every_row_as_many_cells() -> None:
    table, _, how = render(made_up(137.04, 29.6)).partition("\n\n")
    lines = table.splitlines()
    assert len(lines) == 2 + len(NAMES) + len(PUBLISHED)
    assert {line.count("|") for line in lines} == {10}
    assert lines[2].startswith("| `blog` | 137.0 ± 0.5 | 130.0 | 7.0 | 136.0 | 135.0 | 0.800 | 30 | MNIST, ")
    assert "NLL (500 samples)" in lines[0]
    assert how.startswith("2026-11-22, 2 cores")
    assert sum("not comparable" in line for line in lines) == 1


def test_the_table_takes_the_place_of_the_old_one_and_nothing_else() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        other = with_table(text, "| another |")
        assert with_table(other, "| another |") == other
        assert len(other) < len(text)
        assert other.startswith(text[:100])
        assert other.endswith(text[-100:])


def test_targets_are_held_by_the_figures_as_measured() -> None:
    assert [each.met for each in compare(made_up(131.0, 30.0))] == [True] * 6
    assert [each.met for each in compare(made_up(131.01, 30.01))] == [
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    assert not Measurement("", 4.99, "x", 5, at_least=True).met
    assert "missed" in str(Measurement("", 4.999, "x", 5, at_least=True))


def test_the_tables_are_what_was_measured() -> None:
    table = render(json.loads(RESULTS.read_text(encoding="utf-8")))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert with_table(text, table) == text, f"{page.name}: run python -m benchmarks.quality"


def test_the_presets_are_those_that_were_measured() -> None:
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["runs"]
    for name in NAMES:
        assert rows[name]["config"] == TrainConfig.preset(name).identity, "run python -m benchmarks.quality"
