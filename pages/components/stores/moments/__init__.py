"""Store of the moments of a training: the entries of the time slider, in the browser.

The list is sent once; the snapshots are files that the browser fetches when they are needed (`snapshot.js`).
`timeline.js` has the moment that is shown, shared by all components with the same timeline name:

    const shown = timeline(data.timeline);
    shown.addEventListener("change", () => draw(shown.scene), { signal });

Shapes: E examples, S pixels of a side, Z latent size.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pages.components.stores.registry import store
from vae.datasets.images import ImageArray, as_rows
from vae.inference.formatting import bits_text
from vae.inference.scored_set import Floats


class Cost(NamedTuple):
    """Mean losses at a moment, in nats per picture."""

    reconstruction: float
    kl: float


class Moment(NamedTuple):
    """A moment of a training; `url` is that of its snapshot, None if there is none, or none yet.

    Epoch, seconds of training and losses are None where they are unknown: those of the test set are known at
    the ends of epochs, those of the training set at all steps but the first. `values` is the config's
    `density_values`.
    """

    step: int
    url: str | None
    epoch: float | None
    seconds: float | None
    train: Cost | None
    test: Cost | None
    values: int | None = None

    @property
    def _when(self) -> str:
        epoch = "" if self.epoch is None else f" · epoch {_rounded(self.epoch, '0.01')}"
        return f"step {self.step:,}{epoch}"

    @property
    def caption(self) -> str:
        """Step, epoch and losses as text: those of the test set if they are known, or else of training."""
        parts = [self._when]
        split, cost = ("train", self.train) if self.test is None else ("test", self.test)
        if cost is not None:
            reconstruction, kl, total = (_rounded(term, "0.1") for term in (*cost, sum(cost)))
            bits = bits_text(sum(cost), self.values)
            parts.append(f"{split}: reconstruction {reconstruction} + KL {kl} = {total} nats{bits}")
        return " · ".join(parts)

    @property
    def short_caption(self) -> str:
        """The same of both sets, without the sums: the narrowest film has no room for more."""
        parts, label = [self._when], "KL "
        for split, cost in {"train": self.train, "test": self.test}.items():
            if cost is not None:
                reconstruction, kl = (_rounded(term, "0.1") for term in cost)
                parts.append(f"{split} {reconstruction} + {label}{kl}")
                label = ""
        return " · ".join(parts) + ("" if label else " nats")


def _rounded(value: float, to: str) -> Decimal:
    """Halves upwards, as JavaScript's toFixed: 0.125 is 0.13."""
    return Decimal(value).quantize(Decimal(to), ROUND_HALF_UP)


@dataclass(frozen=True)
class Moments:
    """All moments of a run; the last one is the newest weights, or the training as it stands now.

    Attributes:
        run: the run's name.
        live: whether the last moment goes on changing.
        moments: in the order of their steps.
        decoder: the name of the loaded weights' decoder, None while only the steps are known.
        weights: the names of a snapshot's tensors that are the decoder's weights, in the decoder's order.
        pictures: the examples among the test pictures: (E, S, S) or (E, S, S, 3).
        means: the posterior means of these pictures with the loaded weights: (E, Z).
        missing: the steps of snapshots that cannot be used.
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
        """A hash of the content."""
        return hashlib.sha256(self._head + as_rows(self.pictures).tobytes()).hexdigest()[:16]

    @cached_property
    def payload(self) -> bytes:
        """A line of JSON, followed by the pictures as rows of values."""
        head = b'{"name": "' + self.name.encode() + b'", ' + self._head[1:]
        return head + b"\n" + as_rows(self.pictures).tobytes()

    @cached_property
    def _head(self) -> bytes:
        moments = [moment._asdict() | {"caption": moment.caption} for moment in self.moments]
        names = ("run", "live", "decoder", "weights", "missing")
        own = {name: getattr(self, name) for name in names} | {"means": self.means.tolist()}
        return json.dumps({**own, "moments": moments}).encode()


_mount = store("moments", Path(__file__).with_name("moments.js"))


def moments_store(moments: Moments, key: str = "moments") -> str:
    """Sends the list to the browser, and returns its name, by which components get it.

    Args:
        moments: cached for all tabs (`run_moments.load`).
        key: the component's key, unique in the app; the same when other moments replace these.
    """
    _mount(key=key, data=moments.payload)
    return moments.name
