"""Walk the latent space: the map of the test set, and the picture at the clicked place."""

import numpy as np
import streamlit as st

from pages.components import cached
from pages.components.address import OWN_PLACE, asked_index
from pages.components.charts import axis_names, latent_map
from pages.components.chosen_place import chosen_place, moved_to
from pages.components.decoder import decoder_store
from pages.components.digits import data_url
from pages.components.links import RECONSTRUCTIONS, link
from pages.components.live_figure import click_on, live_figure
from pages.components.pointer_digit import pointer_digit
from pages.components.run_picker import run_picker
from pages.components.scoring import decoded, plane
from pages.components.selection import Floats
from pages.components.sentences import sentences
from pages.components.way_in import enter_by_app
from vae.data import class_names
from vae.model import VAE
from vae.runs import Run


def main() -> None:
    """The page."""
    st.title("Latent space")
    st.write(
        "Each point is a test picture, placed by the model; its colour is its class, which the model "
        "never saw. **Move over the map** and see what the model draws at every place, on a point or "
        "between them; a click keeps it."
    )
    run = run_picker()
    if run is not None:
        # The spinner belongs to the page, not to every click; so do the weights on their way to the browser.
        explored = cached.explored(run)
        decoder_store(explored.decoder)
        st.fragment(sentences()(walk))(run, explored)


def walk(run: Run, explored: cached.Explored) -> None:
    """Map and picture under these weights, whose decoder the browser has; a click runs only this again."""
    model, test, decoder = explored
    index = asked_index(len(test))
    place = chosen_place(test, index)
    if (click := click_on("map")) is not None:
        index, place = None, moved_to(click, place)
        if cached.explored(run).decoder.name != decoder.name:  # the run trains, and there are newer weights
            st.rerun()
    on_plane = plane(place[None], np.zeros_like(place)[None] if index is None else test.logvars[[index]])[0]
    axes = axis_names(run.config.latent_dim)
    names = class_names(run.config.dataset)
    points = plane(test.means, test.logvars)
    figure = latent_map(points, test.labels, names, axes, (on_plane[0], on_plane[1]), run.name)
    left, right = st.columns([3, 1])
    with left:
        live_figure(figure, key="map", height=620, label=f"Latent space of {run.name}")
        pointer_digit(decoder.name, "map", place.tolist(), key="pointer")
    own = index is None and (run.name, st.query_params.get("z")) == st.session_state.get(OWN_PLACE)
    with right:
        if index is not None:
            st.markdown(
                f"Where **{names[test.labels[index]]} · #{index}** lies, and what the model draws there:"
            )
        elif own:
            st.markdown("Where **your own picture** lies, and what the model draws there:")
        show(model, place)
        if index is not None or own:
            shown = {"view": "Your own", "index": None} if index is None else {"index": str(index)}
            link("Show in Reconstructions", RECONSTRUCTIONS, {"run": run.name, **shown}, key="shown_link")


def show(model: VAE, place: Floats) -> None:
    """The picture at the chosen place (Z,)."""
    # Not a file of Streamlit's: one click later it may be gone before a slow browser asks for it.
    source, alt = data_url(decoded(model, place[None])[0]), "What the model draws at the chosen place"
    style = "width: 100%; image-rendering: pixelated; border-radius: 4px"
    st.html(f'<img src="{source}" alt="{alt}" style="{style}">')
    drawn = ", ".join(f"{value:.2f}" for value in place[:2])
    log_prior = -0.5 * float(np.square(place).sum()) - len(place) / 2 * np.log(2 * np.pi)
    st.markdown(f"**z = ({drawn})**")
    st.caption(f"log p(z) = {log_prior:.2f}: how likely the prior N(0, I) thinks this place.")
    if (more := len(place) - 2) > 0:
        rest = "as the address says" if place[2:].any() else "0, the mean of the prior"
        st.caption(f"The other {more} coordinates are {rest}.")


if __name__ == "__main__":
    enter_by_app()
