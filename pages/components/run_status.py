"""How far a run is, and what can be done with it once its training has ended."""

import streamlit as st

from pages.components.orders import obey, start, train_longer
from pages.components.sentences import plain
from vae import jobs
from vae.forecast import in_words
from vae.records import LIVE, Status
from vae.runs import Run

MEANING = {
    "interrupted": "Its training process ended without a word. **Resume** goes on from what was saved last; "
    "log.txt in the run's folder may say why it ended.",
    "stopped": "It was stopped, and can go on where it stood.",
}


def run_heading(run: Run, status: Status) -> None:
    """Shows name, state and what went wrong, beside what can be done with a run that ended."""
    heading, buttons = st.columns([3, 2], vertical_alignment="center")
    heading.subheader(f"{run.name}: {status.state}", anchor=False)
    heading.caption(made_of(run, status))
    if status.state not in LIVE:
        with buttons:
            _offer(run, status)
    if status.error:
        st.error(plain(status.error))
    elif status.state in MEANING:
        st.warning(MEANING[status.state])


def progress(run: Run, status: Status) -> None:
    """Shows how far it is, as a bar that never jumps back, and in words."""
    # A resumed run stands a little before the place where it was cut off: the bar waits for it.
    furthest = st.session_state.setdefault("furthest", {})
    made = f"{run.name} {run.made_at}"  # another of that name begins at zero
    share = min(1.0, status.step / max(status.total_steps, 1))
    furthest[made] = max(share, furthest.get(made, 0.0))
    st.progress(furthest[made], text=progress_line(status))


def made_of(run: Run, status: Status) -> str:
    """The preset, and what differs from it, as Markdown."""
    preset, differs = run.config.nearest_preset
    changes = ", ".join(f"{field} = {value}" for field, value in differs.items())
    steered = ". Its rates were changed while it trained" if status.steered else ""
    return plain(f"Preset {preset}{f' with {changes}' if changes else ''}{steered}.")


def progress_line(status: Status) -> str:
    """Epoch, step, speed and time, in words."""
    if status.state == "starting":
        return "Starting: PyTorch and the data are being loaded."
    parts = [f"epoch {status.epoch:.2f}", f"step {status.step:,} of {status.total_steps:,}"]
    if status.images_per_second:
        parts.append(f"{status.images_per_second:,.0f} images/s")
    parts.append(f"{in_words(status.seconds)} elapsed")
    if status.state == "running" and status.eta_seconds is not None:
        parts.append(f"about {in_words(status.eta_seconds)} left")
    return " · ".join(parts)


def _offer(run: Run, status: Status) -> None:
    """What can be done in this state."""
    left, right = st.columns(2)
    if status.state != "finished":
        if right.button("Resume", type="primary", width="stretch", help="Goes on where the run stood."):
            obey(lambda: jobs.resume(run))
        return
    if left.button("Train again", width="stretch", help="A further run of the same settings."):
        obey(lambda: start(run.config, again=True))
    with right.popover("Train longer", width="stretch"):
        epochs = st.number_input("More epochs", min_value=1, max_value=1000, value=run.config.epochs)
        st.caption("A run of its own goes on from these weights; the learning rate's schedule begins anew.")
        if st.button("Go on", type="primary"):
            obey(lambda: train_longer(run, epochs))
