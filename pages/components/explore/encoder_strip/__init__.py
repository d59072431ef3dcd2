"""What a VAE does with one test image: image, mean and sigma, z = mean + sigma · noise, decoded image.

All of it is of the moment that the time slider shows. The noise follows from the seed of the samples of the
page (`map/samples`); *Sample again* takes the next one, and the map rings its z.

Shapes: S pixels a side, Z latent size.
"""

from pages.components.charts.images import levels_text
from pages.components.shell.assets import module_component
from vae.inference.scored_set import ScoredSet

_NUMBERS = "".join(
    f'<tr><th scope="row">{name}</th><td></td></tr>' for name in ("mean", "sigma", "noise", "z")
)
_mount = module_component(
    __file__,
    '<div class="encoder-strip pixelated component-controls" role="group" data-on-screen="encoder"'
    ' aria-label="Image, mean and sigma, z, decoded image"><div class="encoder-strip-row">'
    '<canvas role="img"></canvas><span title="the encoder">→</span>'
    f'<table title="z = mean + sigma · noise">{_NUMBERS}</table>'
    '<span title="the decoder">→</span><canvas role="img"></canvas></div>'
    '<div class="encoder-strip-row"><button type="button">Sample again</button>'
    '<span class="encoder-strip-seed" role="status"></span></div>'
    '<p class="component-note" hidden>Choose a test image: click a point of the map.</p></div>',
)


def encoder_strip(
    decoder: str, test: ScoredSet, index: int | None, name: str, *, key: str, timeline: str
) -> None:
    """Show the strip, or how to choose an image.

    Args:
        decoder: the name of a decoder in the browser (`decoder_store`).
        test: the test set scored with this decoder's model.
        index: the test image, or None.
        name: what it is called, as text.
        key: the strip's identity, unique in the app.
        timeline: the name of a timeline; at an earlier moment its decoder and posteriors are used.
    """
    image = (
        None
        if index is None
        else {
            "index": index,
            "name": name,
            "levels": levels_text(test.images[index, None]),
            "mean": test.means[index].tolist(),
            "logvar": test.logvars[index].tolist(),
        }
    )
    _mount(key=key, data={"key": key, "decoder": decoder, "timeline": timeline, "image": image})
