"""What tests of pages share: the bundled run, as torch computes it."""

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
        means = torch.cat([model.encode(part[:, None] / 255)[0] for part in images.split(1000)])
    return Bundled(model, means.numpy(), labels.numpy(), images.numpy())
