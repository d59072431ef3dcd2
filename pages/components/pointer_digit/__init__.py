"""The digit under the pointer: what the model draws where a live figure is pointed at, at every frame.

It is decoded in the browser, at the pointer's exact place, without a word to the server.
"""

from collections.abc import Sequence
from pathlib import Path

from streamlit.components.v2 import component

from pages.components.decoder import REGISTRY

_HERE = Path(__file__).parent
_mount = component(
    "pointer_digit",
    html='<div class="pointer-digit" aria-hidden="true" hidden><canvas></canvas><span></span></div>',
    css=(_HERE / "component.css").read_text(encoding="utf-8"),
    js=REGISTRY + (_HERE / "component.js").read_text(encoding="utf-8"),
)


def pointer_digit(decoder: str, figure: str, place: Sequence[float], *, key: str) -> None:
    """Draw beside the pointer what the model makes of its place, as long as it is over a figure.

    Args:
        decoder: the name of a decoder in the browser (`decoder_store`).
        figure: the key of a live figure with a single panel, whose axes are the first one or two coordinates.
        place: all coordinates of a place, (Z,): those that the figure does not show are taken from it.
        key: the component's identity, unique in the app.
    """
    _mount(key=key, data={"decoder": decoder, "figure": figure, "place": [float(value) for value in place]})
