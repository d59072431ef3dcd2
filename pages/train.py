"""Start a training, watch it learn, steer it."""

from functools import partial

import streamlit as st

from pages.components import cached
from pages.components.config_form import config_form, preset_choice
from pages.components.controls import controls
from pages.components.orders import busy, obey, start
from pages.components.returning import rerun_on_return
from pages.components.run_picker import run_picker
from pages.components.run_status import run_status
from pages.components.runs_table import runs_table
from pages.components.sentences import plain, sentences
from pages.components.watching import panels
from pages.components.way_in import enter_by_app
from vae.config import PRESETS_ABOUT
from vae.forecast import in_words, training_seconds
from vae.records import LIVE
from vae.runs import Run

POLL_SECONDS = 0.5
TABLE_SECONDS = 2


def main() -> None:
    """The page."""
    run = run_picker(watching=True)
    live = run is not None and run.status().state in LIVE
    if not live:
        st.header("Train", anchor=False)
        new_training()
    busy()
    if run is not None:
        st.fragment(sentences()(watch), run_every=POLL_SECONDS if live else None)(run, live)
    if live:  # nothing else can be started now, and the place above is worth more
        with st.expander("Start another"):
            new_training()
    st.fragment(sentences()(runs_table), run_every=TABLE_SECONDS if live else None)()
    rerun_on_return()


def new_training() -> None:
    """What to train, how long it takes, and the button that starts it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = preset_choice()
        button = st.container(width=120)
        caption = st.container(width="stretch")
    config = config_form(preset)
    if config is not None:
        duration = in_words(training_seconds(config, cached.core_speed()))
        caption.caption(
            f"{PRESETS_ABOUT[preset]} As set, it takes about {duration} on this machine, when it is idle."
        )
    if (
        button.button("Start", type="primary", disabled=config is None, width="stretch")
        and config is not None
    ):
        obey(partial(start, config))


def watch(run: Run, live: bool) -> None:
    """The selected run as it is now; polled while it is being trained."""
    if not run.path.exists():
        st.warning(plain(f"{run.name} was deleted. The box at the left has the other runs."))
        return
    status = run.status()
    if live != (status.state in LIVE):
        st.rerun()  # the whole page, which then polls no longer, or again
    run_status(run, status)
    if status.state != "finished":
        controls(run, status)
    panels(run, status)


if __name__ == "__main__":
    enter_by_app()
