"""Two large images side by side: at the place under the pointer, and at the chosen place, with their figures.

Both are decoded in the browser, by the decoder of the moment that is shown.

Shapes: S pixels a side, Z latent size.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pages.components.charts.images import levels_text
from pages.components.shell.assets import module_component
from vae.datasets.images import ImageArray
from vae.inference.planes import Plane

_mount = module_component(
    __file__,
    '<div class="look-panel pixelated"><div class="look-cards">'
    '<figure class="look-card look-pointer" data-on-screen="pointer"><div role="img"><canvas></canvas></div>'
    "<figcaption><canvas hidden></canvas><p></p></figcaption></figure>"
    '<figure class="look-card look-chosen" data-on-screen="chosen" hidden><div role="img"><canvas></canvas>'
    "</div><figcaption><canvas hidden></canvas><p></p></figcaption></figure></div>"
    '<span class="look-panel-spoken visually-hidden" role="status"></span></div>',
)


class ChosenPoint(NamedTuple):
    """What is chosen: the latent point `z` (Z,), and what it is, in a few words.

    Of a test image also its index and the image, (S, S) or (S, S, 3), and its losses under the newest
    weights, in nats. It is decoded from its mean at the moment that is shown.
    """

    z: Sequence[float]
    title: str
    number: int | None = None
    image: ImageArray | None = None
    reconstruction: float | None = None
    kl: float | None = None


def look_panel(
    decoder: str,
    *,
    key: str,
    timeline: str | None = None,
    hint: str = "Move over the map.",
    aloud: bool = False,
    chart: str | None = None,
    plane: Plane | None = None,
    chosen: ChosenPoint | None = None,
) -> None:
    """Draw the image decoded at the hovered place, at every frame, with the real image of a hovered data
    point; and beside it that of the chosen place. For a place of another size than z a note is shown.

    Args:
        decoder: the name of a decoder in the browser (`decoder_store`).
        key: the panel's identity, unique in the app.
        timeline: the name of a timeline; at an earlier moment, the decoder of that moment is used.
        hint: what to do, shown before anything was hovered.
        aloud: whether a screen reader reads the place where the keyboard's cursor rests.
        chart: where there are several maps, the key of the one whose real images and coordinates are shown.
        plane: the plane of the map, by whose axes places are named if Z > 2.
        chosen: None for no second image.
    """
    image = chosen and chosen.image
    _mount(
        key=key,
        data={
            "key": key,
            "decoder": decoder,
            "timeline": timeline,
            "hint": hint,
            "aloud": aloud,
            "chart": chart,
            "plane": plane
            and {
                "base": plane.base.tolist(),
                "first": plane.first.tolist(),
                "second": plane.second.tolist(),
                "names": plane.coordinate_labels,
            },
            "chosen": chosen
            and chosen._asdict() | {"image": None if image is None else levels_text(image[None])},
        },
    )
