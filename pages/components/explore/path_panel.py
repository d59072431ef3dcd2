"""A path from one place of the latent space to another: its places, what the model draws along it, and files.

Shapes: Z latent size.
"""

from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.explore.path_strip import SECONDS, path_strip
from pages.components.map.drawings import WAY, WAYS
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import escape_markdown
from vae.export.images import enlarged, gif, png
from vae.inference.paths import PathKind, path_places
from vae.inference.planes import Plane
from vae.inference.scored_set import Floats
from vae.inference.scoring import decode_places
from vae.runs.run import Run

KEY = "path"
STEP = 5  # every so many a picture of the row
GIF_TIMES, PNG_TIMES = 10, 8  # how much larger files show a pixel


class End(NamedTuple):
    """Where a path begins or ends, (Z,), and what is said of it: text, not Markdown."""

    place: Floats
    label: str


def path_panel(run: Run, loaded: LoadedModel, ends: tuple[End, End], plane: Plane) -> None:
    """Shows the path between two ends.

    Args:
        run: whose name files have.
        loaded: of the run; its decoder is in the browser (`decoder_store`).
        ends: two places of its latent space.
        plane: what the map shows, which so says how places are named.
    """
    start, end = ends
    heading = st.container()
    way: PathKind = st.segmented_control(
        "Way",
        WAYS,
        default=WAYS[0],
        required=True,
        key=WAY,
        bind="query-params",
        label_visibility="collapsed",
    )
    along = path_places(start.place, end.place, way)
    length = np.linalg.norm(np.diff(along, axis=0), axis=1).sum()
    heading.markdown(
        f"From **{escape_markdown(start.label)}** to **{escape_markdown(end.label)}**: {length:.2f} long, "
        "where 1 is one standard deviation of the prior N(0, I)."
    )
    path_strip(
        along,
        decode_places(loaded.model, along[::STEP]),
        loaded.decoder.name,
        numbers=plane.displayed_coordinates(along),
        names=plane.coordinate_labels,
        key=KEY,
        label=f"What the model draws from {start.label} to {end.label}",
    )
    _files(run, loaded, along)
    st.caption(
        "A straight path is the shortest; a spherical one turns around the origin, where the prior has its "
        "middle, and so keeps to places about as likely as its ends, which matters the more dimensions the "
        "latent space has."
    )


def _files(run: Run, loaded: LoadedModel, along: Floats) -> None:
    """Buttons that save a path (D, Z); each file is made when it is asked for."""

    def moving() -> bytes:
        frames = enlarged(decode_places(loaded.model, along), GIF_TIMES)
        return gif(frames, round(1000 * SECONDS / (len(frames) - 1)))

    def row() -> bytes:
        return png(enlarged(np.hstack(list(decode_places(loaded.model, along[::STEP]))), PNG_TIMES))

    offers = (
        ("GIF", moving, "The path as a film, there and back for ever."),
        ("PNG", row, "The row of pictures."),
    )
    with st.container(horizontal=True):
        for kind, content, what in offers:
            st.download_button(
                f"Save as {kind}",
                content,
                f"{run.name}-path.{kind.lower()}",
                f"image/{kind.lower()}",
                key=f"{KEY}_{kind.lower()}",
                on_click="ignore",
                help=what,
            )
