"""Store of the points of a map: their coordinates, and the values by which they are coloured.

JavaScript gets them by `const points = await pointSets().get(data.points)` (see `registry`):
`{ name, xy, labels, values: { reconstruction, kl, deviation, distance }, covariance }`, all typed arrays.

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
from vae.inference.colourings import colour_values
from vae.inference.planes import Directions
from vae.inference.scored_set import Floats, ScoredSet


@dataclass(frozen=True)
class MapPoints:
    """The pictures of a set as points of a map.

    Attributes:
        xy: the posterior means on the map (N, 2); with one latent dimension, mean and log-variance.
        labels: the classes (N,).
        values: other values for colours, each (N,), by name (`colour_values`).
        covariance: xx, xy, yy of the posterior N(mean, diag(exp(logvar))) on the map: (N, 3).
    """

    xy: Floats
    labels: npt.NDArray[np.uint8]
    values: Mapping[str, Floats]
    covariance: Floats

    @cached_property
    def name(self) -> str:
        """A hash of the content."""
        return hashlib.sha256(json.dumps(list(self.values)).encode() + self._arrays).hexdigest()[:16]

    @cached_property
    def payload(self) -> bytes:
        """A line of JSON (name, count, names of the values), followed by the arrays.

        These are xy, values and covariance as little-endian float32, and the labels as bytes: last, so that
        all arrays are aligned for typed arrays.
        """
        head = {"name": self.name, "count": len(self.labels), "values": list(self.values)}
        return json.dumps(head).encode() + b"\n" + self._arrays

    @property
    def _arrays(self) -> bytes:
        floats = (self.xy, *self.values.values(), self.covariance)
        return b"".join([*(each.astype("<f4").tobytes() for each in floats), self.labels.tobytes()])


def map_points(shown: ScoredSet, directions: Directions) -> MapPoints:
    """The pictures of `shown` as points on the plane of `directions`."""
    return MapPoints(
        xy=directions.map_coordinates(shown.means, shown.logvars),
        labels=shown.labels.astype(np.uint8),
        values=colour_values(shown),
        covariance=directions.covariances(shown.logvars),
    )


_mount = store("points", Path(__file__).with_name("points.js"))


def points_store(points: MapPoints, key: str = "points") -> str:
    """Sends points to the browser, and returns their name, by which components get them.

    To be called outside of fragments. They are sent when they are new to the tab: 37 bytes each.

    Args:
        points: cached for all tabs (`map_data.points_of`).
        key: the component's key, unique in the app; the same when other points replace these.
    """
    _mount(key=key, data=points.payload)
    return points.name
