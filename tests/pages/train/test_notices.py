"""What the Train page says of inactive dimensions."""

from pathlib import Path

import numpy as np
import pytest

from pages.components.train.moment_view import Newest
from pages.components.train.notices import inactive_dimensions, inactive_sentence
from tests.support.app_test import PAGES, visit
from tests.support.small_runs import small_config
from vae.inference.planes import axis_directions
from vae.runs.catalogue import new_run
from vae.runs.live_view import load_view, save_view
from vae.runs.records import Status
from vae.runs.run import Run

INACTIVE = "inactive, with a KL below 0.01 nats"
ONE_EPOCH = Status(state="running", step=12, total_steps=36, epoch=1)


@pytest.mark.parametrize(
    ("kl", "words"),
    [
        ([3.0, 2.5], ""),
        ([3.0, 0.009], f"z₂ is {INACTIVE}, which is normal."),
        ([0.001, 0.0], f"Posterior collapse: all dimensions are {INACTIVE}."),
        ([0.0], f"Posterior collapse: the only dimension is {INACTIVE}."),
        ([2.0, 0.0, 3.0, 0.001], f"z₂, z₄ are {INACTIVE}, which is normal."),
        ([2.0] + 9 * [0.0], f"9 of 10 dimensions are {INACTIVE}, which is normal."),
    ],
)
def test_dimensions_without_kl_are_named_after_the_first_epoch(
    kl: list[float], words: str, small: Path
) -> None:
    run = new_run(small_config(latent_dim=len(kl)), small)
    newest = Newest(12, np.array(kl, np.float32), axis_directions(len(kl)), None)
    inactive = inactive_dimensions(run, ONE_EPOCH, newest)
    assert (inactive_sentence(inactive, len(kl)) if inactive else "") == words
    assert inactive_dimensions(run, ONE_EPOCH, newest._replace(step=11)) == []  # untrained, all are
    assert inactive_dimensions(run, ONE_EPOCH, newest._replace(kl=None)) == []
    assert inactive_dimensions(run, ONE_EPOCH, None) == []


@pytest.mark.parametrize(
    ("nats", "advice", "other"),
    [
        (0.0, "**What to try.** A smaller beta", "no fault"),
        (2.0, "**It is normal, and no fault.**", "What to try"),
    ],
)
def test_a_collapse_is_said_with_what_it_means_and_what_to_try(
    runs_dir: Path, trained: Run, nats: float, advice: str, other: str
) -> None:
    run = Run(runs_dir / trained.name)
    view = load_view(run.view_path, run.config)
    assert view is not None
    save_view(run.view_path, view._replace(kl=np.array([nats, 0.001], np.float32)))
    with run.lock():
        run.write_status(run.status().model_copy(update={"state": "running"}))
        test = visit(PAGES[2], run=run.name)
    texts = " ".join(element.value for element in test.markdown)
    assert all(words in texts for words in ("**What it means.**", advice))
    assert other not in texts
    assert "**What it means.**" not in " ".join(
        element.value for element in visit(PAGES[2], run=run.name).markdown
    )
