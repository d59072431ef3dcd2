"""What each panel of the Train page shows: one sentence, and more of it unfolds."""

_CURVES = (
    "A picture costs <b>reconstruction</b> plus <b>KL</b>; the sum is the negative ELBO; lower is better.",
    """<p>All three are counted in <b>nats</b> per picture, units of information (1 nat is 1.44 bits).
    <b>Reconstruction</b> is what a picture still costs once its place in the latent space is known: it
    falls as the decoder learns. <b>KL</b> is what that place costs: how far the encoder's cloud for this
    picture lies from the prior N(0, I). It <i>rises</i> at first, because to tell digits apart the encoder
    must move their clouds away from one another and make them sharp; it stops where another nat of KL
    would save less than a nat of reconstruction.</p>
    <p>The band is ±1 standard deviation over batches; in slow motion each line is a single batch, without
    a band. <b>Test</b> pictures are never learned from: where train falls and test does not, the model
    learns its pictures by heart.</p>
    <p><b>Collapse</b> looks like this: KL falls to zero and stays there, reconstruction stands still near
    206 nats on MNIST (what the average picture costs), every picture is drawn alike, and the map is one
    blot in the middle. A large beta leads there: try 40. With beta 0 nothing holds the clouds together: KL
    runs away to 30 and more.</p>""",
)
_PICTURES = (
    "Above, the first test picture of each class; below, what the model makes of it after the bottleneck.",
    """<p>Each picture is squeezed into a few numbers and drawn again from these alone. First the network
    draws grey noise, then the average of all digits, then digits that resemble each other; last it tells 4
    from 9 and 3 from 5 from 8, where two numbers hold too little. What is blurred is what the model does
    not know.</p>""",
)
_MAP = (
    "Where the model puts a thousand test pictures; colour is the class, which it never sees.",
    """<p>Untrained, all lie on one spot. To draw them apart, the decoder needs them apart, so the classes
    drift away from the middle; the KL term pulls them back to the prior, which keeps the map round and
    without holes. Neighbours on the map are drawn alike: that is why classes that look alike touch.</p>""",
)


def explained(panel: tuple[str, str]) -> str:
    """HTML of a sentence and what unfolds beneath it."""
    sentence, more = panel
    return (
        f'<details style="font-size:0.875rem"><summary style="cursor:pointer">{sentence} '
        f"<u>More</u></summary>{more}</details>"
    )


CURVES, PICTURES, MAP = map(explained, (_CURVES, _PICTURES, _MAP))
