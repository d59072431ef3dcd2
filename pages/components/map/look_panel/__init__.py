"""The digit that is looked at, in the side column: under the pointer, the keyboard's cursor, a slider."""

from pages.components.shell.assets import module_component

_mount = module_component(
    __file__,
    '<div class="look-panel"><div role="img"><canvas></canvas><canvas hidden></canvas></div>'
    '<p></p><span class="look-panel-said" role="status"></span></div>',
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
    """Draw what the model makes of the place that is looked at, at every frame, and over a data point its
    real picture beside it. A place of another number of dimensions gets a sentence.

    Args:
        decoder: the name of a decoder in the browser (`decoder_store`).
        key: the panel's identity, unique in the app.
        timeline: the name of a timeline; at another moment it is that moment's decoder that draws.
        hint: what to do, while nothing is looked at.
        aloud: whether a screen reader reads where the keyboard's cursor rests.
        chart: the key of the only map whose real pictures and coordinates it shows, where there are several.
    """
    _mount(
        key=key,
        data={"decoder": decoder, "timeline": timeline, "hint": hint, "aloud": aloud, "chart": chart},
    )
