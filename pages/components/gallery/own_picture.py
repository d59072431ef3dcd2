"""An image of one's own, drawn or uploaded, and what the model makes of it.

For data sets in the form of MNIST's the digit in the image is found and normalised, as MNIST was made. For
others the part that a frame chooses is brought to the form of the data set, as its pictures were.

Shapes: H, W pixels of an upload, S pixels of a side of the model's pictures.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.gallery.crop_frame import UNITS, WHOLE, Edges, crop_frame
from pages.components.gallery.draw_pad import draw_pad
from pages.components.gallery.picture_detail import neighbours_key, picture_detail
from pages.components.gallery.picture_url import OWN_PLACE
from pages.components.map.pin_urls import place_text
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.links import MAP, link
from pages.components.shell.messages import error_text
from vae import VaeError
from vae.config import BUILT_IN
from vae.datasets.fitting import Form, fitted
from vae.datasets.images import FORMAT_NAMES, ImageArray, read_image, with_channels
from vae.datasets.mnist_style import BOX, as_mnist
from vae.datasets.photo import LEAST_SIDE, Box, Found, find_digit
from vae.datasets.registry import has_digits, record_of
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
BLACK = 64  # level below which the ground of pictures counts as black, so that one can draw on the pad


@dataclass
class Upload:
    """An uploaded image.

    Attributes:
        picture: its colours, (H, W, 3).
        digits: the digit, (S, S), by S and the frame that was dragged, None if none was.
    """

    picture: ImageArray
    digits: dict[tuple[int, Edges | None], ImageArray] = field(default_factory=dict)

    @cached_property
    def grey(self) -> ImageArray:
        """Its grey levels, (H, W)."""
        return np.asarray(with_channels(Image.fromarray(self.picture), 1))

    @cached_property
    def found(self) -> Found:
        """The digit in it."""
        return find_digit(self.grey)


def own_picture(run: Run, loaded: LoadedModel) -> None:
    """Shows the pad or the upload, and the details of the image."""
    st.html(_STYLE)
    digits, form = has_digits(run.config.dataset), _form(run, loaded)
    can_draw = digits or _has_black_ground(loaded)
    with st.container(horizontal=True, gap="medium"):
        source, details = st.container(width=PAD), st.container(key="own_shown")
    try:
        with source:
            picture = _drawn_or_uploaded(form, digits=digits, can_draw=can_draw)
    except VaeError as error:
        details.warning(error_text(error))
        return
    if picture is None:
        what = "Draw or upload a digit, or whatever you like," if digits else "Upload a picture"
        if can_draw and not digits:
            what = "Draw or upload a picture"
        details.info(f"{what} and see what the model makes of it.")
        return
    no_class = np.array([-1])
    one = scored_set(picture[None], no_class, score_images(loaded.model, picture[None]))
    with details:
        place = place_text(one.means[0])
        st.session_state[OWN_PLACE] = run.name, place
        query = {"run": run.name, "z": place, "index": None}
        link("Show on the latent map", MAP, query, key="own_link")
        picture_detail(run, loaded, one, key=KEY)


def _form(run: Run, loaded: LoadedModel) -> Form:
    """The form of the run's pictures; where the data set cannot say how it came about, by cropping."""
    config = run.config
    channels: Literal[1, 3] = 3 if config.channels == 3 else 1
    if config.dataset in BUILT_IN or loaded.missing:
        return Form(config.side, channels)
    record = record_of(config.dataset)
    return Form(config.side, channels, record.fit, record.inverted)


def _has_black_ground(loaded: LoadedModel) -> bool:
    """Whether the pictures are known to be grey on black, as a drawing on the pad is."""
    images = loaded.test.images[:100]
    return not loaded.missing and images.ndim == 3 and float(np.median(images[:, 0])) < BLACK


def _drawn_or_uploaded(form: Form, *, digits: bool, can_draw: bool) -> ImageArray | None:
    """The image in the model's form, or None. Raises VaeError if it cannot be read."""
    side = form.side
    source = UPLOAD
    if can_draw:
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
    if digits:
        st.caption(
            "Your image is brought to the model's size the way MNIST was made: white on black, the longest "
            f"side {round(side * BOX)} of {side} pixels, the centre of mass in the middle."
        )
    elif source == DRAW:
        st.caption(f"Your drawing is reduced to the model's size, {side} × {side} pixels.")
    else:
        st.caption(f"The model sees {form}: the form of the pictures it learned.")
    with below:
        if source == UPLOAD:
            return _uploaded(form, digits=digits)
        label = "Draw a digit here" if digits else "Draw here"
        drawn = draw_pad(key="own_drawing", label=label, scaled=digits)
        if drawn is None:
            return None
        return as_mnist(drawn, side) if digits else fitted(drawn, Form(side))


def _uploaded(form: Form, *, digits: bool) -> ImageArray | None:
    file = st.file_uploader(
        f"A {FORMAT_NAMES} file",
        max_upload_size=MEGABYTES,
        on_change=lambda: st.session_state.pop(UPLOADED, None),
    )
    # Kept in the session: a photo takes half a second, and Streamlit drops the file when its page is left.
    # In colour, as another run may be chosen, which wants it.
    if file is not None and UPLOADED not in st.session_state:
        st.session_state[UPLOADED] = Upload(read_image(file.getvalue(), 3))
    upload: Upload | None = st.session_state.get(UPLOADED)
    if upload is None:
        return None
    return _digit_in(upload, form.side) if digits else _part_in_form(upload, form)


def _part_in_form(upload: Upload, form: Form) -> ImageArray:
    """What is in the frame, in the form of the data set."""
    edges = crop_frame(upload.picture, WHOLE, key="own_part", label="The frame of the part to use")
    st.caption("Only what is in the frame is used. Drag it, or a corner of it, to another part.")
    return fitted(part_of(upload.picture, edges or WHOLE), form)


def _digit_in(upload: Upload, side: int) -> ImageArray | None:
    """The digit in the frame, normalised; None while it is not clear what it is."""
    picture, found = upload.grey, upload.found
    edges = crop_frame(
        upload.picture, frame_around(found.box, picture), key="own_frame", label="The digit's frame"
    )
    st.caption("Only what is in the frame is used. Drag it, or a corner of it, to another part.")
    if edges is None and not found.sure:
        st.warning("It is not clear what the digit is here. Drag the frame around it.")
        if not st.checkbox("The frame is right", key=f"{UPLOADED}_{found.box}"):
            return None
    if (side, edges) not in upload.digits:
        # A part of a photo is searched as a photo, however small.
        least = 1 if min(picture.shape) >= LEAST_SIDE else LEAST_SIDE
        part = found if edges is None else find_digit(part_of(picture, edges), least)
        upload.digits[side, edges] = as_mnist(part.picture, side)
    return upload.digits[side, edges]


def frame_around(box: Box, picture: ImageArray) -> Edges:
    """A frame around a digit and some paper, in the units of `crop_frame`."""
    height, width = picture.shape[:2]
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
    """The part of an image, (H, W) or (H, W, 3), inside a frame."""
    height, width = picture.shape[:2]
    left, right = (edge * width // UNITS for edge in edges[::2])
    top, bottom = (edge * height // UNITS for edge in edges[1::2])
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]
