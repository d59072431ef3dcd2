"""Every cache of the pages, keyed by path and time of change, and bounded.

Shapes: N images, Z latent size.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from vae.data import load
from vae.evaluate import image_losses
from vae.latent import encode_set
from vae.model import VAE
from vae.runs import Run

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TestSet:
    """A run's test set as its model sees it; losses in nats per image, z sampled once."""

    images: npt.NDArray[np.uint8]  # (N, 28, 28)
    labels: npt.NDArray[np.int64]  # (N,)
    means: Floats  # (N, Z)
    logvars: Floats  # (N, Z)
    reconstruction: Floats  # (N,)


def model(run: Run) -> VAE:
    """The newest weights of `run`, one object for all tabs. Raises VaeError if there are none."""
    return _model(run, _changed(run))


def test_set(run: Run) -> TestSet:
    """The test set of `run` under its newest weights. Raises VaeError if there are none."""
    return _test_set(run, _changed(run))


def _changed(run: Run) -> int:
    """When the weights were written, in nanoseconds; 0 if they are not there, which loading explains."""
    return run.model_path.stat().st_mtime_ns if run.model_path.exists() else 0


def _path(run: Run) -> str:
    return str(run.path)


@st.cache_resource(max_entries=8, show_spinner="Loading the model ...", hash_funcs={Run: _path})
def _model(run: Run, changed: int) -> VAE:  # noqa: ARG001 (the key)
    return run.load_model()


# A resource, not data: 10 MB that nobody changes, shared instead of copied for each tab.
@st.cache_resource(max_entries=4, show_spinner="Encoding the test set ...", hash_funcs={Run: _path})
def _test_set(run: Run, changed: int) -> TestSet:
    vae = _model(run, changed)
    images, labels = load(run.config.dataset, train=False)
    reconstruction, _ = image_losses(vae, images)
    arrays = (images, labels, *encode_set(vae, images), reconstruction)
    return TestSet(*(array.numpy() for array in arrays))
