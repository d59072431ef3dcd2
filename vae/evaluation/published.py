"""Results published for MNIST, their conditions, and whether the losses of a run are comparable with them.

Losses are in nats per image. docs/METHOD.md explains why grey targets are comparable with dynamic
binarisation.
"""

from dataclasses import dataclass
from typing import NamedTuple

from vae.config import TrainConfig


@dataclass(frozen=True)
class PublishedResult:
    """The published losses of a model, and how they were measured; None where one was not reported."""

    name: str
    source: str
    conditions: str
    negative_elbo: float | None = None
    reconstruction: float | None = None
    kl: float | None = None
    nll: float | None = None
    latent_dim: int = 2
    obstacle: str = ""  # what keeps it from being comparable with any run


class Verdict(NamedTuple):
    """Whether a run is comparable with a published result, and why, in a sentence."""

    comparable: bool
    why: str


# −ELBO, also drawn as reference lines over the curves.
BLOG_NEGATIVE_ELBO, DAVIDSON_NEGATIVE_ELBO, S_VAE_NEGATIVE_ELBO = 152.7, 137.1, 133.7
_DAVIDSON = "Davidson et al. 2018, arXiv:1804.00891"

PUBLISHED = (
    PublishedResult(
        name="Davidson et al. 2018, Gaussian",
        source=_DAVIDSON,
        conditions="MNIST, test images, binarised dynamically, 2 latent dimensions",
        negative_elbo=DAVIDSON_NEGATIVE_ELBO,
        reconstruction=129.8,
        kl=7.2,
    ),
    PublishedResult(
        name="Davidson et al. 2018, S-VAE",
        source=_DAVIDSON,
        conditions="MNIST, test images, binarised dynamically, 2 latent dimensions, hyperspherical, NLL by "
        "importance sampling",
        negative_elbo=S_VAE_NEGATIVE_ELBO,
        reconstruction=126.4,
        kl=7.3,
        nll=132.5,
    ),
    PublishedResult(
        name="Keras example",
        source="Chollet 2020, keras.io/examples/generative/vae",
        conditions="MNIST, all 70,000 images, grey, 2 latent dimensions, convolutional, z sampled once, mean "
        "over the last of 30 epochs; its terms, as printed, do not add up",
        negative_elbo=150.4,
        reconstruction=144.2,
        kl=6.5,
        obstacle="its figures are of the images it was trained on",
    ),
    PublishedResult(
        name="the blog's code as it stands",
        source="a blog post on VAEs in PyTorch (in Korean, 2024), run and measured by us",
        conditions="MNIST, test images, grey, 2 latent dimensions, 30 epochs, z sampled once",
        negative_elbo=BLOG_NEGATIVE_ELBO,
        reconstruction=147.2,
        kl=5.4,
    ),
)


def nothing_comparable(config: TrainConfig) -> str:
    """Why no published result can stand beside a run of `config`, in a sentence; empty if some can."""
    if config.dataset != "mnist":
        return f"No published results: those known here are of MNIST, and this run learned {config.dataset}."
    if config.likelihood != "bernoulli":
        return (
            "No published results: those known here have a Bernoulli likelihood, and this run a "
            f"{config.likelihood.capitalize()} one."
        )
    return ""


def verdict(published: PublishedResult, config: TrainConfig) -> Verdict:
    """Whether the test losses of a run of `config` are comparable with those published.

    Where `nothing_comparable` of this config says why not, this is not to be asked.
    """
    if published.obstacle:
        return Verdict(False, f"Not comparable: {published.obstacle}, ours of the test images.")
    if config.latent_dim != published.latent_dim:
        ours = f"{config.latent_dim} latent dimension{'s' * (config.latent_dim > 1)}"
        return Verdict(False, f"Not comparable: this run has {ours}, that one {published.latent_dim}.")
    why = "Comparable: bounds of the same likelihood, that of the binarised test images."
    if config.beta != 1:
        why += f" This run was trained with beta {config.beta:g}; its -ELBO is a bound all the same."
    return Verdict(True, why)
