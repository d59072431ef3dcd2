"""The panel of a path through the latent space: what the model draws along it, and buttons that save it.

Shapes: Z latent size.
"""

from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.explore.path_strip import SECONDS, path_strip
from pages.components.map.drawings import PATH_KIND, PATH_KINDS
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import escape_markdown
from vae.export.images import enlarged, gif, png
from vae.inference.paths import PathKind, path_places
from vae.inference.planes import Plane
from vae.inference.scored_set import Floats
from vae.runs.run import Run

KEY = "path"
STEP = 5  # the row shows every fifth place
GIF_TIMES, PNG_TIMES = 10, 8  # by which factor files enlarge a pixel


class End(NamedTuple):
    """The start or the end of a path, (Z,), and its label: text, not Markdown."""

    place: Floats
    label: str


def path_panel(run: Run, loaded: LoadedModel, ends: tuple[End, End], plane: Plane) -> None:
    """Shows the path between two ends.

    Args:
        run: its name begins those of the files.
        loaded: the run's model, whose decoder is in the browser (`decoder_store`).
        ends: two places of its latent space.
        plane: the plane of the map, by whose axes places are named.
    """
    start, end = ends
    heading = st.container()
    kind: PathKind = st.segmented_control(
        "Way",
        PATH_KINDS,
        default=PATH_KINDS[0],
        required=True,
        key=PATH_KIND,
        bind="query-params",
        label_visibility="collapsed",
    )
    along = path_places(start.place, end.place, kind)
    length = np.linalg.norm(np.diff(along, axis=0), axis=1).sum()
    heading.markdown(
        f"From **{escape_markdown(start.label)}** to **{escape_markdown(end.label)}**: {length:.2f} long, "
        "where 1 is one standard deviation of the prior N(0, I)."
    )
    path_strip(
        along,
        loaded.model.decode(along[::STEP]),
        loaded.decoder.name,
        numbers=plane.displayed_coordinates(along),
        names=plane.coordinate_labels,
        key=KEY,
        label=f"What the model draws from {start.label} to {end.label}",
    )
    _file_buttons(run, loaded, along)
    st.caption(
        "A straight path is the shortest. A spherical one turns around the origin, the mean of the prior, so "
        "that all its places are about as likely as its ends; the more dimensions the latent space has, the "
        "more this matters."
    )


def _file_buttons(run: Run, loaded: LoadedModel, along: Floats) -> None:
    """Buttons that save a path (D, Z); each file is made when its button is clicked."""

    def animation() -> bytes:
        frames = enlarged(loaded.model.decode(along), GIF_TIMES)
        return gif(frames, round(1000 * SECONDS / (len(frames) - 1)))

    def row() -> bytes:
        return png(enlarged(np.hstack(list(loaded.model.decode(along[::STEP]))), PNG_TIMES))

    offers = (
        ("GIF", animation, "The path as an animation, forwards and backwards in a loop."),
        ("PNG", row, "The row of pictures."),
    )
    with st.container(horizontal=True):
        for kind, content, explanation in offers:
            st.download_button(
                f"Save as {kind}",
                content,
                f"{run.name}-path.{kind.lower()}",
                f"image/{kind.lower()}",
                key=f"{KEY}_{kind.lower()}",
                on_click="ignore",
                help=explanation,
            )
