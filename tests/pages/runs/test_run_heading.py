"""The heading of a run, as a page of its own."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.components.runs.run_heading import config_summary, progress_line
from vae.config import TrainConfig
from vae.runs.catalogue import new_run
from vae.runs.records import Status
from vae.runs.titles import title_of


def page(notice: str | None) -> None:
    from pages.components.runs.run_heading import show_trouble
    from vae.runs.records import Status

    show_trouble(Status(state="running", notice=notice))


def test_what_the_machine_lacks_is_shown_letter_by_letter() -> None:
    shown = AppTest.from_function(page, args=("No device *cuda* here.",)).run()
    assert [info.value for info in shown.info] == ["No device \\*cuda\\* here."]
    assert not AppTest.from_function(page, args=(None,)).run().info


def test_a_starting_run_says_what_it_does() -> None:
    doing = Status(state="starting", activity="Downloading kmnist: 3 of 21 MB.")
    assert progress_line(doing) == "Downloading kmnist: 3 of 21 MB."
    assert progress_line(Status(state="starting")).startswith("Starting: ")


def test_the_settings_say_what_the_title_says_of_changed_rates(tmp_path: Path) -> None:
    run = new_run(TrainConfig.preset("quick"), tmp_path)
    status = Status(state="stopped", beta=4, steered=False)  # as a version wrote it that had no flag
    run.write_status(status)
    assert title_of(run) == "quick, steered"
    assert "Its rates were changed while it trained." in config_summary(run)
    run.write_status(status.model_copy(update={"beta": None}))
    assert title_of(run) == "quick"
    assert "changed" not in config_summary(run)
