"""The details of one image: reconstruction, samples, losses, posterior, its place, nearest test images.

Shapes: Z latent size.
"""

import numpy as np
import streamlit as st

from pages.components.charts.colours import class_colours
from pages.components.charts.live_figure import live_figure
from pages.components.charts.scatter import posterior_map
from pages.components.charts.tables import number_table
from pages.components.charts.tiles import Caption, TileClicks, TileLayout, difference_legend, tiles
from pages.components.runs import loaded_model
from pages.components.runs.loaded_model import LoadedModel
from vae.inference.formatting import bits_per_dimension, coordinate_name
from vae.inference.forward import Model
from vae.inference.planes import Directions
from vae.inference.scored_set import TERMS, Floats, Indices, ScoredSet, mean_losses, nearest_images
from vae.inference.scoring import loss_from_mean
from vae.runs.run import Run

SAMPLES = 8
NEIGHBOURS = 10
SHORT = 4  # rows: longer tables scroll


def neighbours_key(key: str) -> str:
    """The key of the nearest images' tiles in the `picture_detail` of a key; their numbers are indices."""
    return f"{key}_neighbours"


def picture_detail(
    run: Run, loaded: LoadedModel, one: ScoredSet, *, key: str, index: int | None = None
) -> None:
    """Shows the details of the only image in `one`; `index` is its own in the test set, if it has one."""
    test = loaded.test
    neighbours, distances = nearest_images(test, one.means[0], NEIGHBOURS, exclude=index)
    with st.container(key=f"{key}_detail"):
        images, place, scores = st.columns([4, 5, 3], gap="small")
    with images:
        tiles(
            np.stack((one.images, loaded.model.decode(one.means)), axis=1),
            key=f"{key}_picture",
            label="The image, its reconstruction, and the difference",
            layout=TileLayout(500, ("image", "reconstruction", "difference"), difference=True),
            follow=index,
        )
        st.html(difference_legend())
        st.caption(
            "The reconstruction is decoded from the posterior's mean; below, from eight samples of it."
        )
        _samples(loaded.model, one, key)
    with place:
        _map(loaded_model.dimensions(run, loaded).largest, loaded, one, neighbours, key)
    with scores:
        _losses(loaded, one, index)
        _posterior(one)
    if not loaded.missing:
        _neighbours(loaded, neighbours, distances, key)


def _samples(model: Model, one: ScoredSet, key: str) -> None:
    # The same noise for every image, so that two images differ by the model alone.
    noise = np.random.default_rng(0).standard_normal((SAMPLES, one.means.shape[1]), np.float32)
    tiles(
        model.decode(one.means + one.deviations * noise)[:, None],
        key=f"{key}_samples",
        label="Decoded from samples of the posterior",
        layout=TileLayout(28),
    )


def _losses(loaded: LoadedModel, one: ScoredSet, index: int | None) -> None:
    """A table of the image's losses, of a test image with the means of its class."""
    test = loaded.test
    columns = {"nats": mean_losses(one, np.arange(1))}
    if index is not None and loaded.has_classes:
        columns["class mean"] = mean_losses(test, test.labels == test.labels[index])
    rows = {term: [f"{column[term]:.2f}" for column in columns.values()] for term in TERMS}
    if (values := loaded.model.config.density_values) is not None:
        bits = [bits_per_dimension(column["−ELBO"], values) for column in columns.values()]
        rows["bits per dimension"] = [f"{each:.3f}" for each in bits]
    st.html(number_table(("", *columns), rows))
    st.caption(
        f"z is sampled once. From the mean, as shown, the reconstruction costs "
        f"{loss_from_mean(loaded.model, one):.2f} nats."
    )


def _posterior(one: ScoredSet) -> None:
    numbers = zip(one.means[0], one.deviations[0], one.kl_by_dimension[0], strict=True)
    rows = {
        coordinate_name(i): [f"{mean:.3f}", f"{deviation:.3g}", f"{kl:.3f}"]
        for i, (mean, deviation, kl) in enumerate(numbers)
    }
    with st.container(height="content" if len(rows) <= SHORT else 130, border=False):
        st.html(number_table(("posterior", "mean", "σ", "KL"), rows))
    st.caption("σ: the standard deviation of the posterior.")


def _map(directions: Directions, loaded: LoadedModel, one: ScoredSet, neighbours: Indices, key: str) -> None:
    test = loaded.test
    points, place = (directions.map_coordinates(part.means, part.logvars) for part in (test, one))
    # Along the two axes; 0 for the second of a latent line, where the map shows the log-variance.
    deviations = np.stack((directions.first, directions.second)) @ one.deviations[0]
    colours = class_colours(len(loaded.classes))
    figure = posterior_map(points, test.labels, directions.names, colours, place[0], deviations, neighbours)
    live_figure(figure, key=f"{key}_map", height=250, label="Where the image lies on the map")
    dimensions = one.means.shape[1]
    which = f"The map shows the two of {dimensions} dimensions with the largest KL." if dimensions > 2 else ""
    st.caption(
        "Where it lies among the test images; and close by, with 1 and 2 standard deviations of its "
        f"posterior, and rings around the images that are nearest in z. {which}"
    )


def _neighbours(loaded: LoadedModel, neighbours: Indices, distances: Floats, key: str) -> None:
    st.markdown("**Nearest test images in the latent space**")
    tiles(
        loaded.test.images[neighbours][:, None],
        [
            Caption(loaded.image_title(i), f"{distance:.2g} away")
            for i, distance in zip(neighbours, distances, strict=True)
        ],
        key=neighbours_key(key),
        label="Nearest test images",
        layout=TileLayout(72),
        clicks=TileClicks(neighbours.tolist()),
    )
