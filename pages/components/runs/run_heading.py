"""Heading and progress of a run: title, state, name, config, errors, and how far it is."""

import streamlit as st

from pages.components.runs import run_data
from pages.components.shell.access import may_change
from pages.components.shell.messages import escape_markdown
from vae.runs.records import Status
from vae.runs.run import Run
from vae.runs.titles import differences
from vae.training.forecast import in_words

INTERRUPTED = "Its training process ended without an error message."
RESUME = "**Resume** goes on from what was saved last; log.txt in the run's folder may show why it ended."


def run_heading(run: Run, status: Status) -> None:
    """Shows the run's title, state and config, in one line where there is room."""
    st.subheader(f"{escape_markdown(run_data.title(run))}: {status.state}", anchor=False, width="content")
    st.caption(escape_markdown(config_summary(run)), width="content")


def show_trouble(status: Status) -> None:
    """Shows why the run has failed or was interrupted, and what of its config the machine lacks."""
    if status.notice:
        st.info(escape_markdown(status.notice))
    if status.error:
        st.error(escape_markdown(status.error))
    elif status.state == "interrupted":
        st.warning(f"{INTERRUPTED}{f' {RESUME}' * may_change()}")


def show_progress(run: Run, status: Status) -> None:
    """Shows how far the run is, as a bar that never moves back, and as text."""
    # A resumed run starts a little before the step where it was interrupted: the bar waits.
    furthest = st.session_state.setdefault("furthest", {})
    made = f"{run.name} {run.created_at}"  # another run of that name begins at zero
    furthest[made] = max(status.share, furthest.get(made, 0.0))
    st.progress(furthest[made], text=escape_markdown(progress_line(status)))


def config_summary(run: Run) -> str:
    """The preset, the differences from it, and the name, as text. Raises VaeError if it is damaged."""
    preset, differs = run.config.nearest_preset
    changes = ", ".join(differences(differs))
    steered = " Its rates were changed while it trained." if run.is_steered() else ""
    settings = f"Preset {preset}{f' with {changes}' if changes else ''}."
    return f"{settings}{steered} Run {run.name}."


def progress_line(status: Status) -> str:
    """Epoch, step, speed and time, as text."""
    if status.state == "starting":
        return status.activity or "Starting: PyTorch and the data are being loaded."
    parts = [f"epoch {status.epoch:.2f}", f"step {status.step:,} of {status.total_steps:,}"]
    if status.images_per_second:
        parts.append(f"{status.images_per_second:,.0f} images/s")
    if status.workers > 1:
        parts.append(f"{status.workers} workers")
    parts.append(f"{in_words(status.seconds)} elapsed")
    if status.state == "running" and status.eta_seconds is not None:
        parts.append(f"about {in_words(status.eta_seconds)} left")
    return " · ".join(parts)
