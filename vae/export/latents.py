"""Posteriors, losses and classes of a run's images as a table, for pandas, R and NumPy.

Shapes: N images, Z latent size.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vae.datasets.registry import ImageSet, classes_of, load_for
from vae.export.packages import needed
from vae.inference.scoring import Scores, diverged, valid_scores
from vae.runs.checkpoints import SavedModel
from vae.runs.run import Run

Columns = dict[str, npt.NDArray[Any]]
SUFFIXES = (".parquet", ".csv", ".npz")


def latents(run: Run, saved: SavedModel, training: tuple[ImageSet, Scores] | None = None) -> Columns:
    """Arrays of N rows: the test set in its order, and before it the training set if it is given.

    `split` ("train" or "test"), `index` in the set, `label` (-1 without a class), `class` (its name, ""
    without), `reconstruction` and `kl` in nats (z sampled once), `mean` and `logvar` (N, Z).

    Raises VaeError if the data are missing, or scores are not finite.
    """
    test = load_for(run.config, train=False)
    parts = [("test", test, valid_scores(saved.model, test.images, saved.scores))]
    if training is not None:
        parts.insert(0, ("train", *training))
    for split, _, scores in parts:
        if not scores.finite:
            raise diverged(run.name, "training" if split == "train" else split)
    names = np.array([*classes_of(run.config), ""])  # the last one for the label -1
    labels = np.concatenate([np.asarray(images.labels, np.int64) for _, images, _ in parts])
    counts = [len(images.labels) for _, images, _ in parts]
    columns: Columns = {
        "split": np.repeat([split for split, _, _ in parts], counts),
        "index": np.concatenate([np.arange(count) for count in counts]),
        "label": labels,
        "class": names[labels],
    }
    for name in ("reconstruction", "kl", "mean", "logvar"):
        columns[name] = np.concatenate([getattr(scores, name) for _, _, scores in parts])
    return columns


def table(columns: Columns, suffix: str, facts: Mapping[str, str]) -> bytes:
    """Columns as a file of the kind that `suffix` names: `.parquet`, `.csv` or `.npz`.

    In the first two `mean` and `logvar` become a column for each dimension, `mean_0` and so on. `facts` are
    the metadata of a Parquet file's schema; an npz file has an array for each that is not named as a column.

    Raises VaeError if Parquet is asked for and the package pyarrow is missing.
    """
    file = io.BytesIO()
    if suffix == ".npz":
        others = {name: np.array(value) for name, value in facts.items() if name not in columns}
        np.savez(file, allow_pickle=False, **columns, **others)
        return file.getvalue()
    flat: Columns = {}
    for name, values in columns.items():
        if values.ndim == 1:
            flat[name] = values
        else:
            flat |= {f"{name}_{number}": column for number, column in enumerate(values.T)}
    if suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(flat)
        writer.writerows(zip(*(_texts(values) for values in flat.values()), strict=True))
        return text.getvalue().encode()
    parquet, arrow = needed("pyarrow.parquet", "Parquet files"), needed("pyarrow", "Parquet files")
    made = arrow.table({name: arrow.array(values.copy()) for name, values in flat.items()})
    parquet.write_table(made.replace_schema_metadata(dict(facts)), file)
    return file.getvalue()


def _texts(values: npt.NDArray[Any]) -> list[str]:
    """Values as text, in as many digits as tell a float32 from its neighbours."""
    return [str(value) for value in values]
