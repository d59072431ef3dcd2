"""The points of a map: where they lie, and all that they are coloured by; in the browser, once.

JavaScript gets them by `const points = await pointSets().get(data.points)` (see `stores`):
`{ name, xy, labels, values: { reconstruction, kl, deviation, distance }, covariance }`, typed arrays all.

Shapes: N points, Z latent size.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pages.components.stores.registry import store
from vae.inference.planes import Directions
from vae.inference.scored_set import Floats, ScoredSet


@dataclass(frozen=True)
class MapPoints:
    """A set of pictures on a map.

    Attributes:
        xy: the posteriors' means on the map; of a latent space that is a line, mean and log-variance: (N, 2).
        labels: the classes (N,).
        values: what else points are coloured by, each (N,), by name:
            reconstruction, kl: the picture's losses, in nats.
            deviation: the posterior's standard deviation, the geometric mean over all Z dimensions.
            distance: from the mean of the picture's class in the whole latent space.
        covariance: xx, xy, yy of the posterior N(mean, diag(exp(logvar))) as the map shows it: (N, 3).
    """

    xy: Floats
    labels: npt.NDArray[np.uint8]
    values: Mapping[str, Floats]
    covariance: Floats

    @cached_property
    def name(self) -> str:
        """The same for the same content, and for no other."""
        return hashlib.sha256(json.dumps(list(self.values)).encode() + self._arrays).hexdigest()[:16]

    @cached_property
    def payload(self) -> bytes:
        """Name, count and names of the values as a line of JSON; then xy, values and covariance as float32,
        little-endian, and the labels as bytes, last, so that every array begins where JavaScript may view it.
        """
        head = {"name": self.name, "count": len(self.labels), "values": list(self.values)}
        return json.dumps(head).encode() + b"\n" + self._arrays

    @property
    def _arrays(self) -> bytes:
        floats = (self.xy, *self.values.values(), self.covariance)
        return b"".join([*(each.astype("<f4").tobytes() for each in floats), self.labels.tobytes()])


def map_points(shown: ScoredSet, directions: Directions) -> MapPoints:
    """Pictures of known classes on the map of these directions."""
    means, logvars = shown.means, shown.logvars
    xy = directions.map_coordinates(means, logvars)
    # The quadratic forms of a diagonal matrix.
    products = (
        directions.first**2,
        directions.first * directions.second,
        directions.second**2,
    )
    return MapPoints(
        xy=xy,
        labels=shown.labels.astype(np.uint8),
        values={
            "reconstruction": shown.reconstruction,
            "kl": shown.kl,
            "deviation": np.exp(logvars.mean(axis=1) / 2),
            "distance": _distance(shown),
        },
        covariance=np.exp(logvars) @ np.stack(products, axis=1),
    )


def _distance(shown: ScoredSet) -> Floats:
    """From each mean to the mean of its class: (N,)."""
    distances = np.empty(len(shown), np.float32)
    for label in np.unique(shown.labels):
        of = shown.labels == label
        means = shown.means[of]
        distances[of] = np.linalg.norm(means - means.mean(axis=0, dtype=np.float64), axis=1)
    return distances


_mount = store("points", (Path(__file__).parent / "points.js").read_text(encoding="utf-8"))


def points_store(points: MapPoints, key: str = "points") -> str:
    """Put points at hand in the browser, and return their name, which components ask for them by.

    To be called outside of fragments. They travel when they are new to the tab: 37 bytes each.

    Args:
        points: made once for all viewers (`map_data.points_of`).
        key: the store's identity, unique in the app; it stays when other points take the place.
    """
    _mount(key=key, data=points.payload)
    return points.name
