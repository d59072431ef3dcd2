"""The two terms of the negative ELBO, per image, in nats.

Shapes: B batch, P pixels, Z latent size.
"""

from torch import Tensor
from torch.nn import functional


def reconstruction(logits: Tensor, pixels: Tensor) -> Tensor:
    """Binary cross-entropy, summed over the pixels: (B, P), (B, P) -> (B,).

    `logits` are the decoder's outputs before the sigmoid, which the formula includes, so that the loss of a
    saturated pixel stays finite. `pixels` are grey values in [0, 1]: the cross-entropy is linear in them,
    so it is the mean over all binarisations of the image.
    Kingma & Welling 2013, appendix C.1, equation (11).
    """
    terms = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
    return terms.sum(dim=-1)


def kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, I)): (B, Z), (B, Z) -> (B,).

    -1/2 sum(1 + logvar - mean^2 - exp(logvar)); Kingma & Welling 2013, appendix B.
    """
    return -0.5 * (1 + logvar - mean.square() - logvar.exp()).sum(dim=-1)
