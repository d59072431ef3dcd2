"""The player of a path through the latent space: a slider over a row of images along it.

*Play* moves along the path to the end and back for ever, the slider to any point of it; it never starts by
itself, for people who prefer no motion. While it moves, or stands where it was put, the page receives
`latent-hover` events from the source "path", and the image there is the one under the pointer (`look_panel`).
All is decoded in the browser, by the decoder of the moment that is shown.

Shapes: D places of the path, Z latent size.
"""

from collections.abc import Sequence

from pages.components.shell.assets import module_component
from vae.inference.scored_set import Floats

SECONDS = 3.0  # from one end to the other
STEP = 5  # the row shows every fifth place

_mount = module_component(
    __file__,
    html=(
        '<div class="path-strip pixelated" data-on-screen="path" role="group">'
        '<div class="path-strip-controls component-controls"><button type="button">Play</button>'
        '<input type="range" min="0" max="100" step="any" value="0" aria-label="Point on the path">'
        '<p class="path-strip-place"></p></div><div class="path-strip-row" role="img"></div></div>'
    ),
)


def path_strip(
    places: Floats,
    decoder: str,
    *,
    timeline: str,
    numbers: Floats,
    names: Sequence[str],
    key: str,
    label: str,
) -> None:
    """Show a path.

    Args:
        places: from one end to the other, (D, Z), joined by straight lines.
        decoder: the name of a decoder in the browser (`decoder_store`).
        timeline: the name of a timeline; at an earlier moment, the decoder of that moment is used.
        numbers, names: the coordinates that are displayed, (D, 2) or (D, 1), and their names, or none.
        key: the component's identity, unique in the app.
        label: the path's description for a screen reader; text, not Markdown.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "label": label,
            "decoder": decoder,
            "places": places.tolist(),
            "numbers": numbers.tolist(),
            "names": names,
            "step": STEP,
            "timeline": timeline,
            "seconds": SECONDS,
        },
    )
