"""Walk the latent space: the map of the test set, and the picture at the clicked place."""

import numpy as np
import streamlit as st
import torch

from pages.components import cached
from pages.components.charts import axis_names, latent_map
from pages.components.live_figure import Click, click_on, live_figure
from pages.components.run_picker import run_picker
from pages.components.sentences import sentences
from pages.components.way_in import enter_by_app
from vae.data import class_names
from vae.latent import plane
from vae.pictures import grey
from vae.runs import Run

CHOSEN = "latent_chosen"


def main() -> None:
    """The page."""
    st.title("Latent space")
    st.write(
        "Each point is a test picture, placed by the model; its colour is its class, which the model "
        "never saw. **Click anywhere**, on a point or between them, to see what the model draws there."
    )
    run = run_picker()
    if run is not None:
        cached.test_set(run)  # its spinner belongs to the page, not to every click
        st.fragment(sentences()(walk))(run)


def walk(run: Run) -> None:
    """Map and picture; a click runs only this again."""
    test = cached.test_set(run)
    click = click_on("map")
    if click is not None:
        st.session_state[CHOSEN] = click
    chosen: Click = st.session_state.setdefault(CHOSEN, Click(0.0, 0.0))
    points = plane(torch.from_numpy(test.means), torch.from_numpy(test.logvars)).numpy()
    axes = axis_names(run.config.latent_dim)
    figure = latent_map(points, test.labels, class_names(run.config.dataset), axes, chosen, run.name)
    left, right = st.columns([3, 1])
    with left:
        live_figure(figure, key="map", height=620, label=f"Latent space of {run.name}")
    with right:
        show(run, chosen)


def show(run: Run, chosen: Click) -> None:
    """The picture at the chosen place of the plane."""
    z = torch.zeros(1, run.config.latent_dim)
    drawn = min(2, run.config.latent_dim)
    z[0, :drawn] = torch.tensor(chosen[:drawn])
    picture = cached.model(run).decode(z)[0, 0].numpy()
    large = grey(picture).repeat(10, axis=0).repeat(10, axis=1)
    st.image(large, width="stretch", alt="What the model draws at the chosen place")
    place = ", ".join(f"{value:.2f}" for value in chosen[:drawn])
    log_prior = -0.5 * float(z.square().sum()) - run.config.latent_dim / 2 * np.log(2 * np.pi)
    st.markdown(f"**z = ({place})**")
    st.caption(
        f"log p(z) = {log_prior:.2f}: how likely the prior N(0, I) thinks this place.",
    )
    if run.config.latent_dim > 2:
        st.caption(f"The other {run.config.latent_dim - 2} coordinates are 0, the mean of the prior.")


if __name__ == "__main__":
    enter_by_app()
