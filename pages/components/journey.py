"""A run's training as a film: what of it, how large and how long; made when it is asked for, then saved."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np
import streamlit as st
import torch

from pages.components.cached_moments import sound_snapshots
from pages.components.digits import INKS, Ink
from pages.components.film_drawing import palette
from pages.components.film_frames import Film, digit_film, map_film
from pages.components.planes import Plane
from pages.components.selection import ScoredSet
from pages.components.sentences import plain, sentences
from vae.data import class_names
from vae.errors import VaeError
from vae.films import Format, Frame, film
from vae.journey import Journey
from vae.runs import Run

What = Literal["Map", "Ten digits"]
T = TypeVar("T")

KEY = "journey"
FEWEST = 3  # moments: from two nobody sees how it went
SIZES, USUAL_SIZE = (360, 540, 720), 540  # pixels across
SHORTEST, USUAL, LONGEST = 4, 10, 30  # seconds
WIDTH = 420  # pixels on the page
MB = 1_000_000  # bytes
_OF = "The map with its manifold; or a picture of each class, over what the model made of it."
_FORMATS = "GIF is shown everywhere. WebP is smaller, and takes longer to make."
_MEANWHILE = "Until it is made, what you click here waits; to go to another page breaks it off."
_MADE = "film_of_this_tab"  # its settings and its bytes, while it can be saved
# Of the server: who makes one takes a core, and others want to click meanwhile.
_one_at_a_time = threading.Lock()


class Settings(NamedTuple):
    """What a film is made of."""

    run: Run
    made_at: int  # the run was
    plane: bytes
    what: What
    size: int
    seconds: int
    ink: Ink
    kind: Format


def save_journey(run: Run, test: ScoredSet, plane: Plane) -> None:
    """A button that opens the settings of a film, a button that makes it, and then one that saves it.

    Args:
        test: the test set of the run.
        plane: what its map shows.
    """
    # It runs when it is opened, and lets go of its film when it is closed: some megabytes for each visitor.
    opened = st.popover("Save the journey", on_change="rerun", key=KEY)
    if not opened.open:
        st.session_state.pop(_MADE, None)
        return
    with opened, st.container(width=WIDTH), sentences():
        journey = Journey(run, sound_snapshots(run, test), len(test), len(np.unique(test.labels)))
        if len(journey) < FEWEST:
            st.info(_too_few(journey))
            return
        wanted = _settings(journey, plane)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Make the film", help=_MEANWHILE):
                st.session_state[_MADE] = wanted, _made(wanted, journey, test, plane)
            settings, content = st.session_state.get(_MADE, (None, b""))
            if settings == wanted:
                _offer(wanted, content)


def _too_few(journey: Journey) -> str:
    kept = f"{len(journey)} moment{'s' * (len(journey) != 1)}"
    return (
        f"{plain(journey.run.name)} keeps {kept} of its training, and a film takes {FEWEST} at least. "
        "While it trains more will come; else choose another run, or train one on the Train page, "
        "which keeps some thirty-five."
    )


def _settings(journey: Journey, plane: Plane) -> Settings:
    st.caption(
        f"The training as a film, from the {len(journey)} moments of it that are kept, most of them early. "
        "Points travel straight from one moment to the next; all else is what the nearest one shows."
    )
    with st.container(horizontal=True):
        what = _choice("Film of", get_args(What), _OF)
        size = _choice("Pixels across", SIZES, default=USUAL_SIZE)
    seconds = st.slider("Seconds", SHORTEST, LONGEST, USUAL, key=f"{KEY}_seconds")
    with st.container(horizontal=True):
        ink = _choice("Ink", INKS)
        kind = _choice("Format", get_args(Format), _FORMATS)
    shown = b"".join(each.tobytes() for each in (plane.base, plane.first, plane.second))
    return Settings(journey.run, journey.run.made_at, shown, what, size, seconds, ink, kind)


def _choice(label: str, options: Sequence[T], why: str | None = None, default: T | None = None) -> T:
    """One of them, the first unless another is the `default`."""
    return st.segmented_control(
        label,
        options,
        default=options[0] if default is None else default,
        required=True,
        key=f"{KEY}_{label}",
        help=why,
        width="content",
    )


def _made(wanted: Settings, journey: Journey, test: ScoredSet, plane: Plane) -> bytes:
    """The film. VaeError if another is being made, or the moments cannot be read."""
    torch.set_num_threads(1)  # why: `scoring`
    size, seconds = wanted.size, wanted.seconds
    if wanted.what == "Map":
        names = class_names(journey.run.config.dataset)
        drawn = map_film(journey, plane, test.labels, names, size, seconds)
    else:
        classes, first = np.unique(test.labels, return_index=True)
        drawn = digit_film(journey, test.images[first], classes, size, seconds)
    with _alone():
        return film(_told(drawn), drawn.milliseconds, palette(wanted.ink), wanted.kind)


@contextmanager
def _alone() -> Iterator[None]:
    if not _one_at_a_time.acquire(blocking=False):
        raise VaeError("Somebody else's film is being made on this server. Try again in a few seconds.")
    try:
        yield
    finally:
        _one_at_a_time.release()


def _told(drawn: Film) -> Iterator[Frame]:
    """The frames, with a bar that says how far they are."""
    count = len(drawn.milliseconds)
    bar = st.progress(0, " ")
    for number, frame in enumerate(drawn.frames, 1):
        yield frame
        if (percent := 100 * number // count) > 100 * (number - 1) // count:
            bar.progress(percent, f"{number} of {count} frames")
    bar.empty()


def _offer(of: Settings, content: bytes) -> None:
    kind, what = of.kind.lower(), of.what.lower().replace(" ", "-")
    st.download_button(
        f"Save it ({of.kind}, {len(content) / MB:.1f}\u00a0MB)",
        lambda: content,
        f"{of.run.name}-{what}-{of.size}.{kind}",
        f"image/{kind}",
        key=f"{KEY}_save",
        on_click="ignore",
        type="primary",
    )
