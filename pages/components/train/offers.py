"""What can be done with a run whose training has ended."""

import streamlit as st

from pages.components.runs.run_actions import obey, resume, start, train_longer
from vae.runs.records import Status
from vae.runs.run import Run


def offer(run: Run, status: Status) -> None:
    """Shows the buttons that make sense in this state."""
    if status.state != "finished" and st.button(
        "Resume", type="primary", help="Goes on where the run stood.", width=150
    ):
        obey(lambda: resume(run))
    if st.button("Train again", help="A further run of the same settings.", width=150):
        obey(lambda: start(run.config, again=True))
    if status.state == "finished":
        with st.popover("Train longer", width=150):
            epochs = st.number_input("More epochs", value=run.config.epochs, step=1)
            st.caption(
                "A run of its own goes on from these weights, at the rates that are in force; the learning "
                "rate's schedule begins anew."
            )
            if st.button("Go on", type="primary"):
                obey(lambda: train_longer(run, epochs))
