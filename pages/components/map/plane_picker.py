"""The widgets that choose the plane a map shows, where the latent space has more than two dimensions.

Each has its own URL parameter, whose value is the text of the option. So that it is the same for all weights,
the dimensions' KLs are in a caption, not in the options.
"""

from typing import Any

import streamlit as st

from vae.inference.formatting import coordinate_name
from vae.inference.planes import DimensionSummary, PlaneChoice, axis_directions, largest_axes

# Keys of the widgets, and so their URL parameters.
SHOWN, X, Y, REST = "plane", "x", "y", "rest"
AXES, PRINCIPAL = "two axes", "principal components"
PINNED, MEAN = "the chosen point", "the mean"
_RUN = "plane_run"  # the run whose plane was shown last
NAMED = 8  # dimensions in the caption: those with the largest KL


def plane_picker(dimensions: DimensionSummary, run: str) -> PlaneChoice:
    """Shows the widgets, unless there is nothing to choose, and returns the chosen plane.

    `run` names the run of these dimensions. The axes of another run are at first the two of the largest KL,
    as on the other pages, unless the URL names others.
    """
    latent_dim = len(dimensions.mean)
    if dimensions.principal is None:
        return PlaneChoice(dimensions.largest, dimensions.mean, at_pin=True)
    bound: dict[str, Any] = {"bind": "query-params"}
    order = dimensions.order.tolist()
    another = st.session_state.get(_RUN, run) != run
    st.session_state[_RUN] = run
    with st.popover("Axes", width="content"):
        shown = st.segmented_control(
            "The map shows",
            (AXES, PRINCIPAL),
            default=AXES,
            key=SHOWN,
            required=True,
            help="Principal components: the two directions in which the images lie furthest apart.",
            **bound,
        )
        directions = dimensions.principal
        if shown == AXES:
            x = _axis("Across", order, largest_axes(dimensions.kl)[0], X, another)
            # The dimension across is not offered upwards: the next one takes its place.
            others = [i for i in order if i != x]
            y = _axis("Upwards", others, others[0], Y, another)
            directions = axis_directions(latent_dim, x, y)
        rest = st.segmented_control(
            "Other coordinates fixed at",
            (PINNED, MEAN),
            default=PINNED,
            key=REST,
            required=True,
            help="A plane also lies somewhere in the directions that it does not show: where the chosen "
            "point is, or where the mean of all test images is.",
            **bound,
        )
        st.caption(_named(dimensions))
    return PlaneChoice(directions, dimensions.mean, rest == PINNED)


def _named(dimensions: DimensionSummary) -> str:
    """The dimensions with the largest KL."""
    latent_dim, order = len(dimensions.mean), dimensions.order.tolist()
    named = ", ".join(f"{coordinate_name(i)} {dimensions.kl[i]:.2f}" for i in order[:NAMED])
    more = " …" if latent_dim > NAMED else ""
    return f"How much each dimension encodes, its mean KL in nats: {named}{more}"


def _axis(label: str, order: list[int], default: int, key: str, another: bool) -> int:
    if another and key not in st.query_params:
        st.session_state[key] = default
    help_text = "A coordinate of the latent space; those with the largest KL first."
    return st.selectbox(
        label,
        order,
        order.index(default),
        format_func=coordinate_name,
        key=key,
        help=help_text,
        width=110,
        bind="query-params",
    )
