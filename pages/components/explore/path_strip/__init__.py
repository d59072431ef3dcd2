"""A path through the latent space: a row of pictures along it, and a large one that moves along the path.

The large picture is decoded in the browser at every frame. *Play* moves it to the end and back for ever, the
slider to any place; it never starts by itself, for people who prefer no motion. While it moves, or stands
where it was put, the page receives `latent-hover` events from the source "path".

Shapes: M pictures in the row, D places of the path, S pixels a side, Z latent size.
"""

import base64
from collections.abc import Sequence

from pages.components.shell.assets import module_component
from vae.datasets.images import ImageArray
from vae.inference.scored_set import Floats

SECONDS = 3.0  # from one end to the other

_mount = module_component(
    __file__,
    html=(
        '<div class="path-strip pixelated" role="group">'
        '<div class="path-strip-large"><canvas role="img"></canvas>'
        '<div class="path-strip-controls component-controls"><button type="button">Play</button>'
        '<input type="range" min="0" max="100" step="any" value="0" aria-label="Place on the path">'
        '<span class="path-strip-place"></span></div></div>'
        '<div class="path-strip-row" role="img"></div></div>'
    ),
)


def path_strip(
    places: Floats,
    pictures: ImageArray,
    decoder: str,
    *,
    numbers: Floats,
    names: Sequence[str],
    key: str,
    label: str,
) -> None:
    """Show a path.

    Args:
        places: from one end to the other, (D, Z), joined by straight lines.
        pictures: grey levels (M, S, S) of every (D - 1) / (M - 1)th place, both ends included.
        decoder: the name of a decoder in the browser (`decoder_store`).
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
            "pictures": base64.b64encode(pictures.tobytes()).decode(),
            "side": pictures.shape[-1],
            "seconds": SECONDS,
        },
    )
