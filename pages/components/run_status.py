"""How far a run is, and the one order that makes sense for it now."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.components.run_picker import select_run
from pages.components.sentences import plain, sentences
from vae import jobs
from vae.config import TrainConfig
from vae.runs import LIVE, Run, Status


def run_status(run: Run, config: TrainConfig, status: Status) -> None:
    """Shows name, state, progress and what went wrong, beside a button to stop, resume or train again."""
    heading, button = st.columns([3, 1], vertical_alignment="center")
    heading.subheader(f"{run.name}: {status.state}", anchor=False)
    preset, differs = config.nearest_preset
    changes = ", ".join(f"{field} = {value}" for field, value in differs.items())
    heading.caption(f"Preset {preset}{f' with {changes}' if changes else ''}.")
    with button:
        _offer(run, status)
    st.progress(status.step / max(status.total_steps, 1), text=_progress_line(status))
    if status.error:
        st.error(plain(status.error))
    elif status.state == "interrupted":
        st.warning("Its training process ended without a word. log.txt in the run's folder may say why.")


def start(config: TrainConfig, runs_dir: Path, *, again: bool = False) -> None:
    """Starts a training of `config` and selects its run; one that is finished is only shown."""
    run = jobs.start(config, runs_dir, again=again)
    select_run(run)
    if run.status().state == "finished":
        st.toast(f"{run.name} is finished already. **Train again** trains another.")


def obey(order: Callable[[], None]) -> None:
    """Carries out what a button asks, and shows the page anew; or says why it cannot be done."""
    with sentences():
        order()
        st.rerun()


def _offer(run: Run, status: Status) -> None:
    """The one order that makes sense in this state."""
    if status.state in LIVE:
        if st.button("Stop", width="stretch", help="Saves after this batch; it can be resumed."):
            with sentences():
                run.ask_to_stop()
                st.toast("Stopping after this batch.")
    elif status.state == "finished":
        if st.button("Train again", width="stretch", help="A further run of the same settings."):
            obey(lambda: start(run.config, run.path.parent, again=True))
    elif st.button("Resume", width="stretch", help="Goes on where the run stood."):
        obey(lambda: jobs.resume(run))


def _progress_line(status: Status) -> str:
    """Epoch, step, speed and time, in words."""
    parts = [f"epoch {status.epoch:.1f}", f"step {status.step:,} of {status.total_steps:,}"]
    if status.state == "starting":
        return "Starting: PyTorch and the data are being loaded."
    if status.images_per_second:
        parts.append(f"{status.images_per_second:,.0f} images/s")
    parts.append(f"{status.seconds:.0f} s elapsed")
    if status.state in LIVE and status.eta_seconds is not None:
        parts.append(f"about {status.eta_seconds:.0f} s left")
    return " · ".join(parts)
