"""The heading of a run, as a page of its own."""

from streamlit.testing.v1 import AppTest


def page(notice: str | None) -> None:
    from pages.components.runs.run_heading import show_trouble
    from vae.runs.records import Status

    show_trouble(Status(state="running", notice=notice))


def test_what_the_machine_lacks_is_shown_letter_by_letter() -> None:
    shown = AppTest.from_function(page, args=("No device *cuda* here.",)).run()
    assert [info.value for info in shown.info] == ["No device \\*cuda\\* here."]
    assert not AppTest.from_function(page, args=(None,)).run().info


def test_a_starting_run_says_what_it_does() -> None:
    from pages.components.runs.run_heading import progress_line
    from vae.runs.records import Status

    doing = Status(state="starting", activity="Downloading kmnist: 3 of 21 MB.")
    assert progress_line(doing) == "Downloading kmnist: 3 of 21 MB."
    assert progress_line(Status(state="starting")).startswith("Starting: ")
