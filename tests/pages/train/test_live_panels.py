"""The panels of a run on the Train page."""

from pathlib import Path

from pages.components.runs import run_data
from pages.components.runs.run_curves import curves_figure
from vae.runs.run import Run
from vae.runs.titles import give_title


def test_the_legend_shows_a_new_title_at_once(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)

    def legend() -> str:
        return str(curves_figure([run], run.status(), "log", "epoch"))

    before = run_data.title(run)
    assert before in legend()
    give_title(run, "Mine")
    run_data.forget_titles()
    assert "Mine" in legend()
    assert before not in legend()
