"""A run's training as a film: what of it, how large and how long; made when it is asked for, then saved."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple, TypeVar, get_args

import streamlit as st

from pages.components.charts.images import INKS, Ink
from pages.components.export.film_frames import Film, digit_film, map_film, palette
from pages.components.runs import run_moments
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import escape_markdown, show_errors
from pages.components.shell.page_state import page_state
from pages.components.stores.moments import Moment, Moments
from vae import VaeError
from vae.datasets.registry import class_names
from vae.export.animation import Format, Frame, film
from vae.inference.planes import Plane
from vae.runs import snapshots as kept
from vae.runs.run import Run

What = Literal["Map", "Ten digits"]
T = TypeVar("T")

KEY = "journey"
FEWEST = 3  # moments: from two nobody sees how it went
SIZES, USUAL_SIZE = (360, 540, 720), 540  # pixels across
SHORTEST, USUAL, LONGEST = 4, 10, 30  # seconds
MB = 1_000_000  # bytes
_OF = "The map with its manifold; or a picture of each class, over what the model made of it."
_FORMATS = "GIF is shown everywhere. WebP is smaller, and takes longer to make."
_MEANWHILE = (
    "Until it is made, what you click here waits, also once this is closed; to go to another page breaks it "
    "off."
)
# What is kept: that the dialog is open; a film, its settings and its bytes, while it can be saved.
_OPENED, _MADE = "journey", "film"
# Of the server: who makes one takes a core, and others want to click meanwhile.
_one_at_a_time = threading.Lock()


class Settings(NamedTuple):
    """What a film is made of."""

    run: Run
    moments: str  # the name of their list, another where there are others
    plane: bytes
    what: What
    size: int
    seconds: int
    ink: Ink
    kind: Format


def save_journey(run: Run, loaded: LoadedModel, plane: Plane) -> None:
    """A button that opens the settings of a film, a button that makes it, and then one that saves it.

    Args:
        loaded: the weights that the film ends with, as the slider does.
        plane: what the map shows.
    """
    # By what the tab keeps, not by the click: where newer weights run the page again, it stays open.
    st.button("Save the journey", on_click=_open)
    if _OPENED in page_state():
        _dialog(run, loaded, plane)


def _open() -> None:
    page_state()[_OPENED] = True


def _close() -> None:
    for each in (_OPENED, _MADE):
        page_state().pop(each, None)


# A popover would have the room below its button only, which in a low window hides what makes the film.
@st.dialog("Save the journey", on_dismiss=_close)
@show_errors()
def _dialog(run: Run, loaded: LoadedModel, plane: Plane) -> None:
    shown = run_moments.load(run, loaded)
    if len(shown.moments) < FEWEST:
        st.info(_too_few(run, len(shown.moments)))
        return
    wanted = _settings(run, shown, plane)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Make the film", help=_MEANWHILE):
            page_state()[_MADE] = wanted, _made(wanted, shown, loaded, plane)
        settings, content = page_state().get(_MADE, (None, b""))
        if settings == wanted:
            _offer(wanted, content)


def said(moment: Moment) -> str:
    """The caption of a moment, in the words of the slider (`time_machine/component.js`, `named`)."""
    parts = [f"step {moment.step:,}"]
    if moment.epoch is not None:
        parts.append(f"epoch {_rounded(moment.epoch, '0.01')}")
    costs = {"train": moment.train, "test": moment.test}
    label = "KL "  # once: the narrowest film has no room for two
    for split, cost in costs.items():
        if cost is not None:
            reconstruction, kl = (_rounded(term, "0.1") for term in cost)
            parts.append(f"{split} {reconstruction} + {label}{kl}")
            label = ""
    return " · ".join(parts) + ("" if label else " nats")


def _rounded(value: float, to: str) -> Decimal:
    """As JavaScript does it: 0.125 is 0.13."""
    return Decimal(value).quantize(Decimal(to), ROUND_HALF_UP)


def _too_few(run: Run, count: int) -> str:
    known = f"{count} moment{'s' * (count != 1)}"
    return (
        f"Of the training of {escape_markdown(run.name)} the slider has {known}, and a film takes {FEWEST} "
        "at least. While it trains more will come; else choose another run, or train one on the Train page, "
        "which keeps some thirty-five."
    )


def _settings(run: Run, shown: Moments, plane: Plane) -> Settings:
    st.caption(
        f"The training as a film, through the {len(shown.moments)} moments that the slider has, most of them "
        "early. Points travel straight from one moment to the next; all else is what the nearest one shows."
    )
    with st.container(horizontal=True):
        what = _choice("Film of", get_args(What), _OF)
        size = _choice("Pixels across", SIZES, default=USUAL_SIZE)
    seconds = st.slider("Seconds", SHORTEST, LONGEST, USUAL, key=f"{KEY}_seconds")
    with st.container(horizontal=True):
        ink = _choice("Ink", INKS)
        kind = _choice("Format", get_args(Format), _FORMATS)
    place = b"".join(each.tobytes() for each in (plane.base, plane.first, plane.second))
    return Settings(run, shown.name, place, what, size, seconds, ink, kind)


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


def _made(wanted: Settings, shown: Moments, loaded: LoadedModel, plane: Plane) -> bytes:
    """The film. VaeError if another is being made, or the moments cannot be read."""
    run, test, size, seconds = wanted.run, loaded.test, wanted.size, wanted.seconds
    first = test.firsts
    last = kept.ModelAtStep(loaded.step, loaded.model, test.means, test.logvars, test.decoded[first])
    journey = kept.SnapshotSequence(
        run, [run.snapshot_path(moment.step) for moment in shown.moments[:-1]], last
    )
    captions = [said(moment) for moment in shown.moments]
    if wanted.what == "Map":
        names = class_names(run.config.dataset)
        drawn = map_film(journey, captions, plane, test.labels, names, size, seconds)
    else:
        drawn = digit_film(journey, captions, test.images[first], test.labels[first], size, seconds)
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
