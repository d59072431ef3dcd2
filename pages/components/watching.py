"""What is seen of a training: its curves, its pictures, its latent map."""

from typing import get_args

import streamlit as st

from pages.components import cached
from pages.components.explanations import CURVES, MAP, PICTURES
from pages.components.live_figure import live_figure
from pages.components.panels import Scale, X
from pages.components.runs_table import chosen_runs
from vae.records import Status
from vae.runs import Run


def panels(run: Run, status: Status) -> None:
    """Shows all three as they are now, what they mean beneath each."""
    left, right = st.columns([2, 1], gap="medium")
    with left:
        curves(run, status)
    digits, scatter = cached.digits(run), cached.scatter(run)
    if digits is not None and scatter is not None:
        with right:
            st.image(digits, width="stretch", alt="Ten test pictures, each over its reconstruction")
            st.html(PICTURES)
            live_figure(scatter, key="drift", height=330, label=f"Latent map of {run.name}")
            st.html(MAP)


def curves(run: Run, status: Status) -> None:
    """The losses of the run, and of those chosen in the table over them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        x = st.segmented_control(
            "Over",
            get_args(X),
            default="epoch",
            key="curves_x",
            required=True,
            format_func=lambda x: x if x.endswith("s") else f"{x}s",
            label_visibility="collapsed",
        )
        logarithmic = st.toggle("Log scale", value=True, key="curves_log")
    scale: Scale = "log" if logarithmic else "linear"
    runs = [run, *(other for other in chosen_runs() if other.name != run.name)]
    live_figure(
        cached.curves(runs, status, scale, x),
        key="curves",
        height=420,
        label=f"Reconstruction, KL and −ELBO of {run.name}",
    )
    st.html(CURVES)
