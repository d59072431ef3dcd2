"""The notebook in the documents runs from its first cell to its last, on the small MNIST."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.paths import ROOT
from vae.runs.catalogue import list_runs


def test_the_notebook_trains_plots_and_decodes(small: Path) -> None:
    notebook = json.loads((ROOT / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"], "clear the outputs before a commit"
            exec("".join(cell["source"]), names)
    (run,) = list_runs(small)
    assert run.status().state == "finished"
    assert names["mean"].shape == (200, 2)
    np.testing.assert_array_equal(names["curves"].data[1].y, -run.metrics().test["elbo"])
    assert names["decoded"].min() >= 0
    assert 0.5 < names["decoded"].max() <= 1
