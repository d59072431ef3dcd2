"""What a training has to say besides its progress, in one line of a fixed height, so that nothing moves."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.components.runs.run_heading import show_trouble
from pages.components.shell.access import may_change
from pages.components.train.moment_view import Newest
from vae.inference.formatting import coordinate_name
from vae.inference.planes import INACTIVE_NATS
from vae.runs.records import Status
from vae.runs.run import Run

NAMED = 4  # dimensions at most

_MEANING = """**What it means.** In an inactive dimension the encoder gives every image the same
posterior, the prior N(0, 1). This coordinate of z is then noise, and the decoder has learned to ignore it."""

_NORMAL = """**It is normal, and no fault.** A dimension is used only where it saves more reconstruction
than it costs KL. With more dimensions than the data need, or with a larger beta, some are left inactive: the
model decides how many it needs. The others carry all that z says."""

_COLLAPSE = """That is called *posterior collapse*. As all dimensions are inactive, every image is decoded
alike, and reconstruction stays near what the average image costs, 206 nats on MNIST.

**Where it comes from.** The KL term charges for each dimension that is used. A dimension collapses where it
costs more KL than it saves in reconstruction, as with a large beta.

**What to try.** A smaller beta, such as 1. If beta must be large, begin with a small one and raise it during
the training. A dimension that collapsed early rarely comes back: start anew."""


def notices(run: Run, status: Status, newest: Newest | None) -> None:
    """Shows errors and notices of the run, a request that is pending, and whether dimensions are inactive."""
    with st.container(key="notices", horizontal=True, vertical_alignment="center"):
        st.html('<span class="notices-place"></span>', width="content")  # an empty container has no height
        # Shown last (page.css), and in a container that is always there: where a block and an element take
        # turns at one place, a busy browser may find the other kind there (Streamlit 1.67: "setIn cannot be
        # called on an ElementNode").
        with st.container(key="inactive", width="content"):
            if inactive := inactive_dimensions(run, status, newest):
                latent_dim = run.config.latent_dim
                sentence = inactive_sentence(inactive, latent_dim)
                with st.popover(sentence, icon=":material/compress:", type="tertiary", width="content"):
                    st.markdown(_MEANING)
                    st.markdown(_COLLAPSE if len(inactive) == latent_dim else _NORMAL)
        show_trouble(status)
        if may_change() and _is_pending(run, status):
            st.caption("Requested; it takes effect after the current batch.", width="content")


def inactive_dimensions(run: Run, status: Status, newest: Newest | None) -> list[int]:
    """The inactive dimensions; none in the first epoch, in which all of them begin with a KL near 0."""
    epoch_steps = max(1, status.total_steps // run.config.epochs)
    if newest is None or newest.kl is None or newest.step < epoch_steps:
        return []
    return [int(i) for i in np.flatnonzero(newest.kl < INACTIVE_NATS)]


def inactive_sentence(inactive: Sequence[int], latent_dim: int) -> str:
    """Which dimensions are inactive, one or more; all of them are called a posterior collapse."""
    collapsed = len(inactive) == latent_dim
    if collapsed:
        which = "the only dimension is" if latent_dim == 1 else "all dimensions are"
    elif len(inactive) > NAMED:
        which = f"{len(inactive)} of {latent_dim} dimensions are"
    else:
        which = f"{', '.join(map(coordinate_name, inactive))} {'are' if len(inactive) > 1 else 'is'}"
    sentence = f"{which} inactive, with a KL below {INACTIVE_NATS:g} nats"
    return f"Posterior collapse: {sentence}." if collapsed else f"{sentence}, which is normal."


def _is_pending(run: Run, status: Status) -> bool:
    if status.state not in {"running", "paused"}:
        return False
    request = run.request()
    return request is not None and request.number != status.heard
