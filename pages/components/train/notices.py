"""What a training has to say besides its progress, in one line of a fixed height, so that nothing moves."""

import numpy as np
import streamlit as st

from pages.components.runs.run_heading import show_trouble
from pages.components.shell.access import may_change
from pages.components.train.moment_view import Newest
from vae.inference.formatting import coordinate_name
from vae.inference.scored_set import Floats
from vae.runs.records import Status
from vae.runs.run import Run

INACTIVE_NATS = 0.01  # mean KL below which a dimension is called inactive
NAMED = 4  # dimensions at most
_COLLAPSED = "Posterior collapse"

_PARTIAL = """**What it means.** In an inactive dimension the encoder gives every image the same
posterior, the prior N(0, 1). This coordinate of z is then noise, and the decoder has learned to ignore it.

**It is normal, and no fault.** A dimension is used only where it saves more reconstruction than it costs KL.
With more dimensions than the data need, or with a larger beta, some are left inactive: the model decides how
many it needs. The others carry all that z says."""

_COLLAPSE = """**What it means.** In an inactive dimension the encoder gives every image the same
posterior, the prior N(0, 1). This coordinate of z is then noise, and the decoder has learned to ignore it.
That is called *posterior collapse*. As all dimensions are inactive, every image is decoded alike, and
reconstruction stays near what the average image costs, 206 nats on MNIST.

**Where it comes from.** The KL term charges for each dimension that is used. A dimension collapses where it
costs more KL than it saves in reconstruction, as with a large beta.

**What to try.** A smaller beta, such as 1. If beta must be large, begin with a small one and raise it during
the training. A dimension that collapsed early rarely comes back: start anew."""


def notices(run: Run, status: Status, newest: Newest | None) -> None:
    """Shows errors and notices of the run, a request that is pending, and whether dimensions are inactive."""
    with st.container(key="notices", horizontal=True, vertical_alignment="center"):
        st.html('<span class="notices-place"></span>', width="content")  # an empty container has no height
        show_trouble(status)
        if may_change() and _is_pending(run, status):
            st.caption("Requested; it takes effect after the current batch.", width="content")
        sentence = collapse_sentence(run, status, newest)
        if sentence:
            with st.popover(sentence, icon=":material/compress:", type="tertiary", width="content"):
                st.markdown(_COLLAPSE if sentence.startswith(_COLLAPSED) else _PARTIAL)


def collapse_sentence(run: Run, status: Status, newest: Newest | None) -> str:
    """Which dimensions are inactive, after the first epoch; empty if none is."""
    epoch_steps = max(1, status.total_steps // run.config.epochs)
    if newest is None or newest.kl is None or newest.step < epoch_steps:
        return ""
    return _inactive(newest.kl)


def _inactive(kl: Floats) -> str:
    (found,) = np.nonzero(kl < INACTIVE_NATS)
    if not len(found):
        return ""
    whole = len(found) == len(kl)
    if whole:
        which = "the only dimension is" if len(kl) == 1 else "all dimensions are"
    elif len(found) > NAMED:
        which = f"{len(found)} of {len(kl)} dimensions are"
    else:
        names = [coordinate_name(int(each)) for each in found]
        which = f"{', '.join(names)} {'are' if len(names) > 1 else 'is'}"
    sentence = f"{which} inactive, with a KL below {INACTIVE_NATS:g} nats"
    return f"{_COLLAPSED}: {sentence}." if whole else f"{sentence}, which is normal."


def _is_pending(run: Run, status: Status) -> bool:
    if status.state not in {"running", "paused"}:
        return False
    request = run.request()
    return request is not None and request.number != status.heard
