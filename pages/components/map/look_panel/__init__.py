"""The digit at the hovered place, in the side column: under the pointer, the keyboard's cursor, a slider."""

from pages.components.shell.assets import module_component

_mount = module_component(
    __file__,
    '<div class="look-panel pixelated"><div role="img"><canvas></canvas><canvas hidden></canvas></div>'
    '<p></p><span class="look-panel-spoken" role="status"></span></div>',
)


def look_panel(
    decoder: str,
    *,
    key: str,
    timeline: str | None = None,
    hint: str = "Move over the map.",
    aloud: bool = False,
    chart: str | None = None,
) -> None:
    """Draw the picture decoded at the hovered place, at every frame, and beside it the real picture of a
    hovered data point. For a place with another number of dimensions a note is shown.

    Args:
        decoder: the name of a decoder in the browser (`decoder_store`).
        key: the panel's identity, unique in the app.
        timeline: the name of a timeline; at an earlier moment, the decoder of that moment is used.
        hint: what to do, shown while nothing is hovered.
        aloud: whether a screen reader reads the place where the keyboard's cursor rests.
        chart: where there are several maps, the key of the one whose real pictures and coordinates are shown.
    """
    _mount(
        key=key,
        data={"decoder": decoder, "timeline": timeline, "hint": hint, "aloud": aloud, "chart": chart},
    )
