"""The dialog that saves a run's training as a film: settings, a button that makes it, one that saves it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple, TypeVar, get_args

import streamlit as st

from pages.components.charts.images import INKS, Ink
from pages.components.export.film_frames import Film, image_film, map_film, palette
from pages.components.runs import run_data, run_moments
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell.messages import escape_markdown, show_errors
from pages.components.shell.page_state import page_state
from pages.components.stores.moments import Moments
from vae import VaeError
from vae.export.animation import Format, Frame, film
from vae.inference.planes import Plane
from vae.runs.run import Run
from vae.runs.snapshots import ModelAtStep, SnapshotSequence

What = Literal["Map", "Images"]
T = TypeVar("T")

KEY = "film"
FEWEST = 3  # moments: two are no film
SIZES, USUAL_SIZE = (360, 540, 720), 540  # pixels across
SHORTEST, USUAL, LONGEST = 4, 10, 30  # seconds
MB = 1_000_000  # bytes
_OF = "The map with its decoded grid; or test images, over what the model made of them."
_FORMATS = "GIF is shown everywhere. WebP is smaller, and takes longer to make."
_MEANWHILE = (
    "Until it is made, clicks on this page have to wait, even after this dialog is closed. Going to another "
    "page cancels it."
)
# Keys of the page's state: that the dialog is open; the settings and the bytes of the film that can be saved.
_DIALOG, _FILM = "film_dialog", "film"
# For the whole server: making a film takes a core, and other people's clicks have to be answered meanwhile.
_one_at_a_time = threading.Lock()


class Settings(NamedTuple):
    """All that a film depends on."""

    run: Run
    moments: str  # the name of their list, which changes with them
    plane: bytes
    what: What
    size: int
    seconds: int
    ink: Ink
    kind: Format


def film_button(run: Run, loaded: LoadedModel, plane: Plane) -> None:
    """A button that opens the dialog.

    Args:
        loaded: the weights that the film ends with, as the time slider does.
        plane: the plane that the map shows.
    """
    # Kept in the page's state, so that the dialog stays open when newer weights run the page again.
    st.button("Export training video", on_click=lambda: page_state().update({_DIALOG: True}))
    if _DIALOG in page_state():
        _dialog(run, loaded, plane)


def _close() -> None:
    for each in (_DIALOG, _FILM):
        page_state().pop(each, None)


# No popover: that opens below its button, and in a low window its last buttons would be out of sight.
@st.dialog("Export training video", on_dismiss=_close)
@show_errors()
def _dialog(run: Run, loaded: LoadedModel, plane: Plane) -> None:
    shown = run_moments.load(run, loaded)
    if len(shown.moments) < FEWEST:
        st.info(_too_few(run, len(shown.moments)))
        return
    settings = _settings(run, shown, plane, images=not loaded.missing)
    with st.container(horizontal=True, vertical_alignment="center"):
        making, place = st.button("Make the film", help=_MEANWHILE), st.empty()
        if making:  # the place is empty meanwhile: what was made before cannot be saved for this
            page_state()[_FILM] = settings, _make(settings, shown, loaded, plane)
        made_with, content = page_state().get(_FILM, (None, b""))
        if made_with == settings:
            with place:
                _save_button(settings, content)


def _too_few(run: Run, count: int) -> str:
    known, title = f"{count} moment{'s' * (count != 1)}", escape_markdown(run_data.title(run))
    return (
        f"Of the training of {title} the slider has {known}, and a film takes {FEWEST} at least. While it "
        "trains more will come; else choose another run, or train one on the Train page, "
        "which keeps some thirty-five."
    )


def _settings(run: Run, shown: Moments, plane: Plane, *, images: bool) -> Settings:
    """Shows the controls; without `images` the film is one of the map."""
    st.caption(
        f"The training as a film, through the {len(shown.moments)} moments that the slider has, most of them "
        "early. Points travel straight from one moment to the next; all else is what the nearest one shows."
    )
    with st.container(horizontal=True):
        what: What = _choice("Film of", get_args(What), _OF) if images else "Map"
        size = _choice("Pixels across", SIZES, default=USUAL_SIZE)
    seconds = st.slider("Seconds", SHORTEST, LONGEST, USUAL, key=f"{KEY}_seconds")
    with st.container(horizontal=True):
        ink = _choice("Ink", INKS)
        kind = _choice("Format", get_args(Format), _FORMATS)
    place = b"".join(each.tobytes() for each in (plane.base, plane.first, plane.second))
    return Settings(run, shown.name, place, what, size, seconds, ink, kind)


def _choice(label: str, options: Sequence[T], help_text: str | None = None, default: T | None = None) -> T:
    """A control that chooses one of the options, at first the `default`, or else the first."""
    return st.segmented_control(
        label,
        options,
        default=options[0] if default is None else default,
        required=True,
        key=f"{KEY}_{label}",
        help=help_text,
        width="content",
    )


def _make(settings: Settings, shown: Moments, loaded: LoadedModel, plane: Plane) -> bytes:
    """The film as a file. Raises VaeError if another one is being made, or the moments cannot be read."""
    run, test, size, seconds = settings.run, loaded.test, settings.size, settings.seconds
    first = test.examples
    decoded = loaded.model.decode(test.means[first])
    last = ModelAtStep(loaded.step, loaded.model, test.means, test.logvars, decoded)
    sequence = SnapshotSequence(run, [run.snapshot_path(moment.step) for moment in shown.moments[:-1]], last)
    captions = [moment.short_caption for moment in shown.moments]
    with _one_film_at_a_time():
        if settings.what == "Map":
            coloured = run.config.channels == 3
            drawn = map_film(
                *(sequence, captions, plane, test.labels, loaded.classes, size, seconds), coloured=coloured
            )
        else:
            labels = test.labels[first] if loaded.has_classes else None
            drawn = image_film(sequence, captions, test.images[first], labels, size, seconds)
        colours = palette(settings.ink, drawn.colours, count=len(loaded.classes))
        return film(_with_progress(drawn), drawn.milliseconds, colours, settings.kind)


@contextmanager
def _one_film_at_a_time() -> Iterator[None]:
    if not _one_at_a_time.acquire(blocking=False):
        raise VaeError("Somebody else's film is being made on this server. Try again in a few seconds.")
    try:
        yield
    finally:
        _one_at_a_time.release()


def _with_progress(drawn: Film) -> Iterator[Frame]:
    """The frames, with a progress bar while they are drawn."""
    count = len(drawn.milliseconds)
    bar = st.progress(0, " ")
    for number, frame in enumerate(drawn.frames, 1):
        yield frame
        if (percent := 100 * number // count) > 100 * (number - 1) // count:
            bar.progress(percent, f"{number} of {count} frames")
    bar.empty()


def _save_button(settings: Settings, content: bytes) -> None:
    kind, what = settings.kind.lower(), settings.what.lower().replace(" ", "-")
    st.download_button(
        f"Save it ({settings.kind}, {len(content) / MB:.1f}\u00a0MB)",
        lambda: content,
        f"{settings.run.name}-{what}-{settings.size}.{kind}",
        f"image/{kind}",
        key=f"{KEY}_save",
        on_click="ignore",
        type="primary",
    )
