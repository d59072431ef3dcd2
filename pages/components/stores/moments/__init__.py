"""The moments of a training in the browser: which there are, and what each is made of.

A store brings the list, once; the snapshots are files that the browser fetches itself, each when it is first
wanted (`snapshot.js`). `timeline.js` holds which moment is seen, for all components that name the same
timeline:

    const seen = timeline(data.timeline);
    seen.addEventListener("change", () => draw(seen.scene), { signal });

Shapes: C classes, S pixels a side, Z latent size.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pages.components.stores.registry import store
from vae.datasets.images import ImageArray
from vae.inference.scored_set import Floats


class Cost(NamedTuple):
    """What pictures cost at a moment, in nats."""

    reconstruction: float
    kl: float


class Moment(NamedTuple):
    """One of a training; `address` is that of its snapshot, None where there is none, or not yet.

    Epoch, seconds of training and losses are None where nothing is known of them: the test set's are known
    at the ends of epochs, those of the training all the way but for its first step.
    """

    step: int
    address: str | None
    epoch: float | None
    seconds: float | None
    train: Cost | None
    test: Cost | None


@dataclass(frozen=True)
class Moments:
    """All of a run; the last is what the page shows by itself.

    Attributes:
        run: its name.
        live: whether that goes on changing.
        moments: in the order of their steps.
        decoder: the name of the decoder of the weights that are shown, None while only the steps are known.
        weights: the tensors of a snapshot that are this decoder's weights, in its order.
        pictures: the first test picture of each class: (C, S, S).
        means: those of their posteriors under the weights that are shown: (C, Z).
        missing: steps whose snapshots cannot be used.
    """

    run: str
    live: bool
    moments: Sequence[Moment]
    decoder: str | None
    weights: Sequence[str]
    pictures: ImageArray
    means: Floats
    missing: Sequence[int]

    @cached_property
    def name(self) -> str:
        """The same for the same content, and for no other."""
        return hashlib.sha256(self._head + self.pictures.tobytes()).hexdigest()[:16]

    @cached_property
    def payload(self) -> bytes:
        """A line of JSON, then the pictures' grey levels."""
        head = b'{"name": "' + self.name.encode() + b'", ' + self._head[1:]
        return head + b"\n" + self.pictures.tobytes()

    @cached_property
    def _head(self) -> bytes:
        moments = [moment._asdict() for moment in self.moments]
        names = ("run", "live", "decoder", "weights", "missing")
        own = {name: getattr(self, name) for name in names} | {"means": self.means.tolist()}
        return json.dumps({**own, "moments": moments}).encode()


_mount = store("moments", (Path(__file__).parent / "moments.js").read_text(encoding="utf-8"))


def moments_store(moments: Moments, key: str = "moments") -> str:
    """Put the list at hand in the browser, and return its name, which components ask for it by.

    Args:
        moments: made once for all viewers (`run_moments.load`).
        key: the store's identity, unique in the app; it stays when other moments take the place.
    """
    _mount(key=key, data=moments.payload)
    return moments.name
