"""The widgets for what the map shows and how its points are coloured; each has its own URL parameter."""

from typing import Any, NamedTuple, get_args

import streamlit as st

from pages.components.map.latent_map import DEFAULT_LAYERS
from pages.components.shell.assets import COMPONENTS
from pages.components.shell.url_state import take_default
from vae.export.map_figure import Layer
from vae.inference.colourings import MEANINGS, Colouring

_STYLE = COMPONENTS / "map" / "map_controls.css"

# Keys of the widgets, and so their URL parameters.
COLOUR, LAYERS, PICTURES = "colour", "layers", "pictures"
_COLOURS: dict[str, Colouring] = {
    "class": "class",
    "loss": "reconstruction",
    "KL": "kl",
    "σ": "deviation",
    "distance": "distance",
}
COLOURINGS = {name: (colouring, MEANINGS[colouring]) for name, colouring in _COLOURS.items()}
OF_CLASSES = ("class", "distance")  # of these, what makes no sense without classes
TEST, TRAINING = "test", "training"


class MapSettings(NamedTuple):
    """The values of the widgets.

    Attributes:
        colour: a key of `COLOURINGS`.
        training: whether the points are those of the training set.
    """

    colour: str
    layers: tuple[Layer, ...]
    training: bool


def map_controls(latent_dim: int, *, classes: bool = True, choose_set: bool = True) -> MapSettings:
    """Shows the widgets, in a row of the caller's, and returns their values.

    The values stay while other pages are shown. Without `classes` there are no colours that take any.
    Without `choose_set` the points are those of the test set.
    """
    st.html(_STYLE)
    kept: dict[str, Any] = {"bind": "query-params", "persist_state": "session", "width": "content"}
    mean = f" (of those in all {latent_dim} dimensions, the geometric mean)" if latent_dim > 1 else ""
    meanings = {
        "class": "what the image shows; the model never saw it.",
        "loss": "of the [reconstruction](learn?term=reconstruction), in [nats](learn?term=nat): what the "
        "image still costs once z is known.",
        "KL": "in nats, [what z costs](learn?term=kl): how far the posterior lies from the prior N(0, I).",
        "σ": f"the standard deviation of the [posterior](learn?term=posterior){mean}: how unsure the encoder "
        "is of z.",
        "distance": "from the mean of all z of the same class.",
    }
    colours = [name for name in COLOURINGS if classes or name not in OF_CLASSES]
    take_default(COLOUR, colours[0], colours[:1])
    colour = st.segmented_control(
        "Colour by",
        colours,
        default=colours[0],
        required=True,
        key=COLOUR,
        help=_options(*((name, meanings[name]) for name in colours)),
        **kept,
    )
    _rename_layers_in_url()
    take_default(LAYERS, list(DEFAULT_LAYERS), [_layer_name(layer) for layer in DEFAULT_LAYERS])
    layers = st.pills(
        "Show",
        get_args(Layer),
        default=DEFAULT_LAYERS,
        format_func=_layer_name,
        selection_mode="multi",
        key=LAYERS,
        help=_options(
            ("points", "each image, at the mean of its posterior."),
            ("decoded grid", "what is decoded at a grid of points z; also called the manifold."),
            (
                "ellipses",
                "one and two standard deviations of the posterior of the point under the pointer, or "
                "else of the chosen image.",
            ),
            ("prior", "N(0, I), at one, two and three standard deviations."),
        ),
        **kept,
    )
    if not choose_set:
        return MapSettings(colour, tuple(layers), training=False)
    take_default(PICTURES, TEST, [TEST])
    pictures = st.segmented_control(
        "Images",
        (TEST, TRAINING),
        default=TEST,
        required=True,
        key=PICTURES,
        help=_options(
            ("test", "those that the model has never learned from."),
            ("training", "those that it learns from; a click there pins z, not the image."),
        ),
        **kept,
    )
    return MapSettings(colour, tuple(layers), pictures == TRAINING)


def _layer_name(layer: str) -> str:
    """What a layer is called on the screen, and so in the URL."""
    return "decoded grid" if layer == "manifold" else layer


def _rename_layers_in_url() -> None:
    """Renames the layers of an older URL, in which the decoded grid is called manifold."""
    asked = st.query_params.get_all(LAYERS)
    # Once the widget is there its parameter cannot be set.
    if "manifold" in asked and LAYERS not in st.session_state:
        st.query_params[LAYERS] = [_layer_name(layer) for layer in asked]
        st.rerun()


def _options(*options: tuple[str, str]) -> str:
    """The meaning of each option of a widget, as a Markdown list."""
    return "\n".join(f"- **{name}**: {meaning}" for name, meaning in options)
