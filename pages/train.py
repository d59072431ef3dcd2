"""Start a training, watch it, stop it."""

import streamlit as st

from pages.components.charts import loss_curves
from pages.components.live_figure import live_figure
from pages.components.run_picker import run_picker
from pages.components.run_status import obey, run_status, start
from pages.components.sentences import sentences
from pages.components.way_in import enter_by_app
from vae.catalogue import default_runs_dir
from vae.config import PRESETS_ABOUT, TrainConfig
from vae.runs import LIVE, Run

POLL_SECONDS = 0.5


def main() -> None:
    """The page."""
    st.title("Train")
    st.write(
        "Choose a preset and press **Start**: a variational autoencoder learns to draw digits through a "
        "bottleneck of two numbers. It goes on by itself when you close this page."
    )
    run = run_picker(watching=True)
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    preset = (
        choice.segmented_control(
            "Preset",
            list(PRESETS_ABOUT),
            default="quick",
            required=True,
            help="What is trained, how long.",
        )
        or "quick"
    )
    config = TrainConfig.preset(preset)
    if button.button("Start", type="primary", width="stretch"):
        obey(lambda: start(config, default_runs_dir()))
    st.caption(f"{PRESETS_ABOUT[preset]} {config.epochs} epochs on {config.dataset}.")
    if run is None:
        return
    live = run.status().state in LIVE
    st.fragment(sentences()(watch), run_every=POLL_SECONDS if live else None)(run, live)


def watch(run: Run, live: bool) -> None:
    """The selected run as it is now; polled while it is being trained."""
    config, status = run.config, run.status()
    lines, _ = run.metrics()
    if live and status.state not in LIVE:
        st.rerun()  # the whole page, which then no longer polls
    run_status(run, config, status)
    if not lines:
        if not status.error:
            st.info("The first figures come within seconds." if live else "This run has no figures yet.")
        return
    logarithmic = st.toggle("Log scale", value=True, key="log_scale")
    live_figure(
        loss_curves(lines, "log" if logarithmic else "linear", run.name),
        key="curves",
        height=420,
        label=f"Reconstruction and KL of {run.name} over epochs",
    )
    st.caption(
        "Reconstruction: how many nats (units of information) a picture costs beyond its latent numbers. KL: "
        "how many nats those numbers carry. Their sum is the negative ELBO; lower is better."
    )


if __name__ == "__main__":
    enter_by_app()
