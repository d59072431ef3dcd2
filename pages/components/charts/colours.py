"""The colours of classes and of numbers, the same in all charts and on all pages."""

import plotly.colors

# Ten colours that are distinct for colour-blind people, too, on light and dark backgrounds: found by
# maximising the smallest distance in OKLab, for normal vision and each kind of dichromacy
# (tests/pages/charts/test_colours.py).
LABEL_COLOURS = (
    *("#1133ff", "#886699", "#dd2222", "#bb77ff", "#6622aa"),
    *("#ee8844", "#bbccff", "#66aaaa", "#882244", "#eecc00"),
)
# From blue to orange: told apart with any colour vision, and both visible on light and dark pages.
SCALE = plotly.colors.sample_colorscale(["#4477ff", "#cc5599", "#ffaa22"], 24)
