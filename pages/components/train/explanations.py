"""Explanations of the Train page's panels and of the latent map: a sentence and an expandable text each.

In the texts `[words](kl)` links to that term of the glossary (docs/lessons/en/glossary.md).
"""

import re
from typing import NamedTuple

from vae.inference.scored_set import EXAMPLES

_TERM = re.compile(r"\[([^]]+)\]\(([a-z-]+)\)")
_CURVES = (
    "An image costs <b>reconstruction</b> plus <b>KL</b>; the sum is the negative ELBO; lower is better.",
    """<p>Both, and their sum, the negative [ELBO](elbo), are counted in [nats](nat) per image, units of
    information (1 nat is 1.44 bits). [Reconstruction](reconstruction) is what an image still costs once its
    point z in the latent space is known: it falls as the decoder learns. [KL](kl) is what that point costs:
    how far the encoder's cloud for this image lies from the [prior](prior) N(0, I). It <i>rises</i> at
    first, because to tell {several} apart the encoder must move their clouds away from one another and make
    them sharp; it stops where another nat of KL would save less than a nat of reconstruction.</p>
    <p>The band is ±1 standard deviation over batches; in slow motion each line is a single batch, without
    a band. <b>Test</b> images are never learned from: where train falls and test does not, the model
    learns its images by heart.</p>
    <p>[Collapse](collapse) looks like this: KL falls to zero and stays there, reconstruction stands still
    near 206 nats on MNIST (what the average image costs), every image is decoded alike, and the map is one
    blot in the middle. A large [beta](beta), such as 40, leads there. With beta 0 nothing holds the clouds
    together: KL runs away to 30 and more.</p>""",
)
_PICTURES = (
    "Above, {shown}; below, what the model makes of each after the bottleneck.",
    """<p>Each image is squeezed into a few numbers and drawn again from these alone. First the network
    draws grey noise, then the average of all {several}, then {several} that resemble each other; last it
    tells {last}, where two numbers hold too little. What is blurred is what the model does not know.</p>""",
)
_FIRST = "the first test image of each class"
_SOME = "some test images"
_DIGITS_LAST = "4 from 9 and 3 from 5 from 8"


class _MapTexts(NamedTuple):
    """The parts of the map's explanation that depend on the number of latent dimensions."""

    first: str
    prior: str
    borders: str
    axes: str


_LINE = _MapTexts(
    "Each point is an image: across lies the mean of its posterior, upwards how unsure the encoder is of "
    "it; behind the points is what the model draws.",
    "the dashed lines are its 1, 2 and 3 standard deviations, between which lie 68, 95 and 99.7 % of it",
    "{alike} in each other, as one number is too little to tell them apart.",
    "Left and right have no meaning: the prior is the same on both sides, so a mirrored line is as good, and "
    "another seed gives another one.",
)
_PLANE = _MapTexts(
    "Each point is an image at the mean of its posterior; between the points lies what the model draws of "
    "itself.",
    "the dashed circles are its 1, 2 and 3 standard deviations, which hold 39, 86 and 99 % of it",
    "{alike} in each other, as two numbers are too few to tell them apart.",
    "The axes have no meaning: the prior looks the same from all sides, so mirrored, or with its axes "
    "exchanged, the map is as good, and another seed gives another one.",
)
_SPACE = _MapTexts(
    "Each point is an image at the mean of its posterior, seen on one plane through {latent_dim} "
    "dimensions; behind the points is what the model draws on that plane.",
    "the dashed circles are 1, 2 and 3 standard deviations of what it has on this plane, and hold 39, 86 and "
    "99 % of that",
    "But what lies in each other here may be apart in a direction that the map does not show: {latent_dim} "
    "numbers tell more than the two that are seen.",
    "The axes have no meaning: another seed gives others. And what is drawn at a point is not drawn from its "
    "image, which may lie far in front of this plane or behind it.",
)
# For each data set: singular and plural of what it shows, and classes that few numbers cannot tell apart.
_THINGS: dict[str, tuple[str, str, str]] = {
    "mnist": ("digit", "digits", "Fours and nines lie"),
    "emnist-digits": ("digit", "digits", "Fours and nines lie"),
    "fashion-mnist": ("piece of clothing", "clothes", "Pullovers, coats and shirts lie"),
    "kmnist": ("letter", "letters", "Classes that are written alike lie"),
    "emnist-letters": ("letter", "letters", "Classes that are written alike lie"),
    "sprites": ("shape", "shapes", "Shapes of the same place and size lie"),
    "sprites-colour": ("shape", "shapes", "Shapes of the same place and colour lie"),
}
_PICTURE = ("picture", "pictures", "Pictures that look alike lie")
_UNTOLD = " Nobody told the model what a class is: the colours are added afterwards."
_LATENT = """<p><b>Why there are clusters.</b> The encoder turns an image into a small cloud, its
    [posterior](posterior) q(z|x); the mean is the cloud's middle. The decoder has nothing but a point of that
    cloud to draw the image again. So images that look unlike must lie apart, or they are drawn as a blur of
    both; images that look alike may share a point.{untold}</p>
    <p><b>Why all of it stays near the middle.</b> Distance costs. The [KL](kl) term charges every cloud for
    lying away from the [prior](prior) N(0, I) and for being narrower than it: {prior}. Without that price
    (beta 0) the clouds drift apart and leave holes between them, where the decoder was never asked for
    anything; with it they touch, and a walk from one {one} to another passes {several} nearly all the
    way.</p>
    <p><b>Why some borders are sharp.</b> Where two {parts} meet that have little in common, the drawing turns
    within a short way; there it is grey, because the model draws the mean of what may lie there.
    {borders}</p>
    <p><b>What the map does not say.</b> {axes} Nor is distance the same everywhere: a step may change the
    image much or not at all. And far outside, where no image has its cloud, the decoder still draws;
    nothing ever taught it what.</p>"""


def latent_explanation(dataset: str, latent_dim: int, *, classes: bool = True) -> str:
    """HTML of half a page on what the map of a latent space shows, for beginners.

    `classes`: whether there are any; without, the text does not speak of them.
    """
    words = _LINE if latent_dim == 1 else _PLANE if latent_dim == 2 else _SPACE
    one, several, alike = _THINGS.get(dataset, _PICTURE)
    first, prior, borders, axes = (text.format(alike=alike, latent_dim=latent_dim) for text in words)
    parts, untold = ("classes", _UNTOLD) if classes else ("images", "")
    more = _LATENT.format(
        prior=prior, one=one, several=several, borders=borders, axes=axes, parts=parts, untold=untold
    )
    return details_html((first, more))


def explanations(dataset: str, latent_dim: int, *, classes: int = EXAMPLES) -> str:
    """HTML that explains the panels of the Train page of a data set with so many classes, folded."""
    _, several, _ = _THINGS.get(dataset, _PICTURE)
    words = {
        "several": several,
        "shown": _FIRST if classes == EXAMPLES else _SOME,
        "last": _DIGITS_LAST if several == "digits" else "apart what looks alike",
    }
    panels = "".join(
        details_html((sentence.format(**words), more.format(**words)))
        for sentence, more in (_CURVES, _PICTURES)
    )
    return f"{panels}{latent_explanation(dataset, latent_dim, classes=classes > 1)}"


def details_html(panel: tuple[str, str]) -> str:
    """HTML of a sentence and an expandable text beneath it."""
    sentence, more = panel
    more = _TERM.sub(r'<a href="learn?term=\2" target="_blank">\1</a>', more)
    return (
        f'<details style="font-size:0.875rem"><summary style="cursor:pointer">{sentence} '
        f"<u>More</u></summary>{more}</details>"
    )
