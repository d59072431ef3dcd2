"""The heading of a run, as a page of its own."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.support.small_runs import small_config
from vae.runs.catalogue import new_run


def page(folder: str, notice: str | None) -> None:
    from pathlib import Path

    from pages.components.runs.run_heading import run_heading
    from vae.runs.records import Status
    from vae.runs.run import Run

    run_heading(Run(Path(folder)), Status(state="running", notice=notice))


def test_what_the_machine_lacks_is_shown_letter_by_letter(small: Path) -> None:
    run = new_run(small_config(), small)
    shown = AppTest.from_function(page, args=(str(run.path), "No device *cuda* here.")).run()
    assert [info.value for info in shown.info] == ["No device \\*cuda\\* here."]
    assert not AppTest.from_function(page, args=(str(run.path), None)).run().info


def test_a_starting_run_says_what_it_does() -> None:
    from pages.components.runs.run_heading import progress_line
    from vae.runs.records import Status

    doing = Status(state="starting", activity="Downloading kmnist: 3 of 21 MB.")
    assert progress_line(doing) == "Downloading kmnist: 3 of 21 MB."
    assert progress_line(Status(state="starting")).startswith("Starting: ")
