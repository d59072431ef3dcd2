"""The time machine: a slider over the moments of a training. Other components follow its timeline.

Below it are up to ten test images over their reconstructions at that moment, drawn in the browser.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pages.components.charts.colours import class_colours
from pages.components.charts.images import levels_text
from pages.components.shell.assets import module_component
from vae.datasets.images import ImageArray

# The thumb begins at the end, where it mostly stays, and not in the middle, as in a browser of itself.
HTML = (
    '<div class="time-machine component-controls pixelated" role="group" aria-label="Time machine"'
    ' tabindex="-1"><div class="time-machine-rows" data-on-screen="slider"><div class="time-machine-row">'
    '<button type="button" data-act="play" aria-label="Play the moments">Play</button>'
    '<button type="button" data-act="back" aria-label="One moment back" title="One moment back">‹</button>'
    '<button type="button" data-act="forward" aria-label="One moment on" title="One moment on">›</button>'
    '<input type="range" min="0" max="1" value="1" step="any" aria-label="Moment of the training">'
    '<button type="button" data-act="end" title="The newest weights">end</button>'
    '<select aria-label="Speed" title="Speed of the play">'
    '<option value="0.5">½ ×</option><option value="1" selected>1 ×</option>'
    '<option value="2">2 ×</option><option value="4">4 ×</option></select></div>'
    '<div class="time-machine-row"><p class="time-machine-text"></p>'
    '<label><input type="checkbox" name="loop"> Loop</label>'
    '<label title="Also keeps the range of values that the colours show">'
    '<input type="checkbox" name="held" checked> Keep axes fixed</label></div></div>'
    '<canvas class="time-machine-ten" data-on-screen="digits" role="img"></canvas>'
    '<p class="time-machine-note component-note"></p>'
    '<p class="time-machine-trouble component-note" role="status"></p></div>'
)
_mount = module_component(__file__, HTML)


class LiveEnd(NamedTuple):
    """What is shown at the end of the timeline.

    Attributes:
        caption: step, epoch and losses of that moment, as `Moment.caption`.
        pictures: test images: (E, S, S) or (E, S, S, 3); None for those of the list of moments.
        reconstructions: the same, as the model of that moment makes them; None for what the
            newest weights in the browser make.
    """

    caption: str
    pictures: ImageArray | None = None
    reconstructions: ImageArray | None = None


class Link(NamedTuple):
    """Another timeline, which moves along to where `by` ("epoch", "step") is the same."""

    timeline: str
    by: str


def example_colours(labels: Iterable[int], classes: int) -> list[str]:
    """The colours of the stripes above the ten images, which have these labels; none for a single class."""
    colours = class_colours(classes) if classes > 1 else ("transparent",)
    return [colours[label] for label in labels]


def time_machine(
    moments: str,
    *,
    stripes: Sequence[str],
    dims: bool = True,
    live: bool = False,
    end: LiveEnd | None = None,
    linked: Link | None = None,
    counts: bool = True,
    address: str = "step",
    key: str,
) -> None:
    """Show the slider of the timeline `key`.

    Args:
        moments: the name of the list of moments in the browser (`moments_store`).
        stripes: the colours above the ten images (`example_colours`).
        dims: whether the page has parts of the newest weights, which are dimmed at earlier moments.
        live: whether the run is training, and the page follows its newest weights.
        end: what is shown at the end, if not the last moment of the list.
        linked: another timeline that this one moves.
        counts: whether it is said that a run keeps few moments.
        address: the URL parameter of the step.
        key: the slider's identity, and the timeline's name, unique in the app.
    """
    _mount(
        key=key,
        data={
            "moments": moments,
            "key": key,
            "colours": stripes,
            "dims": dims,
            "live": live,
            "end": end
            and {
                "caption": end.caption,
                "pictures": _base64(end.pictures),
                "reconstructions": _base64(end.reconstructions),
                "count": 0 if end.pictures is None else len(end.pictures),
            },
            "linked": linked and linked._asdict(),
            "counts": counts,
            "address": address,
        },
    )


def _base64(levels: ImageArray | None) -> str | None:
    return None if levels is None else levels_text(levels)
