"""Tables of posteriors and losses, read back by the libraries they are for."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from vae.cli.terminal import training_scores
from vae.datasets.registry import load
from vae.export.facts import facts_of
from vae.export.latents import latents, table
from vae.runs.run import Run


@pytest.fixture
def run(small: Path, trained: Run) -> Run:
    shutil.copytree(trained.path, small / trained.name)
    return Run(small / trained.name)


def test_each_kind_of_table_has_the_same_values(run: Run) -> None:
    saved = run.saved_model()
    assert saved.scores is not None
    columns, facts = latents(run, saved), facts_of(run, saved)
    parquet = table(columns, ".parquet", facts)
    by_kind = {
        "parquet": pd.read_parquet(io.BytesIO(parquet)),
        "csv": pd.read_csv(io.BytesIO(table(columns, ".csv", facts))),
    }
    arrays = np.load(io.BytesIO(table(columns, ".npz", facts)))
    labels = load("mnist", train=False).labels
    for frame in by_kind.values():
        assert list(frame.columns) == [
            *("split", "index", "label", "class", "reconstruction", "kl"),
            *("mean_0", "mean_1", "logvar_0", "logvar_1"),
        ]
        assert frame["split"].unique().tolist() == ["test"]
        assert frame["index"].tolist() == list(range(200))
        assert frame["label"].tolist() == frame["class"].astype(int).tolist() == labels.tolist()
        np.testing.assert_array_equal(frame[["mean_0", "mean_1"]].astype(np.float32), saved.scores.mean)
        np.testing.assert_array_equal(frame["kl"].astype(np.float32), saved.scores.kl)
    np.testing.assert_array_equal(arrays["logvar"], saved.scores.logvar)
    np.testing.assert_array_equal(arrays["reconstruction"], saved.scores.reconstruction)
    assert str(arrays["run"]) == run.name
    metadata = pyarrow.parquet.read_schema(io.BytesIO(parquet)).metadata
    test = run.newest_test_metrics()
    assert test is not None
    assert float(metadata[b"negative_elbo"]) == pytest.approx(-test.elbo, abs=2e-3)


def test_the_training_set_is_scored_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    saved = run.saved_model()
    columns = latents(run, saved, training_scores(run, saved))
    assert columns["split"].tolist() == 600 * ["train"] + 200 * ["test"]
    assert columns["index"].tolist() == [*range(600), *range(200)]
    np.testing.assert_array_equal(columns["label"][:600], load("mnist", train=True).labels)
    assert columns["mean"].shape == (800, 2)
    assert "scored 100 %" in capsys.readouterr().err
    _, again = training_scores(run, saved)
    np.testing.assert_array_equal(again.reconstruction, columns["reconstruction"][:600])
    assert capsys.readouterr().err == "", "they are in the run"
    model = replace(saved.model, weights={name: 2 * values for name, values in saved.model.weights.items()})
    _, other = training_scores(run, saved._replace(model=model))
    assert "scored 100 %" in capsys.readouterr().err, "those of other weights"
    assert not np.array_equal(other.mean, again.mean)
