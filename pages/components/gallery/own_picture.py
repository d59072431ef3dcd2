"""An image of one's own, drawn or uploaded, and what the model makes of it."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.components.gallery.crop_frame import UNITS, Edges, crop_frame
from pages.components.gallery.draw_pad import draw_pad
from pages.components.gallery.picture_detail import neighbours_key, picture_detail
from pages.components.gallery.picture_url import OWN_PLACE
from pages.components.map.pin_urls import place_text
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import MAP, link
from pages.components.shell.messages import error_text
from vae import VaeError
from vae.datasets.images import ImageArray, read_image
from vae.datasets.mnist_style import BOX, as_mnist
from vae.datasets.photo import LEAST_SIDE, Box, Found, find_digit
from vae.inference.scoring import score_images, scored_set
from vae.runs.run import Run

KEY = "own"
NEIGHBOURS = neighbours_key(KEY)
MEGABYTES = 20
PAD = 240  # width in pixels; the details stand beside it, in a narrow window below it
_STYLE = "<style>:has(> .st-key-own_shown) { min-width: min(36rem, 100%); }</style>"
DRAW, UPLOAD = "Draw", "Upload"
UPLOADED = "own_uploaded"
PAPER = 0.15  # of a digit's size, around it in the frame


class Upload(NamedTuple):
    """An uploaded image.

    Attributes:
        picture: grey levels (H, W).
        found: the digit in it.
        normalised: the pictures at the model's size (S, S), by the frame that was dragged; None if none was.
    """

    picture: ImageArray
    found: Found
    normalised: dict[Edges | None, ImageArray]


def own_picture(run: Run, loaded: LoadedModel) -> None:
    """Shows the pad or the upload, and the details of the image."""
    st.html(_STYLE)
    with st.container(horizontal=True, gap="medium"):
        source, details = st.container(width=PAD), st.container(key="own_shown")
    try:
        with source:
            picture = _drawn_or_uploaded(loaded.test.images.shape[-1])
    except VaeError as error:
        details.warning(error_text(error))
        return
    if picture is None:
        details.info("Draw or upload a digit, or whatever you like, and see what the model makes of it.")
        return
    no_class = np.array([-1])
    one = scored_set(picture[None], no_class, score_images(loaded.model, picture[None]))
    with details:
        place = place_text(one.means[0])
        st.session_state[OWN_PLACE] = run.name, place
        query = {"run": run.name, "z": place, "index": None}
        link("Show on the latent map", MAP, query, key="own_link")
        picture_detail(run, loaded, one, key=KEY)


def _drawn_or_uploaded(side: int) -> ImageArray | None:
    """The image at the model's size, (S, S), or None. Raises VaeError if it cannot be read."""
    source = st.segmented_control(
        "How",
        (DRAW, UPLOAD),
        default=DRAW,
        required=True,
        key="own_way",
        persist_state="session",
        label_visibility="collapsed",
    )
    below = st.container()
    st.caption(
        "Your image is brought to the model's size the way MNIST was made: white on black, the longest "
        f"side {round(side * BOX)} of {side} pixels, the centre of mass in the middle."
    )
    with below:
        if source == UPLOAD:
            return _uploaded(side)
        drawn = draw_pad(key="own_drawing", label="Draw a digit here")
        return None if drawn is None else as_mnist(drawn, side)


def _uploaded(side: int) -> ImageArray | None:
    file = st.file_uploader(
        "A PNG or JPEG",
        max_upload_size=MEGABYTES,
        on_change=lambda: st.session_state.pop(UPLOADED, None),
    )
    # Kept in the session: a photo takes half a second, and Streamlit drops the file when its page is left.
    if file is not None and UPLOADED not in st.session_state:
        picture = read_image(file.getvalue())
        st.session_state[UPLOADED] = Upload(picture, find_digit(picture), {})
    upload: Upload | None = st.session_state.get(UPLOADED)
    if upload is None:
        return None
    picture, found, normalised = upload
    edges = crop_frame(picture, frame_around(found.box, picture), key="own_frame", label="The digit's frame")
    st.caption("Only what is in the frame is used. Drag it, or a corner of it, to another part.")
    if edges is None and not found.sure:
        st.warning("It is not clear what the digit is here. Drag the frame around it.")
        if not st.checkbox("The frame is right", key=f"{UPLOADED}_{found.box}"):
            return None
    if edges not in normalised:
        # A part of a photo is searched as a photo, however small.
        least = 1 if min(picture.shape) >= LEAST_SIDE else LEAST_SIDE
        part = found if edges is None else find_digit(part_of(picture, edges), least)
        normalised[edges] = as_mnist(part.picture, side)
    return normalised[edges]


def frame_around(box: Box, picture: ImageArray) -> Edges:
    """A frame around a digit and some paper, in the units of `crop_frame`."""
    height, width = picture.shape
    more = PAPER * max(box.right - box.left, box.bottom - box.top)

    def units(pixels: float, size: int) -> int:
        return round(UNITS * min(max(pixels / size, 0), 1))

    return (
        units(box.left - more, width),
        units(box.top - more, height),
        units(box.right + more, width),
        units(box.bottom + more, height),
    )


def part_of(picture: ImageArray, edges: Edges) -> ImageArray:
    """The part of an image inside a frame."""
    height, width = picture.shape
    left, right = (edge * width // UNITS for edge in edges[::2])
    top, bottom = (edge * height // UNITS for edge in edges[1::2])
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]
