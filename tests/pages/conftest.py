"""What tests of pages share: the bundled run, with its posteriors as stored and as torch computes them."""

import numpy as np
import pytest
import torch

from tests.support.latent_page import Bundled
from tests.support.paths import BUNDLED
from tests.support.tensors import load
from vae.runs.run import Run


@pytest.fixture(scope="session")
def bundled() -> Bundled:
    model = Run(BUNDLED).load_model()
    images, labels = load("mnist", train=False)
    with torch.no_grad():
        means = torch.cat([model.encode(part / 255)[0] for part in images.split(1000)]).numpy()
    saved = Run(BUNDLED).saved_model().scores
    assert saved is not None
    np.testing.assert_allclose(saved.mean, means, rtol=2**-11, atol=1e-5)  # in float16, as it is packed
    return Bundled(model, saved.mean, labels.numpy(), images.numpy().reshape(-1, 28, 28))
