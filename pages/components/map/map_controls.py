"""What the map shows, and in which colours: the widgets; each stands in the address under its own name."""

from typing import Any, NamedTuple, get_args

import streamlit as st

from pages.components.map.latent_map import Colouring, Layer

# Keys of the widgets, and so their names in the address.
COLOUR, LAYERS, PICTURES = "colour", "layers", "pictures"
COLOURINGS: dict[str, tuple[Colouring, str]] = {
    "class": ("class", "class"),
    "loss": ("reconstruction", "reconstruction loss, nats"),
    "KL": ("kl", "KL, nats"),
    "σ": ("deviation", "standard deviation of the posterior"),
    "distance": ("distance", "distance to the mean of the class"),
}
TEST, TRAINING = "test", "training"
USUAL: tuple[Layer, ...] = ("points", "manifold", "prior")


class Shown(NamedTuple):
    """What the widgets leave.

    Attributes:
        colour: one of `COLOURINGS`.
        training: whether the pictures are those of the training set.
    """

    colour: str
    layers: tuple[Layer, ...]
    training: bool


def map_controls(latent_dim: int, *, choose_set: bool = True) -> Shown:
    """Shows the widgets, and returns what they leave; they stay as they are while other pages are shown.

    Without `choose_set` it is the test set's pictures that are shown.
    """
    kept: dict[str, Any] = {"bind": "query-params", "persist_state": "session", "width": "content"}
    mean = f" (of those in all {latent_dim} dimensions, the geometric mean)" if latent_dim > 1 else ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        colour = st.segmented_control(
            "Colour by",
            list(COLOURINGS),
            default="class",
            required=True,
            key=COLOUR,
            help=_options(
                ("class", "what the picture shows; the model never saw it."),
                ("loss", "of the reconstruction, in nats: what the picture still costs once z is known."),
                ("KL", "in nats, what z costs: how far the posterior lies from the prior N(0, I)."),
                ("σ", f"the standard deviation of the posterior{mean}: how unsure the encoder is of z."),
                ("distance", "from the mean of all z of the same class."),
            ),
            **kept,
        )
        layers = st.pills(
            "Show",
            get_args(Layer),
            default=USUAL,
            selection_mode="multi",
            key=LAYERS,
            help=_options(
                ("points", "each picture, at the mean of its posterior."),
                ("manifold", "what the model draws at each place."),
                (
                    "ellipses",
                    "one and two standard deviations of the posterior of the point under the pointer, or "
                    "else of the chosen picture.",
                ),
                ("prior", "N(0, I), at one, two and three standard deviations."),
            ),
            **kept,
        )
        if not choose_set:
            return Shown(colour, tuple(layers), training=False)
        pictures = st.segmented_control(
            "Pictures",
            (TEST, TRAINING),
            default=TEST,
            required=True,
            key=PICTURES,
            help=_options(
                ("test", "those that the model has never learned from."),
                ("training", "those that it learns from; a click there pins the place, not the picture."),
            ),
            **kept,
        )
    return Shown(colour, tuple(layers), pictures == TRAINING)


def _options(*options: tuple[str, str]) -> str:
    """What each option of a widget means, as Markdown."""
    return "\n".join(f"- **{name}**: {meaning}" for name, meaning in options)
