"""By what the points of a map can be coloured, and these values.

Shapes: N images, Z latent size.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from vae.inference.scored_set import Floats, ScoredSet

Colouring = Literal["class", "reconstruction", "kl", "deviation", "distance"]
# What the colours mean, as a scale is labelled.
MEANINGS: Mapping[Colouring, str] = {
    "class": "class",
    "reconstruction": "reconstruction, nats",
    "kl": "KL, nats",
    "deviation": "σ of the posterior",
    "distance": "distance to class mean",
}


def colour_values(shown: ScoredSet) -> dict[str, Floats]:
    """The values of the colourings by numbers, each (N,).

    `reconstruction` and `kl`, losses in nats; `deviation`, the posterior's standard deviation, the geometric
    mean over all dimensions; `distance` of the mean from that of its class, in the whole latent space.
    """
    return {
        "reconstruction": shown.reconstruction,
        "kl": shown.kl,
        "deviation": np.exp(shown.logvars.mean(axis=1) / 2),
        "distance": _distance(shown),
    }


def _distance(shown: ScoredSet) -> Floats:
    distances = np.empty(len(shown), np.float32)
    for label in np.unique(shown.labels):
        of = shown.labels == label
        means = shown.means[of]
        distances[of] = np.linalg.norm(means - means.mean(axis=0, dtype=np.float64), axis=1)
    return distances
