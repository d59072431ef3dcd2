"""The time machine: a slider over the moments of a training. Other components follow its timeline.

Below it are ten test pictures over their reconstructions at that moment, and the picture decoded at the
chosen place. All of it is drawn in the browser.
"""

import base64
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from pages.components.charts.colours import class_colours
from pages.components.shell.assets import module_component
from vae.datasets.images import ImageArray


class Chosen(NamedTuple):
    """What is drawn at every moment beside the ten pictures: the latent point `z` (Z,).

    A test picture, of index `number` and called `name`, is decoded from its mean at the moment.
    """

    z: Sequence[float]
    number: int | None = None
    picture: ImageArray | None = None
    name: str = ""


# The thumb begins at the end, where it mostly stays, and not in the middle, as in a browser of itself.
HTML = (
    '<div class="time-machine component-controls pixelated" role="group" aria-label="Time machine"'
    ' tabindex="-1"><div class="time-machine-row">'
    '<button type="button" data-act="play" aria-label="Play the moments">Play</button>'
    '<button type="button" data-act="back" aria-label="One moment back" title="One moment back">‹</button>'
    '<button type="button" data-act="forward" aria-label="One moment on" title="One moment on">›</button>'
    '<input type="range" min="0" max="1" value="1" step="any" aria-label="Moment of the training">'
    '<button type="button" data-act="end" title="The newest weights">now</button></div>'
    '<div class="time-machine-row"><p class="time-machine-text" title="Losses: reconstruction + KL"></p>'
    '<label>Speed <select aria-label="Speed">'
    '<option value="0.5">½ ×</option><option value="1" selected>1 ×</option>'
    '<option value="2">2 ×</option><option value="4">4 ×</option></select></label>'
    '<label><input type="checkbox" name="loop"> Loop</label>'
    '<label title="Also holds the range of values that the colours show">'
    '<input type="checkbox" name="held" checked> Hold the axes</label></div>'
    '<div class="time-machine-pictures"><canvas class="time-machine-ten" role="img"></canvas>'
    '<figure class="time-machine-chosen"><canvas role="img"></canvas><canvas hidden></canvas>'
    "<figcaption></figcaption></figure></div>"
    '<p class="time-machine-note component-note"></p>'
    '<p class="time-machine-trouble component-note" role="status"></p></div>'
)
_mount = module_component(__file__, HTML)


class Link(NamedTuple):
    """Another timeline, which moves along to where `by` ("epoch", "step") is the same."""

    timeline: str
    by: str


def touched(key: str) -> bool:
    """Whether the slider was moved while the browser has only the steps, so that snapshots are needed."""
    return bool(st.session_state.get(key, {}).get("touched"))


def time_machine(
    moments: str,
    chosen: Chosen | None = None,
    *,
    dims: bool = True,
    live: bool = False,
    linked: Link | None = None,
    address: str = "step",
    key: str,
) -> None:
    """Show the slider of the timeline `key`.

    Args:
        moments: the name of the list of moments in the browser (`moments_store`).
        chosen: what is drawn beside the ten pictures, if anything.
        dims: whether the page has parts of the newest weights, which are dimmed at earlier moments.
        live: whether the run is training, and the page follows its newest weights.
        linked: another timeline that this one moves.
        address: the URL parameter of the step.
        key: the slider's identity, and the timeline's name, unique in the app.
    """
    picture = chosen and chosen.picture
    _mount(
        key=key,
        data={
            "moments": moments,
            "key": key,
            "colours": class_colours(),
            "chosen": chosen
            and {
                "z": chosen.z,
                "number": chosen.number,
                "name": chosen.name,
                "picture": None if picture is None else base64.b64encode(picture.tobytes()).decode(),
            },
            "dims": dims,
            "live": live,
            "linked": linked and linked._asdict(),
            "address": address,
        },
        on_touched_change=lambda: None,  # without it nothing reaches `touched`
    )
