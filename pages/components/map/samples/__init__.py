"""A row of samples: z drawn at random and decoded in the browser, by the decoder of the moment that is shown.

z comes from the prior N(0, I), or from the aggregate posterior: the encoder's mean + sigma · noise of a test
image that is drawn at random. Both follow from a seed, which is shown and stands in the URL
(`samples_seed=3`, `samples=aggregate`). All rows of a page have the same seed, so that two models decode the
same noise.

Shapes: N test images, K of them, Z latent size.
"""

import base64

import numpy as np

from pages.components.shell.assets import module_component
from vae.inference.scored_set import ScoredSet

IMAGES = 10  # in a row
POSTERIORS = 500  # test images at most whose posteriors are sent: 4 kB for each latent dimension

_mount = module_component(
    __file__,
    '<div class="samples pixelated component-controls" role="group" aria-label="Samples"'
    ' data-on-screen="samples"><div class="samples-controls">Samples of the '
    '<button type="button" data-kind="prior" title="z drawn from N(0, I), and decoded">prior</button>'
    '<button type="button" data-kind="aggregate" title="mean + sigma · noise of random test images, decoded">'
    "aggregate posterior</button>"
    '<button type="button" data-act="again" title="Draw with the next seed">Sample again</button>'
    '<span class="samples-seed" role="status"></span></div>'
    '<div class="samples-images"><canvas role="img"></canvas></div></div>',
)


def samples_row(
    decoder: str | None, test: ScoredSet | None, *, key: str, timeline: str | None = None
) -> None:
    """Show a row of samples, 68 pixels high.

    Args:
        decoder: the name of a decoder in the browser (`decoder_store`); None while there is none yet.
        test: the test set scored with this decoder's model, whose posteriors are the aggregate posterior;
            None if there is none, and then the prior alone is offered.
        key: the row's identity, unique in the app.
        timeline: the name of a timeline; at an earlier moment its decoder and posteriors are used.
    """
    _mount(key=key, data={"decoder": decoder, "timeline": timeline, **_posteriors(test), "images": IMAGES})


def _posteriors(test: ScoredSet | None) -> dict[str, object]:
    """Means and log-variances of every so many test images: float32 (K, 2, Z) in base64, and how many."""
    if test is None:
        return {"posteriors": None, "every": 1}
    every = max(1, -(-len(test) // POSTERIORS))
    both = np.stack([test.means[::every], test.logvars[::every]], axis=1)
    return {"posteriors": base64.b64encode(both.astype("<f4").tobytes()).decode(), "every": every}
