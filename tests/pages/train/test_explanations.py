"""What the pages explain must be true of the run that is shown."""

import re

import pytest
import torch

from pages.components.learn.lessons import glossary
from pages.components.train.explanations import explanations, latent_explanation
from vae.config import BUILT_IN

NORMAL = torch.distributions.Normal(0.0, 1.0)


@pytest.mark.parametrize("dataset", list(BUILT_IN))
@pytest.mark.parametrize("latent_dim", [1, 2, 3, 50])
def test_what_is_said_of_a_map_fits_it(dataset: str, latent_dim: int) -> None:
    text = latent_explanation(dataset, latent_dim)
    assert "{" not in text
    assert ("digit" in text) == (dataset in ("mnist", "emnist-digits"))
    assert ("Fours" in text) == (dataset in ("mnist", "emnist-digits") and latent_dim < 3)
    assert (f"through {latent_dim} dimensions" in text) == (latent_dim > 2)
    radii = torch.tensor([1.0, 2.0, 3.0])
    if latent_dim == 1:
        within = 2 * NORMAL.cdf(radii) - 1
        assert [f"{100 * share:.3g}" for share in within] == ["68.3", "95.4", "99.7"]
        assert "68, 95 and 99.7 %" in text
        assert "dashed lines" in text
        assert "circles" not in text
    else:
        within = 1 - torch.exp(-(radii**2) / 2)  # of the Rayleigh distribution
        assert ", ".join(f"{100 * share:.0f}" for share in within) == "39, 86, 99"
        assert "39, 86 and 99 %" in " ".join(text.split())
        assert "plane" in text or latent_dim == 2
    assert 1000 < len(text) < 2800


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_terms_lead_to_the_glossary(latent_dim: int) -> None:
    text = explanations("mnist", latent_dim)
    terms = set(re.findall(r'href="learn\?term=([^"]*)"', text))
    assert terms >= {"nat", "reconstruction", "kl", "elbo", "prior", "posterior", "collapse", "beta"}
    assert terms <= {term.anchor for term in glossary("en")}
    assert "](" not in text
